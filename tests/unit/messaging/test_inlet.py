"""What comes from other nodes: the short way does what the long way does, and what is kept is owed for."""

import asyncio
from time import time

import msgspec
import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative, encode
from caxton_node.messaging.mailbox import FAR_BYTES_HOLD
from caxton_node.messaging.origin import WAKE_BYTES
from caxton_node.messaging.stamps import new_trace, to_message_id
from caxton_node.messaging.tags import TTL
from caxton_node.messaging.traces import SAMPLED
from tests.support.post_office import PostOffice, empty

pytestmark = pytest.mark.story("019")


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def letter(number: int, receiver: str = "b", content: bytes = b"{}", **more: object) -> Envelope:
    return Envelope(
        Performative.INFORM,
        "far@node-2",
        receiver,
        content,
        conversation_id=more.pop("conversation_id", "talk"),  # type: ignore[arg-type]
        message_id=to_message_id(number),
        sent_at=int(time() * 1e6),
        trace=more.pop("trace", new_trace(to_message_id(number))),  # type: ignore[arg-type]
        **more,  # type: ignore[arg-type]
    )


def arrive(office: PostOffice, *letters: Envelope, peer: str = "node-2") -> int:
    return office.router.accept_remote(peer, [encode(each) for each in letters])


class TestTheShortWay:
    """Order and receipts are those of the long way."""

    async def test_order_holds_between_plain_messages_and_those_that_go_the_long_way(
        self, office: PostOffice
    ) -> None:
        box = office.open("b")
        sampled = new_trace(to_message_id(3), SAMPLED)
        headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(60_000_000))}
        arrive(
            office,
            letter(1, content=b"1"),  # begins the conversation
            letter(2, content=b"2"),
            letter(3, content=b"3", trace=sampled, conversation_id="other"),
            letter(4, content=b"4"),
            letter(5, content=b"5", headers=headers),
            letter(6, content=b"6"),
            letter(9, content=b"7"),
            letter(10, content=b"8", conversation_id=None),
        )
        assert [found.content for found in empty(box)] == [b"%d" % number for number in range(1, 9)]
        office.check_sum()

    async def test_what_follows_in_number_is_one_run_and_each_message_has_its_receipt(
        self, office: PostOffice
    ) -> None:
        box = office.open("b")
        arrive(office, *(letter(number) for number in (1, 2, 3, 4, 7, 8)))
        assert [(run.first, run.count) for run in box._arrivals.waiting()] == [(1, 1), (2, 3), (7, 2)]
        assert (box.holds(8) > 0, box.holds(5)) == (True, 0)
        empty(box)
        for number in (1, 4, 8):
            (receipt,) = office.router.tracking._delivery.receipts.find(number)
            assert (receipt.state, receipt.receiver) == ("handled", "b#1.1@node-1")
        assert office.router.tracking._delivery.receipts.find(6) == []

    async def test_a_breach_of_protocol_is_judged_as_ever(self, office: PostOffice) -> None:
        box = office.open("b")
        request = letter(1, protocol="fipa-request")
        request.performative = Performative.REQUEST
        again = letter(2, protocol="fipa-request")
        again.performative = Performative.ACCEPT_PROPOSAL
        arrive(office, request, again)
        assert len(empty(box)) == 1
        assert office.mesh.sent[-1][2].performative is Performative.NOT_UNDERSTOOD
        office.check_sum()

    async def test_an_agent_that_moves_gets_nothing_by_an_old_short_way(self, office: PostOffice) -> None:
        office.open("b")
        arrive(office, letter(1), letter(2))
        office.router.remove_mailbox("b#1.1@node-1")
        office.route("b", "node-3")
        arrive(office, letter(3))
        assert [(node, each.message_id) for node, _, each in office.mesh.sent] == [
            ("node-3", to_message_id(3))
        ]
        office.check_sum()


class TestWhatIsKept:
    """A peer owes for what waits here, until it is handled."""

    async def test_what_waits_is_owed_and_what_was_handled_is_given_back_to_the_byte(
        self, office: PostOffice
    ) -> None:
        released: list[tuple[str, int]] = []
        office.router.inlet.release = lambda node, size: released.append((node, size))
        box = office.open("b")
        sent = [letter(number, content=b"{}" + b" " * number) for number in range(1, 60)]
        headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(60_000_000))}
        sent.append(letter(99, headers=headers))
        size = sum(len(encode(each)) for each in sent)
        assert arrive(office, *sent) == size
        assert arrive(office, letter(100, receiver="nobody")) == 0
        for count in (1, 7, 20):
            taken = box.take(count, 1 << 30)
            box.settle(len(taken) - 1, poisoned=1)
        box.put_back(box.take(5, 1 << 30))
        empty(box)
        office.router.inlet.settle()
        assert sum(size for _, size in released) == size
        assert box._arrivals.far_bytes == 0

    async def test_what_is_in_hand_when_a_mailbox_closes_is_given_back_once_whatever_becomes_of_it(
        self, office: PostOffice
    ) -> None:
        released: list[int] = []
        office.router.inlet.release = lambda _node, size: released.append(size)
        box = office.open("b")
        owed = arrive(office, letter(1), letter(2))
        box.take(1, 1 << 30)
        office.router.remove_mailbox("b#1.1@node-1")
        office.router.inlet.settle()
        box.settle(1)
        office.router.inlet.settle()
        assert released == [owed]

    async def test_mail_that_is_given_back_when_a_mailbox_closes_is_owed_no_longer(
        self, office: PostOffice
    ) -> None:
        released: list[int] = []
        office.router.inlet.release = lambda _node, size: released.append(size)
        office.open("b")
        owed = arrive(office, letter(1), letter(2))
        office.router.remove_mailbox("b#1.1@node-1")
        office.router.inlet.settle()
        assert released == [owed]

    async def test_a_peer_is_asked_to_hold_once_and_to_go_on_when_half_is_handled(
        self, office: PostOffice
    ) -> None:
        asked: list[tuple[str, str, bool]] = []
        office.router.inlet.ask_to_hold = lambda *words: asked.append(words)
        box = office.open("b", depth=1_000_000)
        content = b"{}" + b" " * WAKE_BYTES
        count = FAR_BYTES_HOLD // len(content) + 1
        for number in range(1, count + 3):
            arrive(office, letter(number, content=content))
        await _turn()
        assert asked == [("node-2", "b@node-1", True)]
        box.settle(len(box.take(2, 1 << 30)))
        await _turn()
        assert len(asked) == 1, "a little is not enough"
        empty(box)
        await _turn()
        assert asked[1:] == [("node-2", "b@node-1", False)]

    async def test_the_word_to_hold_is_repeated_while_it_lasts(self, office: PostOffice) -> None:
        asked: list[tuple[str, str, bool]] = []
        office.router.inlet.ask_to_hold = lambda *words: asked.append(words)
        office.open("b", depth=2)
        arrive(office, letter(1), letter(2))
        office.clock.advance(2.0)
        office.router.tick(office.clock.unix_us())
        office.router.tick(office.clock.unix_us())
        await _turn()
        assert asked == [("node-2", "b@node-1", True)] * 2

    async def test_twice_the_depth_is_the_end_even_for_a_peer(self, office: PostOffice) -> None:
        box = office.open("b", depth=3)
        arrive(office, *(letter(number) for number in range(1, 10)))
        assert len(box) == 6
        refused = [envelope for _, _, envelope in office.mesh.sent]
        assert len(refused) == 3
        assert all(FailureReason.MAILBOX_FULL.encode() in (each.content or b"") for each in refused)
        office.check_sum()


async def _turn() -> None:
    """Let the loop run what was handed to it."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_soon(done.set)
    await done.wait()
