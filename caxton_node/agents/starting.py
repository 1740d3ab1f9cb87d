"""Starting an instance: with what an earlier one left if that fits, from the pool if one is warm, timed.

A checkpoint that its successor does not take is dropped and the agent starts afresh: state that nobody can
read must not keep an agent from ever starting.
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
        checkpoint = None if afresh else await self._find(instance)
        sent = None
        if checkpoint is not None:
            sent = await self._try_checkpoint(charge, checkpoint)
        if sent is None:
            sent = await self.prepare(instance)
        instance.open_mailbox()
        instance.launch(sent, charge.degradation.pace(self._clock.now()))

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

    async def keep(self, charge: Charge) -> Checkpoint | None:
        """Ask an agent's paused instance what it leaves, and keep it; failing costs the checkpoint only."""
        instance = charge.instance
        try:
            checkpoint = await instance.checkpoint()
            if checkpoint is not None:
                await self._checkpoints.put(charge.name, checkpoint)
        except CaxtonError as err:
            self._failed.add()
            _log.warning("no checkpoint was kept", agent=instance.id, reason=str(err))
            return None
        if checkpoint is not None:
            self._kept.add()
        return checkpoint

    async def drop(self, name: str) -> None:
        """Forget what an agent (`tenant/name`) has left."""
        await self._checkpoints.drop(name)

    async def _find(self, instance: Instance) -> Checkpoint | None:
        module = instance.module
        if module is None or instance.manifest.keeping is Keeping.OFF:
            return None
        checkpoint = await self._checkpoints.find(instance.manifest.name)
        fits = checkpoint is not None and checkpoint.fits(module.sha256, can_restore=can_take(module))
        return checkpoint if fits else None

    async def _try_checkpoint(self, charge: Charge, checkpoint: Checkpoint) -> list[bytes] | None:
        try:
            sent = await self.prepare(charge.instance, checkpoint)
        except CaxtonError as err:
            self._failed.add()
            agent = charge.instance.id
            _log.warning("a checkpoint was not taken; starting afresh", agent=agent, reason=str(err))
            await self._checkpoints.drop(charge.name)
            return None
        self._restored.add()
        return sent
