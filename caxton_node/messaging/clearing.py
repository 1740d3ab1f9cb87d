"""Is everything through? What a fence asks the nodes to which messages went.

    mark      a message of the platform on every lane to the node: what was sent before it arrives before it
    ask       a request beside the lanes, which the node answers when
                1. all marks have come, so it has all that was sent to it,
                2. its own instances of the name have handled what waited then, or have gone,
                3. the nodes to which it passed some of it on say the same of that
    open      the fence is taken down: all have answered, are dead, or five seconds are over

A node that is the only one to get messages from now on need not have handled what it has: what comes later
queues up behind it. It answers after 1. So does a node that has asked already, else two would ask each other
for ever.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from caxton_node.core.errors import CaxtonError, InvalidArgument
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa import encode as encode_frame
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.addresses import MARKS
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.destinations import NODES_MAX, Destinations
from caxton_node.messaging.fence import Fence, Fences
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.marks import METHOD, Mark, Marks, Question, decode_question, encode
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger

FENCE_S = 5.0
ANSWER_S = 0.5
"""How long a node thinks about one question: the mesh bounds how many it works on."""
QUESTIONS_MAX = 16
"""To one node at the same time."""
AGAIN_S = 0.05
CLEAR, NOT_YET = b"\x01", b"\x00"
LOOK_MIN_S, LOOK_MAX_S = 0.001, 0.05
TURN_MAX = 256
VISITS_MAX = 2
"""How often one question may come by a node: mail may have come back to it, but not for ever."""

_log = get_logger("messaging")


class Peers(Protocol):
    """The other nodes, as `cluster.service.Cluster` provides them."""

    def is_alive(self, node: str) -> bool:
        """Tell whether a node can be talked to."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests of a kind by `handler(peer, payload)`."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and return its answer; raises a RemoteError if there is none."""
        ...


class Office(Protocol):
    """What this needs of the router."""

    def add_platform_agent(self, name: str, handler: Callable[[Envelope], None]) -> None:
        """Give messages for `name` to `handler`."""
        ...


class Clearing:
    """Asks other nodes, and is asked; on the event loop.

    Args:
        office: Where marks arrive.
        fences: What is put up and taken down.
        destinations: Where messages are here, and the lanes to other nodes.
        tally: Marks are messages and are counted as such.
        peers: The other nodes.
        board: Where fences are counted.

    Attributes:
        fence_s: How long a fence may stand.
    """

    def __init__(
        self,
        *,
        office: Office,
        fences: Fences,
        destinations: Destinations,
        tally: Tally,
        peers: Peers,
        board: Board,
    ) -> None:
        self._fences = fences
        self._destinations = destinations
        self._tally = tally
        self._peers = peers
        self._board = board
        self.fence_s = FENCE_S
        self._me = destinations.node_id
        self._numbers = itertools.count(1)
        self._doors: dict[str, asyncio.Semaphore] = {}
        self._marks = Marks()
        self._tasks: set[asyncio.Task[None]] = set()
        office.add_platform_agent(MARKS, self._marks.take)
        peers.serve(METHOD, self._handle_question)
        fences.on_stand = self._begin

    async def close(self) -> None:
        """Take every fence down, and put up none any more."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._fences.close()

    # -- asking ---------------------------------------------------------------------------------------------

    def _begin(self, fence: Fence) -> None:
        task = asyncio.get_running_loop().create_task(self._clear(fence), name=f"fence-{fence.name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _clear(self, fence: Fence) -> None:
        outcome = "late"
        try:
            async with asyncio.timeout(self.fence_s):
                await self._clear_all(fence)
                while not await self._let_go(fence):
                    await self._clear_all(fence)
            outcome = "clear"
        except TimeoutError:
            _log.warning(
                "a route changed and what went the old way is not through",
                agent=fence.name,
                nodes=sorted(fence.unclear),
                held=len(fence.held),
            )
        except Exception:  # noqa: BLE001  a bug must not let messages wait for ever
            _log.exception("a fence could not be cleared", agent=fence.name)
        self._board.counter("caxton_message_fences_total", outcome=outcome).add()
        while fence.is_standing:
            fence.unclear.clear()
            await self._let_go(fence)

    async def _let_go(self, fence: Fence) -> bool:
        """Let go on what waits, until the route changes once more; returns whether the fence is down."""
        while not fence.unclear:
            if self._fences.let_go(fence, TURN_MAX):
                return True
            await asyncio.sleep(0)  # the loop has others to serve as well
        return False

    async def _clear_all(self, fence: Fence) -> None:
        turns = self._fences.turns()
        await _until(lambda: self._fences.are_over(turns))
        until = asyncio.get_running_loop().time() + self.fence_s
        while fence.unclear:
            # This node first: what it has may go on to others, which are asked behind it.
            node = min(fence.unclear, key=lambda node: (node != self._me, node))
            await self._clear_node(fence, node, until)

    async def _clear_node(self, fence: Fence, node: str, until: float) -> None:
        trails, is_clear = self._fences.trails, False
        fence.unclear.discard(node)  # a change of route meanwhile puts it back
        trails.begin_asking(fence.name, node)
        try:
            await self._ask(node, fence.name, fence.nodes, [self._me], until)
            is_clear = node not in fence.unclear
        finally:
            trails.end_asking(fence.name, node, is_clear=is_clear)

    async def _ask(self, node: str, name: str, nodes: Sequence[str], path: list[str], until: float) -> None:
        """Return when a node says that all is through, or when it is dead."""
        if node == self._me:
            await self._settle(name, nodes, path[:-1], until)
            return
        while not await self._ask_once(node, name, nodes, path, until):
            if not self._peers.is_alive(node):
                return  # what it never took came back and was routed again, before its routes were changed
            await asyncio.sleep(AGAIN_S)

    async def _ask_once(
        self, node: str, name: str, nodes: Sequence[str], path: list[str], until: float
    ) -> bool:
        async with self._door_to(node):
            within_s = max(min(until - asyncio.get_running_loop().time(), ANSWER_S), 0.01)
            question = encode(Question(name, self._send_marks(node), list(nodes), path, within_s))
            try:
                answer = await self._peers.request(node, METHOD, question, within_s + ANSWER_S)
            except CaxtonError as err:
                _log.debug("a node does not say whether all is through", peer=node, reason=str(err))
                return False
            return answer == CLEAR

    def _door_to(self, node: str) -> asyncio.Semaphore:
        if len(self._doors) > NODES_MAX:
            self._doors.clear()
        return self._doors.setdefault(node, asyncio.Semaphore(QUESTIONS_MAX))

    def _send_marks(self, node: str) -> int:
        number = next(self._numbers)
        lanes = self._destinations.lanes_to(node)
        for place, lane in enumerate(lanes):
            content = encode(Mark(self._me, number, place, len(lanes)))
            receiver = f"{MARKS}@{node}"
            mark = Envelope(Performative.INFORM, PLATFORM_SENDER, receiver, content, language="msgpack")
            if lane.put_all([encode_frame(mark)], None):
                self._tally.accept(1)
        return number

    # -- being asked ----------------------------------------------------------------------------------------

    async def _handle_question(self, peer: str, payload: bytes) -> bytes:
        try:
            asked = decode_question(payload)
        except READ_ERRORS as err:
            raise InvalidArgument("a question about a change of route cannot be read", why=str(err)) from err
        until = asyncio.get_running_loop().time() + asked.within_s
        try:
            async with asyncio.timeout_at(until):
                await self._marks.wait_for(peer, asked.number)
                if asked.nodes != [self._me]:
                    await self._settle(asked.name, asked.nodes, asked.path, until)
        except TimeoutError:
            return NOT_YET
        return CLEAR

    async def _settle(self, name: str, nodes: Sequence[str], path: list[str], until: float) -> None:
        """Return when what came for a name is handled here or has been taken where it went on to."""
        known: set[Mailbox] = set()
        while fresh := [mailbox for mailbox in self._mailboxes(name) if mailbox not in known]:
            known.update(fresh)  # and again: what one leaves behind is adopted by its successor
            counts = {mailbox: mailbox.delivered + mailbox.in_flight for mailbox in fresh}
            await _until(lambda: all(self._is_through(*each) for each in counts.items()))  # noqa: B023  awaited
        onward = [*path, self._me]
        for node in sorted(self._fences.trails.nodes(name) - {self._me}):
            if onward.count(node) < VISITS_MAX:
                await self._ask(node, name, nodes, onward, until)

    def _mailboxes(self, name: str) -> list[Mailbox]:
        return [agent.mailbox for agent in self._destinations.agents_of(name)]

    def _is_through(self, mailbox: Mailbox, count: int) -> bool:
        """Return whether a mailbox has handled so many messages, or holds none: some may have expired."""
        return mailbox.delivered >= count or not mailbox.in_flight


async def _until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so that workers bring about, who tell nobody: looking is all there is."""
    look_every_s = LOOK_MIN_S
    while not is_so():
        await asyncio.sleep(look_every_s)
        look_every_s = min(2 * look_every_s, LOOK_MAX_S)
