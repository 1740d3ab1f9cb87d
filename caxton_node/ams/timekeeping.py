"""Reminding agents: sets their timers, tells them when one is due, and keeps the durable ones.

An agent has timers at its own node only, and they end with it. When it is stopped its volatile timers are
forgotten; a durable one rings on, once what it says can be heard: a single ring waits for the agent as a
durable message, a repeated one skips what nobody hears.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from caxton_node.agents.lifecycle import State
from caxton_node.ams.acts import SetTimer
from caxton_node.ams.timer_face import TimerFace
from caxton_node.ams.timer_store import TimerStore, forgetting, forgetting_all, keeping
from caxton_node.ams.timers import Timer, Timers
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.core.ids import parse_address
from caxton_node.fipa import Envelope
from caxton_node.messaging.platform_acts import Call, Refused, Voice
from caxton_node.observability.logs import get_logger
from caxton_node.storage import Statement

TURN_MAX = 256
SLEEP_S_MAX = 60.0
ENDS_WITH_INFORM = "fipa-request"

_log = get_logger("ams")


class Timekeeping:
    """The timers of this node's agents; on the event loop.

    Args:
        node_id: This node.
        clock: Time.
        store: Where durable timers are kept.
        voice: Speaks to agents.
        find_state: Returns where an agent of this node (`tenant/name`) is in its life, None if there is none.
        timers: The table.
    """

    def __init__(
        self,
        *,
        node_id: str,
        clock: Clock,
        store: TimerStore,
        voice: Voice,
        find_state: Callable[[str], State | None],
        timers: Timers,
    ) -> None:
        self._node_id = node_id
        self._clock = clock
        self._face = TimerFace(clock)
        self._store = store
        self._voice = voice
        self._find_state = find_state
        self._timers = timers
        self._alarm: asyncio.TimerHandle | None = None
        self._started = False

    # -- life -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the timers of an earlier life; none rings before `start`."""
        for kept in await self._store.read(self._timers.total_max):
            timer = self._face.read_kept(kept)
            if timer is not None:
                self._timers.set(timer)

    def start(self) -> None:
        """Begin to ring: the agents of this node are here by now. Timers of others are forgotten."""
        self._started = True
        for agent in {timer.agent for timer in self._timers}:
            self.look_after(agent)
        self._wind()

    async def close(self) -> None:
        """Ring no more; what is durable is written."""
        self._started = False
        if self._alarm is not None:
            self._alarm.cancel()
        await self._store.close()

    def look_after(self, agent: str) -> None:
        """Forget timers of an agent (`tenant/name`) that was removed, and volatile ones if it has stopped."""
        state = self._find_state(agent)
        if state not in {None, State.STOPPED}:
            return
        was_durable = False
        for timer in self._timers.of(agent):
            if state is None or not timer.durable:
                self._timers.cancel(agent, timer.id)
                was_durable = was_durable or timer.durable
        if was_durable:
            self._store.write(forgetting_all(agent), _log_failure)

    # -- requests -------------------------------------------------------------------------------------------

    def set(self, call: Call[object], request: SetTimer) -> None:
        """Set a timer and say AGREE, when it is durable if it shall be.

        Raises:
            Refused: It cannot be, and why.
        """
        self._check(call, request)
        agent, now = call.sender.name, self._clock.now()
        self._timers.check_room(agent, request.id)
        before = self._timers.find(agent, request.id)
        kept = msgspec.structs.replace(call.envelope, content=None, headers=None)
        every_s = (request.every_ms or 0) / 1000
        timer = Timer(agent, request.id, now + self._wait_s(request), every_s, request.durable, kept)
        if request.durable or (before is not None and before.durable):
            self._store.check_room()
            self._write_set(timer)
        else:
            self._voice.agree(kept, self._face.agreement(timer))
        self._timers.set(timer)
        self._wind()

    def cancel(self, call: Call[object], timer_id: str) -> None:
        """Forget a timer of who asks, and say whether there was one, when that is durable."""
        timer = self._timers.cancel(call.sender.name, timer_id)
        content = {"cancelled": int(timer is not None)}
        if timer is None or not timer.durable:
            self._voice.inform(call.envelope, content)
        else:
            self._write(forgetting(timer.agent, timer.id), call.envelope, content)

    def cancel_of_talk(self, envelope: Envelope) -> bool:
        """Forget the timer that was set in a conversation; tell whether there was one, and say so."""
        for timer in self._timers.of(parse_address(envelope.sender or "").name):
            request = timer.request
            if (request.sender, request.conversation_id) != (envelope.sender, envelope.conversation_id):
                continue
            self._timers.cancel(timer.agent, timer.id)
            if timer.durable:
                self._write(forgetting(timer.agent, timer.id), envelope, {"cancelled": 1})
            else:
                self._voice.inform(envelope, {"cancelled": 1})
            return True
        return False

    def list(self, agent: str) -> dict[str, object]:
        """Return what the answer says of an agent's timers, the one that is due first before the others."""
        return {"timers": [self._face.line(timer) for timer in self._timers.of(agent)]}

    # -- when one is due ------------------------------------------------------------------------------------

    def ring(self) -> None:
        """Tell of every timer that is due."""
        self._alarm = None
        for timer in self._timers.take_due(self._clock.now(), TURN_MAX):
            if self._find_state(timer.agent) is None:  # its deployment has failed
                self._timers.set(timer)  # so that it is forgotten like its others
                self.look_after(timer.agent)
            elif timer.durable:
                self._ring_durably(timer)
            elif not timer.every_s or self._hears(timer.agent):
                self._voice.inform(timer.request, self._face.news(timer))
        self._wind()

    def _ring_durably(self, timer: Timer) -> None:
        """Tell of a timer and note that it has rung, once it is certain that the agent will be told.

        One that waits for the disk already does not wait twice: what it has missed is one ring, as always.
        """
        if timer.rings:
            timer.count -= 1
            return
        timer.rings = True
        statement = keeping(self._face.kept(timer)) if timer.every_s else forgetting(timer.agent, timer.id)
        news = self._face.news(timer)

        def tell() -> bool:
            timer.rings = False
            if timer.every_s and not self._hears(timer.agent):
                return False
            self._voice.inform(timer.request, news, durable=True)
            return True

        self._store.write_ring(statement, tell, _log_failure)

    def _wind(self) -> None:
        """Let the alarm go off when the next timer is due."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        due_at = self._timers.next_due() if self._started else None
        if due_at is not None:
            wait_s = min(max(due_at - self._clock.now(), 0.0), SLEEP_S_MAX)
            self._alarm = asyncio.get_running_loop().call_later(wait_s, self.ring)

    # -- parts ----------------------------------------------------------------------------------------------

    def _check(self, call: Call[object], request: SetTimer) -> None:
        if call.is_client or call.sender.node != self._node_id or self._find_state(call.sender.name) is None:
            raise Refused(
                "not-here", f"{call.sender} is no agent of this node; timers are kept where agents run"
            )
        if request.every_ms and call.envelope.protocol == ENDS_WITH_INFORM:
            detail = (
                "fipa-request ends with one INFORM; send SUBSCRIBE, or no protocol, for a timer that repeats"
            )
            raise Refused("protocol", detail)

    def _wait_s(self, request: SetTimer) -> float:
        if request.at_unix_ms is not None:
            return max(request.at_unix_ms - self._face.unix_ms(), 0) / 1000
        return (request.after_ms if request.after_ms is not None else request.every_ms or 0) / 1000

    def _write_set(self, timer: Timer) -> None:
        # One that was durable and is volatile now must not come back with the next life of the node.
        statement = keeping(self._face.kept(timer)) if timer.durable else forgetting(timer.agent, timer.id)
        agreement = self._face.agreement(timer)

        def done(error: CaxtonError | None) -> None:
            if error is None:
                self._voice.agree(timer.request, agreement)
                return
            if self._timers.find(timer.agent, timer.id) is timer:
                self._timers.cancel(timer.agent, timer.id)
            self._voice.fail(timer.request, error)

        self._store.write(statement, done)

    def _write(self, statement: Statement, envelope: Envelope, content: object) -> None:
        def done(error: CaxtonError | None) -> None:
            if error is None:
                self._voice.inform(envelope, content)
            else:
                self._voice.fail(envelope, error)

        self._store.write(statement, done)

    def _hears(self, agent: str) -> bool:
        return self._find_state(agent) is State.RUNNING


def _log_failure(error: CaxtonError | None) -> None:
    if error is not None:  # the timer rings again after the next start, which is better than not at all
        _log.warning("a timer was not written down", reason=str(error))
