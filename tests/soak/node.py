"""One node with all of its agents, the clients that the test plays itself, and what its router counts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from time import time_ns

from caxton_node.agents.supervision import RestartPolicy
from caxton_node.fipa import Envelope
from caxton_node.messaging import Client, Counts, Mailbox, Router, Target
from tests.soak.books import Books, Unbalanced
from tests.soak.plan import HOMES
from tests.soak.wire import Wire
from tests.support.agents import House, open_house
from tests.support.data_plane import until

CLIENT, VISITOR, DEAF, NOMAD = "client", "visitor", "client~deaf", "nomad"
VISITOR_DEPTH = 3
POLICY = RestartPolicy(first_wait_s=0.005, factor=1.5, wait_max_s=0.05, failures_max=5, jitter=0.0)
LEDGER_DEPTH = 1_000_000
LETTERS_MAX, LETTERS_BYTES_MAX = 1_000_000, 2**30
NO_OUTCOMES = {"accepted", "malformed"}
"""Counts that are no outcome: the sum itself, and what was never a message. All others are."""
LETTERED = ("refused", "dead_lettered")
"""Outcomes that may leave a dead letter."""
WAITING = ("in_flight", "parked")
"""Outcomes that are none yet, as far as the router has such counts."""


class Node:
    """A node that can be shut down and started again over its data.

    Args:
        node_id: Its id.
        folder: Its data.
        wire: Its way to the others.
        books: Where it is written down what clients here and the ledger get.
        workers: Threads for its guests.

    Attributes:
        house: The node itself, while it is open.
        unread: Messages that the deaf client has let go unseen since `take_unread`.
    """

    def __init__(self, node_id: str, folder: Path, wire: Wire, books: Books, workers: int) -> None:
        self.node_id = node_id
        self.unread = 0
        self._folder = folder
        self._wire = wire
        self._books = books
        self._workers = workers
        self._stack = AsyncExitStack()
        self._heard = self._acks = self._letters = self._expired = 0
        self._visited = self._is_open = False
        self.house: House
        self._deaf: Client

    @property
    def router(self) -> Router:
        """Return the present router, or the last one."""
        return self.house.router

    @property
    def is_visited(self) -> bool:
        """Return whether the visitor is here."""
        return self._visited

    # -- its life -------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Start the node, with whatever its data has of an earlier run."""
        self._heard = self._acks = self._letters = self._expired = 0
        self._visited = False
        self._folder.mkdir(exist_ok=True)
        house = open_house(
            self._folder,
            policy=POLICY,
            node=self.node_id,
            remote=self._wire.port(self.node_id),
            workers=self._workers,
            before_agents=self._receive,
        )
        self.house = await self._stack.enter_async_context(house)
        for name, home in {**HOMES, NOMAD: ""}.items():  # each node looks for the nomad on the other one
            other = home or {"n1": "n2", "n2": "n1"}[self.node_id]
            if other != self.node_id:
                self.house.routes.replace(f"default/{name}", [Target(f"{name}#1.0.0.1@{other}", other)])
        self._wire.join(self.router)
        self._is_open = True

    async def close(self, *, check: bool = True) -> None:
        """Shut it down in good order, in the middle of whatever happens, and check what it has counted.

        Args:
            check: Whether to check; not when something was found to be wrong before.
        """
        if not self._is_open:
            return
        self._is_open = False
        self._wire.part(self.node_id)
        await self._stack.aclose()
        self.house.service._plant.threads.shutdown()  # a process would end here
        if check:
            await until(lambda: self.router.counts().in_flight == 0)
            self.write_down()
            self.check_counts()

    # -- who else is here -----------------------------------------------------------------------------------

    def _receive(self, router: Router) -> None:
        letters = router.dead_letters  # all are read, so none may make room for others
        letters._count_max, letters._bytes_max = LETTERS_MAX, LETTERS_BYTES_MAX
        router.add_platform_agent("ledger", self._note_ack, depth_max=LEDGER_DEPTH)
        router.add_platform_agent(CLIENT, self._note_at(CLIENT), depth_max=LEDGER_DEPTH)
        self._deaf = Client(router, DEAF)
        self._deaf.__enter__()

    def _note_ack(self, ack: Envelope) -> None:
        self._acks += 1
        self._books.note_ack(ack)

    def _note_at(self, name: str) -> Callable[[Envelope], None]:
        address = f"{name}@{self.node_id}"

        def note(envelope: Envelope) -> None:
            self._heard += 1
            self._books.note_received(address, envelope)

        return note

    def visit(self) -> None:
        """Let the visitor come, or go with whatever has not reached him."""
        if self._visited:
            self.router.remove_platform_agent(VISITOR)
        else:
            self.router.add_platform_agent(VISITOR, self._note_at(VISITOR), depth_max=VISITOR_DEPTH)
        self._visited = not self._visited

    # -- looking --------------------------------------------------------------------------------------------

    def tick(self, ahead_s: float = 0.0) -> None:
        """Let the router look at the time, as a daemon does four times a second."""
        if self._is_open:
            self.router.tick(time_ns() // 1000 + int(ahead_s * 1e6))

    def find_forgotten(self) -> list[str]:
        """Find agents that are paused as senders for a mailbox from which nobody will take any more.

        They go on when their patience is over, which hides that somebody has forgotten to wake them.
        """
        boxes = [agent.mailbox for agent in list(self.router._destinations.agents.values())]
        idle = [(box.address, ahead.address) for box in boxes if (ahead := _find_idle(box)) is not None]
        return [f"{sender} waits for {receiver}, which is empty" for sender, receiver in idle]

    def write_down(self) -> None:
        """Read what the deaf client has kept, and the dead letters."""
        replies = self._deaf._replies
        for _ in range(replies.qsize()):
            self._heard += 1
            self._books.note_received(self._deaf.address, replies.get_nowait())
        self._heard += self._deaf.missed
        self.unread += self._deaf.missed
        self._deaf.missed = 0
        for letter in self.router.dead_letters.take(LETTERS_MAX):
            self._letters += 1
            self._books.note_dead(letter)

    def check_counts(self) -> None:
        """Check the sum, and the counts against what was seen to happen; nothing may be moving here.

        Raises:
            Unbalanced: The router has lost count.
        """
        counts = self.router.counts()
        handled = 2 * self._acks + self._heard  # what an agent handled, the ledger got an ack of
        lettered = sum(getattr(counts, name, 0) for name in LETTERED)
        if counts.accepted != sum(outcomes(counts).values()):
            raise Unbalanced(f"{self.node_id}: the sum is wrong: {counts}")
        if counts.delivered != handled:
            raise Unbalanced(f"{self.node_id}: {handled} messages were handled: {counts}")
        if lettered < self._letters:
            raise Unbalanced(f"{self.node_id}: there are {self._letters} dead letters: {counts}")

    def waiting(self) -> int:
        """Return how many messages the router says it still has."""
        counts = self.router.counts()
        return sum(getattr(counts, name, 0) for name in WAITING)

    def take_expired(self) -> int:
        """Return how many messages the router says have expired since the last time."""
        before, self._expired = self._expired, getattr(self.router.counts(), "expired", 0)
        return self._expired - before

    def take_unread(self) -> int:
        """Return how many messages the deaf client has let go unseen since the last time."""
        unread, self.unread = self.unread, 0
        return unread


def outcomes(counts: Counts) -> dict[str, int]:
    """Return every count that a message ends in; new ones are found by themselves."""
    return {name: value for name, value in asdict(counts).items() if name not in NO_OUTCOMES}


def _find_idle(box: Mailbox) -> Mailbox | None:
    """Return the mailbox that this one waits for, if that had nothing to do before and after it was found."""
    for _ in range(2):
        ahead = box.waits_for
        if ahead is None or not ahead.address or ahead.in_flight or box.waits_for is not ahead:
            return None  # the gate of the mesh has no address, and never holds a message
    return ahead
