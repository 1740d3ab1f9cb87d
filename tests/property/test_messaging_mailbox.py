"""Mailboxes and the router against simple models: nothing lost, nothing twice, order kept, sums right."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.messaging import Mailbox
from tests.support.post_office import NODE, PostOffice

pytestmark = pytest.mark.story("002")


class MailboxMachine(RuleBasedStateMachine):
    """One mailbox, one local sender, anybody else; the model is a plain list."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = False
        self.box = Mailbox(5, self._wake, bytes_max=60)
        self.sender = Mailbox(5)
        self.sender.put(b"work")
        self.model: list[bytes] = []
        self.taken: list[bytes] = []
        self.handled = 0
        self.number = 0

    def _wake(self) -> None:
        self.woken = True

    @rule(count=st.integers(1, 7), size=st.integers(4, 20), local=st.booleans())
    def put(self, count: int, size: int, local: bool) -> None:
        if local and not self.sender.ready:
            return  # a paused agent gets no turn in which to send
        frames = []
        for _ in range(count):
            self.number += 1
            frames.append(self.number.to_bytes(size, "big"))
        was_empty = not self.model
        self.woken = False
        taken = self.box.put_all(frames, self.sender if local else None)
        assert 0 <= taken <= count
        assert taken == count or len(self.box) >= 5 or self.box._bytes + size > 60
        if local and taken < count and self.sender.impatient_with is None:
            assert not self.sender.ready
        assert self.woken == (was_empty and taken > 0)
        self.model += frames[:taken]

    @precondition(lambda self: not self.taken)
    @rule(count=st.integers(1, 10), size=st.integers(1, 80))
    def take(self, count: int, size: int) -> None:
        self.taken = self.box.take(count, size)
        assert self.taken == self.model[: len(self.taken)]
        assert len(self.taken) <= count
        assert bool(self.taken) == bool(self.model)
        assert len(self.taken) <= 1 or sum(map(len, self.taken)) <= size
        del self.model[: len(self.taken)]

    @precondition(lambda self: self.taken)
    @rule(share=st.floats(0, 1), poisoned=st.booleans())
    def settle(self, share: float, poisoned: bool) -> None:
        done = int(share * len(self.taken))
        bad = int(poisoned and done < len(self.taken))
        self.box.settle(done, poisoned=bad)
        self.handled += done
        back = self.taken[done + bad :]
        self.box.put_back(back)
        self.model = back + self.model
        self.taken = []

    @rule()
    def lose_patience(self) -> None:
        if self.sender.paused_for_s:
            self.sender.resume_impatient()
            assert self.sender.ready

    @invariant()
    def everything_is_accounted_for(self) -> None:
        assert len(self.box) == len(self.model)
        assert self.box.in_flight == len(self.model) + len(self.taken)
        assert self.box.delivered == self.handled
        assert self.box._bytes == sum(map(len, self.model))

    @invariant()
    def an_empty_mailbox_pauses_nobody(self) -> None:
        if not self.model and not self.taken:
            assert self.sender.ready


TestMailbox = MailboxMachine.TestCase
TestMailbox.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

AGENTS = ("a", "b", "c")
moves = st.lists(
    st.tuples(
        st.sampled_from(["say", "say", "say", "handle", "trap", "far", "arrive", "garbage", "die", "tick"]),
        st.sampled_from(AGENTS),
        st.lists(st.sampled_from([*AGENTS, "nobody", "far@node-2", "client~1"]), min_size=1, max_size=3),
        st.integers(0, 3),
    ),
    max_size=60,
)


@settings(max_examples=60, deadline=None)
@given(moves)
def test_whatever_happens_every_message_is_accounted_for_and_order_holds(
    steps: list[tuple[str, str, list[str], int]],
) -> None:
    asyncio.run(_play(steps))


async def _play(steps: list[tuple[str, str, list[str], int]]) -> None:
    world = World()
    for number, (move, who, receivers, count) in enumerate(steps):
        getattr(world, move)(number, who, receivers, count)
        world.office.check_sum()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    world.office.check_sum()
    for numbers in world.heard.values():
        assert numbers == sorted(numbers)


class World:
    """Three agents with small mailboxes, a mesh that takes little, a client that is not read."""

    def __init__(self) -> None:
        self.office = PostOffice()
        self.office.mesh.room = 12
        self.boxes = {name: self.office.open(name, depth=4) for name in AGENTS}
        self.heard: dict[tuple[str, str], list[int]] = {}
        self.office.router.add_platform_agent("client~1", lambda _: None, depth_max=3)

    def say(self, number: int, who: str, receivers: list[str], count: int) -> None:
        for receiver in receivers:
            content = str(number).encode()
            self.office.tell(who, receiver, content, conversation_id="talk", reply_with=str(number))

    def far(self, number: int, who: str, receivers: list[str], count: int) -> None:
        self.office.tell(who, "far@node-2", b"0", reply_with=f"q-{number}", reply_by=count)

    def handle(self, number: int, who: str, receivers: list[str], count: int) -> None:
        frames = self.boxes[who].take(count + 1, 10_000)
        self.boxes[who].settle(len(frames))
        for envelope in map(decode, frames):
            if envelope.performative is Performative.INFORM and envelope.sender:
                self.heard.setdefault((envelope.sender, who), []).append(int(envelope.content or b""))

    def trap(self, number: int, who: str, receivers: list[str], count: int) -> None:
        frames = self.boxes[who].take(count + 1, 10_000)
        if frames:
            self.boxes[who].settle(0, poisoned=1)
            self.boxes[who].put_back(frames[1:])
            self.office.router.return_to_sender(frames[0], FailureReason.TRAPPED, "")

    def arrive(self, number: int, who: str, receivers: list[str], count: int) -> None:
        for receiver in receivers:
            arrived = Envelope(Performative.REQUEST, "far@node-2", receiver, b"", "talk", "q")
            self.office.router.accept_remote("node-2", [encode(arrived)])

    def garbage(self, number: int, who: str, receivers: list[str], count: int) -> None:
        self.office.router.accept(f"{who}#1.1@{NODE}", [bytes([count]) * count])

    def die(self, number: int, who: str, receivers: list[str], count: int) -> None:
        self.office.router.handle_node_died("node-2")

    def tick(self, number: int, who: str, receivers: list[str], count: int) -> None:
        self.office.router.tick(self.office.clock.unix_us())
