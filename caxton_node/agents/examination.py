"""The four stages in which a module is tried. Blocks, so it runs on a thread; `validation.py` is the way in.

    static      it is a module, needs nothing that is not there, and compiles
    sandbox     it starts in a sandbox of its own, within its limits
    contracts   it bears the messages of `contracts.py`, what it sends can be delivered, and if it leaves
                checkpoints it takes them
    resources   no message took more than its limits

A stage passes, fails with a reason, or is skipped because an earlier one left nothing to look at.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial

from caxton_node.agents.contracts import CASES, Case, find_loops, find_silence, frames_of, read_sent
from caxton_node.agents.findings import (
    MessageFacts,
    ModuleFacts,
    Report,
    Stage,
    StageName,
    StageOutcome,
    StartFacts,
)
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.verdicts import (
    facts_of,
    failed,
    find_registered,
    hint_for,
    is_limit,
    listed,
    merged,
    told,
    trapped,
)
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.stamps import Stamps
from caxton_node.runtime.engine import CompiledModule, Engine, to_binary
from caxton_node.runtime.outcomes import CheckpointFailed, StartFailed
from caxton_node.runtime.ports import LogLevel
from caxton_node.runtime.profile import Cpu
from caxton_node.runtime.trial import Trial, needed_features
from caxton_node.runtime.violations import Action, Bound, Violation

LOG_LINES_MAX = 20
_NO_TIME = "no time was left for it"
_TRY_AGAIN = "try again: what was compiled is kept, so there is more time for the rest"
_BEAR_IT = "anybody may send an agent anything: answer with not-understood what it does not know"
_LEAVE_WELL = "mend caxton_checkpoint or caxton_restore, or run it with --keep off"
_USE_LESS = "raise the limit, or do less for each message"


class Examination:
    """One module on trial.

    Args:
        engine: Where it is compiled and tried.
        node_id: This node.
        manifest: What it is tried as.
        data: The module, binary or text.
        until: Instant of the clock at which all must be over.
        clock: Real time.

    Attributes:
        module: What it was found to be so far.
        compiled: It is ready to run.
    """

    def __init__(
        self, engine: Engine, node_id: str, manifest: Manifest, data: bytes, *, until: float, clock: Clock
    ) -> None:
        self.module = ModuleFacts()
        self.compiled = False
        self._engine = engine
        self._node_id = node_id
        self._manifest = manifest
        self._data = data
        self._until = until
        self._clock = clock
        self._began_at = clock.now()
        self._stamps = Stamps(node_id, clock)
        self._start: StartFacts | None = None
        self._messages: list[MessageFacts] = []
        self._violations: list[Violation] = []
        self._log: list[str] = []

    def run(self) -> Report:
        """Go through the stages."""
        try:
            compiled = self._compile()
        except CaxtonError as err:
            hint = hint_for(err, set(self.module.needs) - set(self._manifest.wasm_features))
            return self.report(failed(StageName.STATIC, err.what, why=err.why, hint=hint))
        passed = Stage(StageName.STATIC, StageOutcome.PASSED)
        trial = self._open(compiled)
        try:
            sandbox = self._try_start(trial)
            contracts = self._try_contracts(trial, compiled) if trial.is_alive else None
        finally:
            trial.close()
        stages = [passed, sandbox]
        if contracts is not None:
            stages += [contracts, self._judge_resources()]
        return self.report(*stages)

    def report(self, *stages: Stage) -> Report:
        """Put together what was found; stages that are not given were skipped."""
        rest = list(StageName)[len(stages) :]
        skipped = [Stage(name, StageOutcome.SKIPPED) for name in rest]
        return Report(
            manifest=self._manifest,
            stages=(*stages, *skipped),
            module=self.module,
            start=self._start,
            messages=tuple(self._messages),
            log=tuple(self._log),
            elapsed_s=self._clock.now() - self._began_at,
        )

    # -- static ---------------------------------------------------------------------------------------------

    def _compile(self) -> CompiledModule:
        """Compile the module and note what it is.

        Raises:
            CaxtonError: Why it cannot be run.
        """
        binary = to_binary(self._data)
        facts = self.module
        facts.sha256, facts.size = hashlib.sha256(binary).hexdigest(), len(binary)
        facts.needs = needed_features(binary, self._engine.settings)
        # A trial watches the clock, also for an agent that will be metered only: code that never ends and has
        # fuel for a year must not keep a thread of this node.
        profile = self._manifest.profile
        if profile.cpu is Cpu.METERED:
            profile = replace(profile, cpu=Cpu.BOTH)
        began_at = self._clock.now()
        compiled = self._engine.compile(binary, profile)
        facts.compile_s = self._clock.now() - began_at
        facts.imports, facts.exports = listed(compiled.imports), listed(compiled.exports)
        facts.checkpoints = compiled.has("caxton_checkpoint") and compiled.has("caxton_restore")
        facts.whole = compiled.is_whole
        self.compiled = True
        return compiled

    # -- sandbox --------------------------------------------------------------------------------------------

    def _open(self, module: CompiledModule) -> Trial:
        limits = self._manifest.limits
        return Trial(self._engine, module, limits, until=self._until, log=self._note_line, clock=self._clock)

    def _introduction(self) -> dict[str, object]:
        manifest = self._manifest
        tenant, _, name = manifest.name.partition("/")
        return {
            "agent": name,
            "tenant": tenant,
            "node": self._node_id,
            "instance": f"{manifest.name}#{manifest.version}.1@{self._node_id}",
            "version": manifest.version,
            "config": dict(manifest.config),
        }

    def _try_start(self, trial: Trial) -> Stage:
        try:
            started = trial.start(self._introduction())
        except TimeoutError:
            return failed(StageName.SANDBOX, f"it was not started: {_NO_TIME}", hint=_TRY_AGAIN)
        except StartFailed as err:
            hint = "raise the limit, or do less in the start" if is_limit(err.trap) else "see its log"
            return trapped(StageName.SANDBOX, "it did not start", err.trap, trial.cut_to_s, hint)
        sent, problems = read_sent(started.sent, self._manifest.limits.message_bytes_max)
        capabilities, refused = find_registered(sent)
        self._start = StartFacts(started, capabilities)
        problems += refused
        if problems:
            return failed(StageName.SANDBOX, problems[0], notes=problems[1:])
        return Stage(StageName.SANDBOX, StageOutcome.PASSED)

    # -- contracts ------------------------------------------------------------------------------------------

    def _try_contracts(self, trial: Trial, compiled: CompiledModule) -> Stage:
        """Give it the messages of every case and ask for its checkpoint, until it traps."""
        steps = [(case.name, partial(self._try_case, trial, case)) for case in CASES]
        if self.module.checkpoints:
            steps.append(("checkpoint", partial(self._try_checkpoint, trial, compiled)))
        stages = []
        for name, step in steps:
            if trial.is_alive:
                try:
                    stages.append(step())
                except TimeoutError:
                    stages.append(failed(StageName.CONTRACTS, f"{name}: {_NO_TIME}", hint=_TRY_AGAIN))
        return merged(stages)

    def _try_case(self, trial: Trial, case: Case) -> Stage:
        limits = self._manifest.limits
        agent = self._manifest.name.partition("/")[2]
        frames = frames_of(case, agent, self._node_id, self._stamps, limits.batch_max)
        handled = trial.handle(frames)
        outcome = handled.outcome
        # The bound on time was the trial's own, and is told by the trap.
        was_cut = handled.cut_to_s is not None
        self._violations += [
            found for found in outcome.violations if not (was_cut and found.bound is Bound.TIME)
        ]
        sent, problems = read_sent(outcome.outbox, limits.message_bytes_max)
        self._messages.append(facts_of(case, handled, sent))
        if outcome.trap is not None:
            where = f"{case.name}, message {outcome.handled + 1}" if len(frames) > 1 else case.name
            hint = _USE_LESS if is_limit(outcome.trap) else _BEAR_IT
            return trapped(StageName.CONTRACTS, where, outcome.trap, handled.cut_to_s, hint)
        problems += find_loops(case, sent)
        if problems:
            return failed(StageName.CONTRACTS, f"{case.name}: {problems[0]}", notes=problems[1:])
        return Stage(StageName.CONTRACTS, StageOutcome.PASSED, notes=tuple(find_silence(case, sent)))

    def _try_checkpoint(self, trial: Trial, compiled: CompiledModule) -> Stage:
        """Let it leave a checkpoint, and another instance take it."""
        heir = self._open(compiled)
        try:
            kept = trial.checkpoint()
            heir.start(self._introduction(), kept)
        except CheckpointFailed as err:
            return trapped(StageName.CONTRACTS, "its checkpoint", err.trap, trial.cut_to_s, _LEAVE_WELL)
        except StartFailed as err:
            what = "a successor that takes its checkpoint"
            return trapped(StageName.CONTRACTS, what, err.trap, heir.cut_to_s, _LEAVE_WELL)
        finally:
            heir.close()
        note = f"it leaves a checkpoint of {len(kept):,} bytes, and its successor takes it"
        return Stage(StageName.CONTRACTS, StageOutcome.PASSED, notes=(note,))

    # -- resources ------------------------------------------------------------------------------------------

    def _judge_resources(self) -> Stage:
        """Fail for a limit that stopped it; one that only slows it down is noted."""
        hard = [told(found) for found in self._violations if found.action is Action.TRAPPED]
        soft = [told(found) for found in self._violations if found.action is not Action.TRAPPED]
        if hard:
            return failed(StageName.RESOURCES, f"a message used {hard[0]}", hint=_USE_LESS, notes=soft)
        if not any(facts.handled for facts in self._messages):
            return Stage(StageName.RESOURCES, StageOutcome.SKIPPED)
        return Stage(StageName.RESOURCES, StageOutcome.PASSED, notes=tuple(soft))

    def _note_line(self, level: LogLevel, text: str) -> None:
        if len(self._log) < LOG_LINES_MAX:
            self._log.append(f"{level}: {text}")
