"""Starting an instance: with what an earlier one left if that fits, from the pool if one is warm, timed.

A checkpoint that its successor does not take is dropped and the agent starts afresh: state that nobody can
read must not keep an agent from ever starting, and must not come back when a later version could read it.
"""

from __future__ import annotations

from time import perf_counter

from caxton_node.agents.charge import Charge
from caxton_node.agents.checkpoints import Checkpoint, CheckpointStore
from caxton_node.agents.instance import Instance, can_take
from caxton_node.agents.manifest import Keeping
from caxton_node.agents.violations import ViolationBook
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.outcomes import StartFailed

_log = get_logger("agents")


class Starter:
    """Starts the instances of a node.

    Args:
        checkpoints: What earlier instances left.
        board: Where starts are counted and timed.
        violations: Where limits that a start passed are noted.
        clock: For the pace of degraded agents.
    """

    def __init__(
        self, checkpoints: CheckpointStore, board: Board, violations: ViolationBook, clock: Clock
    ) -> None:
        self._checkpoints = checkpoints
        self._violations = violations
        self._clock = clock
        self._fresh = board.histogram("caxton_agent_start_seconds", source="fresh")
        self._pool = board.histogram("caxton_agent_start_seconds", source="pool")
        self._restored = board.counter("caxton_agent_checkpoints_total", outcome="restored")
        self._kept = board.counter("caxton_agent_checkpoints_total", outcome="kept")
        self._failed = board.counter("caxton_agent_checkpoints_total", outcome="failed")

    async def start(self, charge: Charge, *, afresh: bool = False) -> None:
        """Start an agent's loaded instance and let it work.

        Args:
            charge: The agent.
            afresh: Leave alone what an earlier instance left.

        Raises:
            DeploymentFailed: The guest did not start; the state is Loaded.
        """
        instance = charge.instance
        sent = await (self.prepare(instance) if afresh else self.prepare_as_left(instance))
        instance.open_mailbox()
        instance.launch(sent, charge.degradation.pace(self._clock.now()))

    async def prepare_as_left(self, instance: Instance) -> list[bytes]:
        """Start a sandbox with what an earlier instance left if it takes that, else afresh; see `prepare`."""
        checkpoint = await self._checkpoints.find(instance.manifest.name)
        if checkpoint is None:
            return await self.prepare(instance)
        if not _fits(checkpoint, instance):
            sent = await self.prepare(instance)
            _log.info("a checkpoint does not fit; started afresh", agent=instance.id, of=checkpoint.version)
            await self.drop(instance.manifest.name)  # from here on it is older than what the agent knows
            return sent
        try:
            sent = await self.prepare(instance, checkpoint)
        except CaxtonError as err:
            sent = await self.prepare(instance)  # if that fails too, it is not the checkpoint's fault
            self._failed.add()
            _log.warning("a checkpoint was not taken; started afresh", agent=instance.id, reason=str(err))
            await self.drop(instance.manifest.name)
            return sent
        self._restored.add()
        return sent

    async def prepare(self, instance: Instance, checkpoint: Checkpoint | None = None) -> list[bytes]:
        """Start a sandbox that no worker runs yet; returns what it sent.

        Raises:
            DeploymentFailed: The guest did not start; the sandbox is gone.
        """
        started_at = perf_counter()
        try:
            sent = await instance.prepare(checkpoint)
        except StartFailed as err:
            if err.violation is not None:
                self._violations.note(instance.id, err.violation)
            raise
        (self._pool if instance.from_pool else self._fresh).observe(perf_counter() - started_at)
        return sent

    async def keep(self, charge: Charge) -> None:
        """Ask an agent's paused instance what it leaves, and keep it; failing costs the checkpoint only."""
        checkpoint = await self.take(charge)
        if checkpoint is not None:
            await self.put(charge, checkpoint)

    async def take(self, charge: Charge) -> Checkpoint | None:
        """Ask an agent's paused instance what it leaves; None if it leaves nothing or fails to."""
        instance = charge.instance
        try:
            return await instance.checkpoint()
        except CaxtonError as err:
            self._failed.add()
            violation = getattr(err, "violation", None)
            if violation is not None:
                self._violations.note(instance.id, violation)
            _log.warning("no checkpoint was taken", agent=instance.id, reason=str(err))
            return None

    async def put(self, charge: Charge, checkpoint: Checkpoint) -> None:
        """Keep what an agent left."""
        try:
            await self._checkpoints.put(charge.name, checkpoint)
        except CaxtonError as err:
            self._failed.add()
            _log.warning("a checkpoint was not kept", agent=charge.instance.id, reason=str(err))
        else:
            self._kept.add()

    async def drop(self, name: str) -> None:
        """Forget what an agent (`tenant/name`) has left, if the store lets us."""
        try:
            await self._checkpoints.drop(name)
        except CaxtonError as err:
            _log.warning("a checkpoint was not dropped", agent=name, reason=str(err))


def _fits(checkpoint: Checkpoint, instance: Instance) -> bool:
    """Return whether an instance could begin with what was left, and is to."""
    module = instance.module
    if module is None or instance.manifest.keeping is Keeping.OFF:
        return False
    return checkpoint.fits(module.sha256, can_restore=can_take(module))
