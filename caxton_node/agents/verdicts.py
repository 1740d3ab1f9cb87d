"""What came of a call of a module on trial, in words: why a stage fails, and what is worth telling. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import msgspec

from caxton_node.agents.contracts import PROBLEMS_MAX, Case
from caxton_node.agents.findings import LISTED_MAX, MessageFacts, Stage, StageName, StageOutcome
from caxton_node.core.errors import CaxtonError
from caxton_node.core.shown import show
from caxton_node.fipa import Envelope
from caxton_node.messaging.directory import DIRECTORY, Register
from caxton_node.registry.discovery.registration import record_of
from caxton_node.runtime.traps import Trap, TrapKind
from caxton_node.runtime.trial import Handled
from caxton_node.runtime.violations import OF_TRAP, Action, Bound, Violation

NAME_CHARS_MAX = 200

_read_register = msgspec.json.Decoder(Register).decode


def find_registered(sent: Sequence[Envelope]) -> tuple[tuple[str, ...], list[str]]:
    """Return the capabilities that were asked to be registered, and what the directory would not take."""
    names: list[str] = []
    refused = []
    for envelope in sent:
        if envelope.receiver_list() != [DIRECTORY] or b'"register"' not in (envelope.content or b""):
            continue
        try:
            capabilities = _read_register(envelope.content or b"").capabilities
            names += [record_of(found, "any/agent", "any-node").name for found in capabilities]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, CaxtonError) as err:
            refused.append(f"the directory would not register this: {err}")
    return listed(names), refused[:PROBLEMS_MAX]


def facts_of(case: Case, handled: Handled, sent: Sequence[Envelope]) -> MessageFacts:
    """Return what a report tells of the messages of a case."""
    outcome = handled.outcome
    return MessageFacts(
        name=case.name,
        given=outcome.taken,
        handled=outcome.handled,
        sent=listed([envelope.performative.word for envelope in sent]),
        sent_count=len(outcome.outbox),
        fuel_units=round(outcome.fuel_units / outcome.taken),
        elapsed_s=outcome.elapsed_s / outcome.taken,
        memory_bytes=handled.memory_bytes,
    )


def listed(names: Sequence[str]) -> tuple[str, ...]:
    """Return the first names, each cut to what a person can read."""
    return tuple(show(name, NAME_CHARS_MAX) for name in names[:LISTED_MAX])


def failed(name: StageName, what: str, *, why: str = "", hint: str = "", notes: Sequence[str] = ()) -> Stage:
    """Return a stage that failed."""
    reason = f"{what}: {why}" if why else what
    return Stage(name, StageOutcome.FAILED, reason, hint, notes=tuple(notes))


def hint_for(err: CaxtonError, missing: Collection[str]) -> str:
    """Return what to do about a module that was refused; a feature that it misses can be allowed."""
    options = " ".join(f"--wasm-feature {name}" for name in sorted(missing))
    return f"{err.hint}; or have an operator allow it: {options}" if options else err.hint


def trapped(name: StageName, what: str, trap: Trap, cut_to_s: float | None, hint: str) -> Stage:
    """Return a stage that failed by a trap; for time, the bound is named that was the nearer one."""
    if trap.kind is TrapKind.TIME and cut_to_s is not None:
        reason = f"{what}: it was not done within {cut_to_s:.2g} s, which is all that a trial gives"
    else:
        reason = f"{what}: {trap.message}"
    return Stage(name, StageOutcome.FAILED, reason, hint, listed(trap.backtrace))


def merged(stages: Sequence[Stage]) -> Stage:
    """Make one stage of its steps: the first that failed, with what there is to say of the others."""
    notes = [note for stage in stages for note in stage.notes]
    bad = [stage for stage in stages if stage.outcome is StageOutcome.FAILED]
    notes += [stage.reason for stage in bad[1:]]
    return replace((bad or list(stages))[0], notes=tuple(notes))


def is_limit(trap: Trap) -> bool:
    """Return whether a trap is a limit's doing."""
    return trap.kind in OF_TRAP


def told(found: Violation) -> str:
    """Return what was used of which limit."""
    done = "" if found.action is Action.TRAPPED else f", {found.action}"
    if found.bound is Bound.TIME:
        return f"{found.used:.2g} s of {found.limit:.2g} s{done}"
    return f"{found.used:,.0f} of {found.limit:,.0f} {found.bound.replace('_', ' ')}{done}"
