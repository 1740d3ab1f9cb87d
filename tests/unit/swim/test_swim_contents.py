"""Large metadata: fetched in pieces from whoever holds it, verified, and never unbounded."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable

import pytest

from swim.codec import (
    CONTENT_BYTES_MAX,
    CONTENT_PIECE_BYTES,
    CONTENT_REFERENCE_BYTES,
    decode_packet,
    encode_message,
)
from swim.contents import RETRIEVALS_MAX, Contents
from swim.context import Context
from swim.effects import Schedule, Send
from swim.errors import TooLarge
from swim.keyring import Keyring
from swim.member import Address, Member, MemberState, node_key
from swim.messages import ContentPiece, ContentWant, Message, Refute
from swim.retrieval import PIECES_PER_WANT, reference_of
from swim.settings import Settings
from swim.shelf import CLIENTS_MAX, HELD_BYTES_MAX, PIECES_PER_INTERVAL
from swim.statistics import Drop
from swim.timers import ContentRetry
from swim.wire import Wire

pytestmark = pytest.mark.story("018")

RTT_S = 0.002
CLUSTER_KEY = bytes(range(32))


class Node:
    """Contents of one node with the real context and wire around them."""

    def __init__(self, number: int, settings: Settings) -> None:
        self.number = number
        self.key = node_key(f"n{number}")
        self.address: Address = (f"10.0.{number // 200}.{number % 200 + 1}", 7946)
        self.context = Context.make(self.key, settings, random.Random(number))
        self.keyring = Keyring("test", [CLUSTER_KEY])
        self.contents = Contents(self.context, Wire(self.context, self.keyring))
        self.arrived: list[tuple[bytes, bytes]] = []
        self.reference = b""
        self.lies = False

    def record(self) -> Member:
        return Member(
            node_id=f"n{self.number}",
            address=self.address,
            state=MemberState.ALIVE,
            incarnation=0,
            epoch=1,
            metadata=b"",
            revision=0,
            key=self.key,
            content=self.reference,
        )

    def hear(self, message: Message, sender: Node, now: float) -> None:
        if isinstance(message, ContentWant):
            self.contents.handle_want(message, sender.key, sender.address, now)
        elif isinstance(message, ContentPiece):
            if sender.lies:
                message = message._replace(data=bytes(len(message.data)))
            self.contents.handle_piece(message, sender.key, now)
            self.arrived += self.contents.take_arrived()


class Net:
    """Nodes that know each other, in virtual time; `drops` decides which datagrams are lost."""

    def __init__(
        self, count: int, *, settings: Settings | None = None, loss: float = 0.0, seed: int = 1
    ) -> None:
        self.settings = settings or Settings.lan()
        self.nodes = [Node(number, self.settings) for number in range(count)]
        self.now = 100.0
        self.pieces = self.wants = 0
        self.pieces_of: dict[bytes, int] = {}
        rng = random.Random(seed)
        self.drops: Callable[[Node, Node], bool] = lambda _sender, _receiver: rng.random() < loss
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._order = 0
        self._by_address = {node.address: node for node in self.nodes}
        self.introduce()

    def introduce(self) -> None:
        """Let everybody hold the newest record of everybody."""
        for node in self.nodes:
            for other in self.nodes:
                node.context.roster.put(other.record())

    def offer(self, number: int, content: bytes) -> bytes:
        node = self.nodes[number]
        node.reference = node.contents.offer(content)
        self.introduce()
        return node.reference

    def want(self, number: int, of: int) -> None:
        node = self.nodes[number]
        node.contents.want(self.nodes[of].key, self.nodes[of].reference, self.now)
        node.arrived += node.contents.take_arrived()
        self.perform(node)

    def perform(self, node: Node) -> None:
        for effect in node.context.outbox.take():
            if isinstance(effect, Send):
                self._post(node, self._by_address[effect.address], effect.datagram)
            elif isinstance(effect, Schedule):
                assert isinstance(effect.timer, ContentRetry)
                self._plan(effect.after_s, lambda timer=effect.timer: self._fire(node, timer))

    def run(self, for_s: float) -> None:
        end = self.now + for_s
        while self._queue and self._queue[0][0] <= end:
            self.now, _, act = heapq.heappop(self._queue)
            act()
        self.now = end

    def _plan(self, after_s: float, act: Callable[[], None]) -> None:
        self._order += 1
        heapq.heappush(self._queue, (self.now + after_s, self._order, act))

    def _fire(self, node: Node, timer: ContentRetry) -> None:
        node.contents.handle_retry(timer, self.now)
        self.perform(node)

    def _post(self, sender: Node, receiver: Node, datagram: bytes) -> None:
        assert len(datagram) <= self.settings.udp_bytes_max
        if not self.drops(sender, receiver):
            self._plan(RTT_S / 2, lambda: self._deliver(sender, receiver, datagram))

    def _deliver(self, sender: Node, receiver: Node, datagram: bytes) -> None:
        for message in decode_packet(receiver.keyring.open(datagram).plaintext).messages:
            self._count(message, sender)
            receiver.hear(message, sender, self.now)
        self.perform(receiver)

    def _count(self, message: Message, sender: Node) -> None:
        self.wants += isinstance(message, ContentWant)
        if isinstance(message, ContentPiece):
            self.pieces += 1
            self.pieces_of[sender.key] = self.pieces_of.get(sender.key, 0) + 1


def content(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def pieces_in(size: int) -> int:
    return -(-size // CONTENT_PIECE_BYTES)


# ---- the reference and the own content


def test_a_reference_is_a_digest_and_a_length() -> None:
    reference = reference_of(content(5000))
    assert len(reference) == CONTENT_REFERENCE_BYTES
    assert reference[16:] == (5000).to_bytes(4, "big")
    assert reference != reference_of(content(5000, seed=2))


def test_only_metadata_too_large_for_a_record_is_referred_to() -> None:
    node = Node(0, Settings.lan())
    assert node.contents.refer(content(128)) == b""
    assert node.contents.refer(content(129)) == reference_of(content(129))


def test_the_largest_content_is_taken_and_one_byte_more_refused() -> None:
    node = Node(0, Settings.lan())
    node.contents.offer(content(CONTENT_BYTES_MAX))
    with pytest.raises(TooLarge, match="65537 bytes"):
        node.contents.offer(content(CONTENT_BYTES_MAX + 1))


# ---- fetching


@pytest.mark.parametrize("size", [129, 999, 1000, 1001, 4000, 4001, 20_000, CONTENT_BYTES_MAX])
def test_a_content_arrives_whole_with_each_piece_sent_once(size: int) -> None:
    net = Net(2)
    net.offer(0, content(size))
    net.want(1, of=0)
    net.run(0.4)  # less than one retry
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(size))]
    assert net.pieces == pieces_in(size)
    assert net.wants <= pieces_in(size) // 3 + 2


@pytest.mark.parametrize("loss", [0.1, 0.3, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_a_content_arrives_whole_through_loss(loss: float, seed: int) -> None:
    net = Net(2, loss=loss, seed=seed)
    net.offer(0, content(CONTENT_BYTES_MAX))
    net.want(1, of=0)
    net.run(300.0)
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(CONTENT_BYTES_MAX))]
    assert net.pieces < 2.5 * pieces_in(CONTENT_BYTES_MAX)


def test_nothing_is_sent_any_more_when_all_is_there() -> None:
    net = Net(2, loss=0.2)
    net.offer(0, content(9000))
    net.want(1, of=0)
    net.run(60.0)
    before = net.pieces, net.wants
    net.run(600.0)
    assert net.nodes[1].arrived
    assert (net.pieces, net.wants) == before


def test_a_content_that_is_here_arrives_at_once() -> None:
    net = Net(3)
    net.offer(0, content(3000))
    net.offer(2, content(3000))
    net.want(1, of=0)
    net.run(1.0)
    before = net.wants
    net.want(1, of=2)
    assert net.nodes[1].arrived[1] == (net.nodes[2].key, content(3000))
    assert net.wants == before


def test_members_with_the_same_content_cost_one_transfer() -> None:
    net = Net(21)
    for number in range(20):
        net.offer(number, content(8000))
    for number in range(20):
        net.want(20, of=number)
    net.run(1.0)
    assert {key for key, _ in net.nodes[20].arrived} == {node.key for node in net.nodes[:20]}
    assert net.pieces == 8


def test_requests_carry_no_rumours() -> None:
    """They would all be told to one member, and a rumour is told only so many times."""
    net = Net(2)
    net.offer(0, content(CONTENT_BYTES_MAX))
    rumours = net.nodes[1].context.dissemination
    rumours.claims.put(b"somebody", encode_message(Refute(b"somebody", 1, 1)))
    before = rumours.fill(1000, 2)
    net.want(1, of=0)
    net.run(1.0)
    assert net.wants > 10
    assert rumours.fill(1000, 2) == before


def test_wanting_twice_asks_once() -> None:
    net = Net(2)
    net.offer(0, content(500))
    net.want(1, of=0)
    net.want(1, of=0)
    net.run(0.1)
    assert net.wants == 1
    assert len(net.nodes[1].arrived) == 1


def test_newer_metadata_replaces_the_one_being_fetched() -> None:
    net = Net(2)
    net.offer(0, content(9000))
    net.want(1, of=0)
    net.offer(0, content(9000, seed=2))
    net.want(1, of=0)
    net.run(1.0)
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(9000, seed=2))]


def test_a_content_that_its_member_no_longer_has_does_not_arrive() -> None:
    net = Net(2)
    net.offer(0, content(9000))
    net.want(1, of=0)
    net.nodes[0].reference = b""  # it told everybody of small metadata while the large was on its way
    net.introduce()
    net.run(10.0)
    assert net.nodes[1].arrived == []


# ---- elsewhere


def test_after_two_unanswered_requests_others_are_asked() -> None:
    net = Net(3)
    net.offer(0, content(20_000))
    net.want(2, of=0)
    net.run(1.0)
    net.drops = lambda sender, receiver: {sender.number, receiver.number} == {0, 1}
    net.want(1, of=0)
    net.run(1.4)
    assert net.nodes[1].arrived == []
    net.run(10.0)
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(20_000))]


def test_a_member_of_many_that_holds_it_is_found() -> None:
    net = Net(10)
    net.offer(0, content(2000))
    net.want(9, of=0)
    net.run(1.0)
    net.drops = lambda sender, receiver: 0 in {sender.number, receiver.number}
    net.want(1, of=0)
    net.run(600.0)
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(2000))]


def test_a_wrong_content_is_thrown_away_and_fetched_elsewhere() -> None:
    net = Net(3)
    net.offer(0, content(20_000))
    net.want(2, of=0)
    net.run(1.0)
    net.nodes[0].lies = True
    net.want(1, of=0)
    net.run(30.0)
    assert net.nodes[1].contents.counts.wrong == 1
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(20_000))]


def test_a_member_that_lied_is_asked_again_when_nobody_else_has_it() -> None:
    net = Net(3)
    net.offer(0, content(5000))
    net.nodes[0].lies = True
    net.want(1, of=0)
    net.run(1.0)
    net.nodes[0].lies = False
    net.run(60.0)
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(5000))]


@pytest.mark.parametrize("seed", range(5))
def test_a_liar_among_helpers_does_not_keep_a_content_away(seed: int) -> None:
    net = Net(4, loss=0.4, seed=seed)
    net.offer(0, content(10_000))
    for number in (2, 3):
        net.want(number, of=0)
    net.run(300.0)
    net.nodes[2].lies = True
    net.want(1, of=0)
    net.run(600.0)
    assert net.nodes[1].arrived == [(net.nodes[0].key, content(10_000))]


def test_a_member_whose_content_is_always_wrong_is_asked_ever_more_rarely() -> None:
    net = Net(2)
    net.offer(0, content(CONTENT_BYTES_MAX))
    net.nodes[0].lies = True
    net.want(1, of=0)
    net.run(60.0)
    counts = net.nodes[1].contents.counts
    assert 2 <= counts.wrong <= 25
    assert net.pieces == counts.wrong * pieces_in(CONTENT_BYTES_MAX)
    assert net.nodes[1].arrived == []


def test_pieces_that_do_not_fit_or_come_from_somebody_else_are_not_taken() -> None:
    net = Net(3)
    reference = net.offer(0, content(2500))
    net.drops = lambda sender, receiver: True
    net.want(1, of=0)
    one, owner = net.nodes[1].contents, net.nodes[0].key
    for offset, size in ((0, 999), (1, 1000), (2000, 1000), (3000, 1), (3000, 0), (65_000, 1)):
        one.handle_piece(ContentPiece(reference, offset, bytes(size)), owner, net.now)
    one.handle_piece(ContentPiece(reference, 0, bytes(1000)), net.nodes[2].key, net.now)
    one.handle_piece(ContentPiece(bytes(20), 0, bytes(1000)), owner, net.now)
    for offset in (0, 1000, 2000):
        one.handle_piece(
            ContentPiece(reference, offset, content(2500)[offset : offset + 1000]), owner, net.now
        )
    assert one.take_arrived() == [(owner, content(2500))]
    assert one.counts.wrong == 0


def test_pieces_in_any_order_and_twice_make_the_content() -> None:
    net = Net(2)
    data = content(30_000)
    reference = net.offer(0, data)
    net.drops = lambda sender, receiver: True
    net.want(1, of=0)
    offsets = [offset for offset in range(0, 30_000, 1000) for _ in range(2)]
    random.Random(3).shuffle(offsets)
    for offset in offsets:
        piece = ContentPiece(reference, offset, data[offset : offset + 1000])
        net.nodes[1].contents.handle_piece(piece, net.nodes[0].key, net.now)
    assert net.nodes[1].contents.take_arrived() == [(net.nodes[0].key, data)]


# ---- bounds


def test_few_are_fetched_at_a_time_and_the_rest_wait() -> None:
    net = Net(31)
    for number in range(30):
        net.offer(number, content(3000, seed=number))
    for number in range(30):
        net.want(30, of=number)
    net.run(RTT_S / 2)
    assert net.wants == RETRIEVALS_MAX
    net.run(1.0)
    expected = [(net.nodes[number].key, content(3000, seed=number)) for number in range(30)]
    assert sorted(net.nodes[30].arrived) == sorted(expected)


def test_members_that_never_answer_do_not_keep_the_others_waiting() -> None:
    net = Net(41)
    for number in range(40):
        net.offer(number, content(3000, seed=number))
    net.drops = lambda sender, receiver: min(sender.number, receiver.number) < RETRIEVALS_MAX
    for number in range(40):
        net.want(40, of=number)
    net.run(120.0)
    assert len(net.nodes[40].arrived) == 40 - RETRIEVALS_MAX
    assert net.nodes[40].contents.counts.postponed >= 1
    net.drops = lambda sender, receiver: False
    net.run(60.0)
    assert len(net.nodes[40].arrived) == 40


@pytest.mark.parametrize("length", [0, CONTENT_BYTES_MAX + 1, 2**32 - 1])
def test_a_reference_of_an_impossible_length_is_refused(length: int) -> None:
    net = Net(2)
    net.nodes[0].reference = bytes(16) + length.to_bytes(4, "big")
    net.introduce()
    net.want(1, of=0)
    net.run(10.0)
    assert net.wants == 0
    assert net.nodes[1].contents.counts.refused == 1


def test_more_references_than_members_are_refused() -> None:
    net = Net(2, settings=Settings(members_max=4))
    for number in range(6):
        net.nodes[1].contents.want(
            bytes([number]) * 8, bytes([number]) * 16 + (200).to_bytes(4, "big"), net.now
        )
    assert net.nodes[1].contents.counts.refused == 2


def test_a_member_that_is_gone_is_no_longer_asked() -> None:
    net = Net(2)
    net.offer(0, content(9000))
    net.drops = lambda sender, receiver: True
    net.want(1, of=0)
    net.nodes[1].contents.forget(net.nodes[0].key)
    net.drops = lambda sender, receiver: False
    net.run(60.0)
    assert net.wants == 0


def test_a_request_is_answered_with_few_pieces_and_only_to_members() -> None:
    net = Net(2)
    reference = net.offer(0, content(CONTENT_BYTES_MAX))
    holder = net.nodes[0]
    holder.contents.handle_want(ContentWant(reference, 0), net.nodes[1].key, net.nodes[1].address, net.now)
    assert len(holder.context.outbox.take()) == PIECES_PER_WANT
    stranger = node_key("stranger")
    holder.contents.handle_want(ContentWant(reference, 0), stranger, ("192.0.2.1", 7946), net.now)
    assert holder.context.outbox.take() == []
    assert holder.context.statistics.dropped[Drop.UNKNOWN_MEMBER] == 1


@pytest.mark.parametrize("offset", [5000, CONTENT_BYTES_MAX])
def test_a_request_beyond_the_end_is_not_answered(offset: int) -> None:
    net = Net(2)
    reference = net.offer(0, content(5000))
    one = net.nodes[1]
    net.nodes[0].contents.handle_want(ContentWant(reference, offset), one.key, one.address, net.now)
    assert net.nodes[0].context.outbox.take() == []


def test_a_few_are_served_at_a_time_and_nobody_gives_away_more_than_its_share() -> None:
    net = Net(60)
    reference = net.offer(0, content(CONTENT_BYTES_MAX))
    holder = net.nodes[0]
    for _ in range(100):
        for one in net.nodes[1:]:
            holder.contents.handle_want(ContentWant(reference, 0), one.key, one.address, net.now)
    sent = [effect.address for effect in holder.context.outbox.take() if isinstance(effect, Send)]
    assert len(set(sent)) == CLIENTS_MAX
    assert len(sent) == PIECES_PER_INTERVAL
    assert holder.contents.counts.turned_away > 0


def test_when_all_want_one_content_those_that_have_it_pass_it_on() -> None:
    net = Net(64)
    net.offer(0, content(CONTENT_BYTES_MAX))
    for number in range(1, 64):
        net.want(number, of=0)
    net.run(30.0)
    assert all(len(node.arrived) == 1 for node in net.nodes[1:])
    assert net.pieces_of[net.nodes[0].key] < 0.8 * net.pieces
    assert net.pieces < 1.2 * 63 * pieces_in(CONTENT_BYTES_MAX)


def test_contents_held_for_others_are_bounded_and_the_own_one_stays() -> None:
    net = Net(2)
    shelf = net.nodes[0].contents._shelf
    own = shelf.put_own(content(200))
    many = HELD_BYTES_MAX // CONTENT_BYTES_MAX + 5
    references = [number.to_bytes(20, "big") for number in range(1, many + 1)]
    for reference in references:
        shelf.put(reference, bytes(CONTENT_BYTES_MAX))
    held = [reference for reference in references if shelf.find(reference) is not None]
    assert held == references[5:]
    assert shelf.find(own) == content(200)


def test_a_former_content_is_served_until_its_room_is_needed() -> None:
    net = Net(2)
    former = net.offer(0, content(200))
    net.offer(0, content(300))
    assert net.nodes[0].contents._shelf.find(former) == content(200)


def test_offering_what_others_are_still_waiting_for_hands_it_out() -> None:
    net = Net(12)
    for number in range(10):
        net.offer(number, content(3000, seed=number))
    net.offer(10, content(3000, seed=9))
    net.drops = lambda sender, receiver: True
    for number in range(10):
        net.want(11, of=number)
    net.nodes[11].contents.offer(content(3000, seed=9))
    net.want(11, of=10)
    assert {key for key, _ in net.nodes[11].arrived} == {net.nodes[9].key, net.nodes[10].key}
    net.drops = lambda sender, receiver: False
    net.run(60.0)
    assert {key for key, _ in net.nodes[11].arrived} == {node.key for node in net.nodes[:11]}


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_inputs_keeps_the_bounds_and_ends_with_everything(seed: int) -> None:
    net = Net(16, loss=0.3, seed=seed)
    rng = random.Random(seed)
    subject = net.nodes[15]
    for _ in range(150):
        number = rng.randrange(15)
        action = rng.choice(["offer", "want", "want", "forget", "run", "run", "lie", "own"])
        if action == "offer":
            net.offer(number, content(rng.choice([200, 3000, 9000]), seed=rng.randrange(6)))
        elif action == "want" and net.nodes[number].reference:
            net.want(15, of=number)
        elif action == "forget":
            subject.contents.forget(net.nodes[number].key)
        elif action == "own":
            subject.contents.offer(content(3000, seed=rng.randrange(6)))
        elif action == "lie":
            net.nodes[number].lies = rng.random() < 0.3
        net.run(rng.choice([0.0, 0.01, 1.0]))
        assert len(subject.contents._retrievals) <= RETRIEVALS_MAX
    net.drops = lambda sender, receiver: False
    for node in net.nodes:
        node.lies = False
    subject.arrived.clear()
    for number in range(15):
        if net.nodes[number].reference:
            subject.contents.forget(net.nodes[number].key)
            net.want(15, of=number)
    net.run(600.0)
    assert {key for key, _ in subject.arrived} == {node.key for node in net.nodes if node.reference}
