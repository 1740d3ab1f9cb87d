"""Stopping an agent in good order: it finishes what it began, leaves what it knows, gives back the rest.

Those with whom it was still in a conversation are told, so that nobody waits for it.
"""

from __future__ import annotations

import asyncio

from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.instance import Instance
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.starting import Starter
from caxton_node.fipa import FailureReason
from caxton_node.messaging.handover import Handover
from caxton_node.messaging.router import Router
from caxton_node.observability.logs import get_logger

LOOK_EVERY_S, LOOK_EVERY_MAX_S = 0.01, 0.1

_log = get_logger("agents")


class Drainer:
    """Brings agents to a stop; the caller holds the lock of the agent.

    Args:
        router: Where messages go back to their senders.
        roster: Tells the cluster.
        starter: Keeps what an agent leaves.
    """

    def __init__(self, router: Router, roster: Roster, starter: Starter) -> None:
        self._router = router
        self._roster = roster
        self._starter = starter

    async def bring_down(self, charge: Charge, drain_s: float) -> int:
        """Drain an agent, keep what it knows, and stop it.

        Whatever goes wrong on the way, it is stopped in the end. One that failed stays Failed.

        Returns:
            How many messages went back to their senders.
        """
        charge.cancel_restart()
        instance = charge.instance
        if not instance.is_in(State.RUNNING, State.DRAINING):
            await instance.halt()
            return self.return_mail(instance)
        if instance.is_in(State.RUNNING):
            instance.step(Event.DRAIN)
        self._roster.announce(charge)  # first the route, then the drain
        handover = self._router.departures.begin(instance.id)
        try:
            await self.wait(instance, handover, drain_s)
            if instance.is_in(State.DRAINING):
                await instance.pause()
                await self._starter.keep(charge)
        except Exception:  # noqa: BLE001  an agent that is to stop must not stay half stopped
            _log.exception("a drain went wrong", agent=instance.id)
        await instance.halt()
        left = self._router.departures.end(instance.id, handover)
        instance.drop_mailbox()
        if instance.is_in(State.DRAINING):
            instance.step(Event.STOP)
        return self._give_back(instance, left)

    async def wait(self, instance: Instance, handover: Handover, within_s: float) -> None:
        """Wait until what waits is handled and conversations have ended, time is over, or the guest traps."""
        look_every_s = LOOK_EVERY_S
        try:
            async with asyncio.timeout(within_s):
                # Workers and conversations tell nobody that they are done: looking is all there is.
                while instance.is_in(State.DRAINING) and not self._router.departures.is_finished(handover):
                    await asyncio.sleep(look_every_s)
                    look_every_s = min(2 * look_every_s, LOOK_EVERY_MAX_S)
        except TimeoutError:
            _log.info("a drain ended before all was done", agent=instance.id, waiting=instance.waiting)

    async def wait_idle(self, instance: Instance, within_s: float) -> None:
        """Wait until an agent that runs has handled what waits, or time is over; it goes on to run."""
        look_every_s = LOOK_EVERY_S
        try:
            async with asyncio.timeout(within_s):
                while instance.is_in(State.RUNNING) and instance.waiting:  # see `wait`
                    await asyncio.sleep(look_every_s)
                    look_every_s = min(2 * look_every_s, LOOK_EVERY_MAX_S)
        except TimeoutError:
            _log.info("an agent was not done in time", agent=instance.id, waiting=instance.waiting)

    def return_mail(self, instance: Instance) -> int:
        """Close an agent's mailbox, give back what waits, tell those who talk with it; returns how much."""
        return self._give_back(instance, instance.close_mailbox())

    def _give_back(self, instance: Instance, left: list[bytes]) -> int:
        self._router.reroute(left, FailureReason.AGENT_STOPPED)
        self._router.partners.tell_of_agent(instance.address, f"{instance.address} has stopped", left)
        return len(left)
