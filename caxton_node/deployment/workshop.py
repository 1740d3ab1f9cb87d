"""Steps under way: one at a time for each deployment, few at a time altogether, and what came of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from caxton_node.agents.views import Glance
from caxton_node.core.clock import Clock
from caxton_node.core.errors import AlreadyExists, CapacityError, CaxtonError, InputError, InternalError
from caxton_node.core.shown import show
from caxton_node.deployment.attempts import Attempts, Trouble
from caxton_node.deployment.decide import Deploy, Remove, Rest, Start, Step, Update
from caxton_node.deployment.performing import Performer
from caxton_node.deployment.reports import ReplicaState
from caxton_node.deployment.spec import NO_EDITION, DeploymentSpec
from caxton_node.deployment.telling import Teller
from caxton_node.observability import Board
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger

AT_ONCE = 4
"""Replicas that are started or changed at a time; ending ones mostly wait, and are not counted."""
_BEGUN = {
    Deploy: ReplicaState.STARTING,
    Start: ReplicaState.STARTING,
    Update: ReplicaState.UPDATING,
    Remove: ReplicaState.LEAVING,
}

_log = get_logger("deployment")


class _Work(NamedTuple):
    step: Step
    task: asyncio.Task[None]


class Workshop:
    """Carries steps out behind whoever decides.

    Args:
        performer: Does them.
        teller: Tells the others.
        attempts: Told of what did not come up.
        endings: Told of what did not go down.
        board: Where steps are counted.
        clock: Time.
        on_end: Called with the deployment when a step has ended, however.
        may_rise: Asked once more when a step that brings a replica up has its place: is that still wanted?
    """

    def __init__(
        self,
        *,
        performer: Performer,
        teller: Teller,
        attempts: Attempts,
        endings: Attempts,
        board: Board,
        clock: Clock,
        on_end: Callable[[str], None],
        may_rise: Callable[[DeploymentSpec], bool],
    ) -> None:
        self._performer = performer
        self._teller = teller
        self._attempts = attempts
        self._endings = endings
        self._board = board
        self._clock = clock
        self._on_end = on_end
        self._may_rise = may_rise
        self._places = asyncio.Semaphore(AT_ONCE)
        self._works: dict[str, _Work] = {}

    def is_busy(self, name: str) -> bool:
        """Tell whether a step for a deployment is under way."""
        return name in self._works

    def interrupt_rise(self, name: str) -> None:
        """Break a step off that brings a replica up; what an agent is amid goes to its end first."""
        work = self._works.get(name)
        if work is not None and not isinstance(work.step, Remove | Rest):
            work.task.cancel()

    def begin(self, step: Step, name: str, spec: DeploymentSpec | None, local: Glance | None) -> None:
        """Begin a step for a deployment that has none under way; returns at once."""
        state = _BEGUN.get(type(step))
        if state is not None and spec is not None:
            told = self._teller.said(name)
            before = 0 if told is None else told.generation
            self._teller.tell(name, state, before, step.why if isinstance(step, Remove) else "")
        task = asyncio.create_task(self._carry_out(step, name, spec, local), name=f"deployment {name}")
        self._works[name] = _Work(step, task)
        task.add_done_callback(tell_of_bug)
        task.add_done_callback(lambda _task: self._end(name))

    async def close(self) -> None:
        """Break off what waits; what an agent is amid goes to its end first."""
        tasks = [work.task for work in self._works.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _end(self, name: str) -> None:
        self._works.pop(name, None)
        self._on_end(name)

    async def _carry_out(
        self, step: Step, name: str, spec: DeploymentSpec | None, local: Glance | None
    ) -> None:
        word, outcome = type(step).__name__.lower(), "failed"
        try:
            outcome = await self._do(step, name, spec, local)
            _log.info(f"replica step {outcome}", step=word, deployment=name, why=_why(step))
        except CaxtonError as err:
            self._note_failure(step, name, spec, local, err)
        except Exception as err:  # noqa: BLE001 - whatever it is, it is not tried again at once
            _log.exception("a replica step failed by a bug", step=word, deployment=name)
            self._note_failure(step, name, spec, local, InternalError(show(f"{type(err).__name__}: {err}")))
        finally:
            self._board.counter("caxton_deployment_steps_total", step=word, outcome=outcome).add()

    async def _do(self, step: Step, name: str, spec: DeploymentSpec | None, local: Glance | None) -> str:
        if isinstance(step, Remove | Rest):
            await self._performer.perform(step, name, spec, local)
            self._endings.forget(name)
            return "done"
        async with self._places:
            if spec is None or not self._may_rise(spec):  # it has waited, and what was decided is old
                return "dropped"
            await self._performer.perform(step, name, spec, local)
        self._attempts.note_started(name, spec.edition, self._clock.now())
        return "done"

    def _note_failure(
        self, step: Step, name: str, spec: DeploymentSpec | None, local: Glance | None, err: CaxtonError
    ) -> None:
        edition = NO_EDITION if spec is None else spec.edition
        now, is_ending = self._clock.now(), isinstance(step, Remove | Rest)
        attempts = self._endings if is_ending else self._attempts
        trouble = attempts.note_failure(
            name, edition, f"{err.code}: {err}", now=now, is_final=_is_final(err) and not is_ending
        )
        _log.warning(
            "replica step failed",
            step=type(step).__name__.lower(),
            deployment=name,
            reason=str(err),
            failures=trouble.failures,
            again_in_s=round(trouble.until - now, 1),
        )
        if spec is not None and not is_ending:
            tell_trouble(self._teller, spec, local, trouble)


def tell_trouble(teller: Teller, spec: DeploymentSpec, local: Glance | None, trouble: Trouble) -> None:
    """Tell the others of a failure: where nothing runs and nothing more is tried, another node takes over."""
    if local is not None and local.state == "Running":
        told = teller.said(spec.name)
        before = 0 if told is None else told.generation
        teller.tell(spec.name, ReplicaState.FAILED, before, trouble.reason)
    elif trouble.is_refusal:
        teller.tell(spec.name, ReplicaState.REFUSED, spec.generation, trouble.reason)
    else:
        teller.tell(spec.name, ReplicaState.WAITING, 0, f"{trouble.reason}; it is tried again")


def _is_final(err: CaxtonError) -> bool:
    """Tell whether the same would fail here again: for the module, the name, the room that it needs."""
    return isinstance(err, InputError | AlreadyExists | CapacityError)


def _why(step: Step) -> str:
    return getattr(step, "why", "")
