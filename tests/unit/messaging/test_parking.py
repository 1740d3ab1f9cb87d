"""Parked messages: they wait for their receiver as long as they may live, in order and within bounds."""

from time import time

import msgspec
import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative, encode
from caxton_node.messaging.parking import Parked, Parking
from caxton_node.messaging.tags import TTL
from tests.support.post_office import PostOffice, empty, failure_of

pytestmark = pytest.mark.story("002")
DAY_MS = 86_400_000


def parked(name: str, number: int, expires_ms: int = 100, size: int = 10) -> Parked:
    return Parked(name, name, number, bytes(size), FailureReason.NO_SUCH_AGENT, 0, expires_ms)


def numbers(found: list[Parked]) -> list[int]:
    return [message.number for message in found]


class TestPlaces:
    """The places themselves."""

    def test_what_waits_for_a_name_comes_out_in_the_order_of_parking(self) -> None:
        parking = Parking()
        for number, name in enumerate(["a", "b", "a", "a"]):
            assert parking.park(parked(name, number))
        assert (len(parking), parking.names(), parking.holds_for("a")) == (4, ["a", "b"], True)
        assert numbers(parking.take_for("a")) == [0, 2, 3]
        assert (len(parking), parking.holds_for("a"), parking.take_for("a")) == (1, False, [])

    def test_what_has_no_place_is_not_taken_and_a_place_is_free_again(self) -> None:
        parking = Parking(parked_max=2, bytes_max=25)
        assert [parking.park(parked("a", number)) for number in range(3)] == [True, True, False]
        parking.take_for("a")
        assert parking.park(parked("a", 4, size=20))
        assert not parking.park(parked("a", 5, size=6))
        assert parking.park(parked("a", 6, size=5))

    def test_only_what_has_expired_is_taken_whatever_stands_before_it(self) -> None:
        parking = Parking()
        for number, expires_ms in enumerate([30, 10, 20, 40]):
            parking.park(parked("a", number, expires_ms))
        parking.park(parked("b", 9, 10))
        assert parking.take_expired(9) == []
        assert numbers(parking.take_expired(20)) == [1, 2, 9]
        assert parking.names() == ["a"]
        assert numbers(parking.take_for("a")) == [0, 3]
        assert len(parking) == 0

    def test_a_message_is_found_for_each_receiver_and_all_are_taken_at_the_end(self) -> None:
        parking = Parking()
        for name in ("a", "b"):
            parking.park(parked(name, 7))
        parking.park(parked("a", 8))
        assert [message.name for message in parking.find(7)] == ["a", "b"]
        assert parking.find(9) == []
        assert numbers(parking.take_all()) == [7, 8, 7]
        assert (len(parking), parking.names()) == (0, [])


class TestRouting:
    """What a router does with a message that may wait."""

    @pytest.fixture
    async def office(self) -> PostOffice:
        office = PostOffice()
        office.clock.advance(time() - office.clock.unix_us() / 1e6)  # mailboxes read the real clock
        office.open("a")
        return office

    def say(self, office: PostOffice, content: bytes, receiver: str = "later", ttl_ms: int = DAY_MS) -> None:
        headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(ttl_ms))}
        office.say("a", Envelope(Performative.INFORM, None, receiver, content, "talk", headers=headers))

    def check_sum(self, office: PostOffice, parked: int) -> None:
        counts = office.router.counts()
        assert counts.parked == parked
        assert counts.accepted == counts.settled + counts.parked + counts.in_flight

    async def test_it_waits_for_an_agent_and_goes_before_what_comes_later(self, office: PostOffice) -> None:
        self.say(office, b"1")
        self.say(office, b"2")
        self.check_sum(office, parked=2)
        later = office.open("later")
        office.tell("a", "later", b"3")
        assert [found.content for found in empty(later)] == [b"1", b"2", b"3"]
        self.check_sum(office, parked=0)

    async def test_it_leaves_for_another_node_as_soon_as_a_route_leads_there(
        self, office: PostOffice
    ) -> None:
        self.say(office, b"1")
        office.route("later", "node-2")
        assert [(node, found.content) for node, _, found in office.mesh.sent] == [("node-2", b"1")]
        self.check_sum(office, parked=0)

    async def test_when_its_time_is_over_its_sender_is_told(self, office: PostOffice) -> None:
        self.say(office, b"1", ttl_ms=1_000)
        office.clock.advance(0.9)
        office.router.tick(office.clock.unix_us())
        self.check_sum(office, parked=1)
        office.clock.advance(0.2)
        office.router.tick(office.clock.unix_us())
        self.check_sum(office, parked=0)
        (told,) = empty(office.boxes["a#1.1@node-1"])
        assert (failure_of(told)["reason"], failure_of(told)["receiver"]) == ("expired", "later")

    async def test_what_waits_too_long_in_a_mailbox_comes_back_too(self, office: PostOffice) -> None:
        busy = office.open("busy")
        self.say(office, b"1", "busy", ttl_ms=DAY_MS)
        self.say(office, b"2", "busy", ttl_ms=DAY_MS * 2)
        office.clock.advance(DAY_MS / 1_000 + 1)
        office.router.tick(office.clock.unix_us())
        assert [found.content for found in empty(busy)] == [b"2"]
        (told,) = empty(office.boxes["a#1.1@node-1"])
        assert (failure_of(told)["reason"], failure_of(told)["receiver"]) == ("expired", "busy")
        self.check_sum(office, parked=0)

    @pytest.mark.parametrize("ttl", ["soon", -1, 0, 2**63, None, {"a": 1}])
    async def test_what_a_peer_calls_a_time_to_live_hurts_nobody(
        self, office: PostOffice, ttl: object
    ) -> None:
        busy = office.open("busy")
        headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(ttl))}
        letter = Envelope(
            Performative.INFORM, "far@node-2", "busy", b"1", message_id=bytes(16), sent_at=1, headers=headers
        )
        office.router.accept_remote("node-2", [encode(letter)])
        assert [found.content for found in empty(busy)] == [b"1"]

    async def test_without_a_time_to_live_nothing_waits(self, office: PostOffice) -> None:
        office.tell("a", "later")
        self.check_sum(office, parked=0)
        assert failure_of(empty(office.boxes["a#1.1@node-1"])[0])["reason"] == "no-such-agent"

    async def test_a_full_mailbox_is_no_reason_to_wait(self, office: PostOffice) -> None:
        office.open("full", depth=0)
        headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(DAY_MS))}
        office.router.submit(Envelope(Performative.INFORM, "client", "full", b"1", headers=headers))
        self.check_sum(office, parked=0)
        assert office.router.dead_letters.newest(2)[-1].reason == "mailbox-full"


class TestNodesThatAreAway:
    """What was for a node that is gone."""

    @pytest.fixture
    async def office(self) -> PostOffice:
        office = PostOffice()
        office.open("a")
        return office

    def tell_far(self, office: PostOffice, receiver: str, ttl_ms: int | None) -> bytes:
        headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(ttl_ms))} if ttl_ms else None
        office.router.submit(Envelope(Performative.INFORM, "client", receiver, b"1", headers=headers))
        frame = office.mesh.frames.pop()
        office.mesh.sent.clear()
        return frame

    def come_back(self, office: PostOffice, node: str, frame: bytes) -> None:
        assert office.mesh.refused is not None
        office.mesh.forwarded -= 1
        office.mesh.refused(node, [frame], FailureReason.UNROUTABLE, "no such member")

    async def test_with_a_time_to_live_it_waits_for_the_node_in_order(self, office: PostOffice) -> None:
        for content in (b"1", b"2"):
            office.tell(
                "a", "far@node-2", content, headers={TTL: msgspec.Raw(msgspec.msgpack.encode(DAY_MS))}
            )
        frames = list(office.mesh.frames)
        office.router.handle_node_died("node-2")
        for frame in frames:
            self.come_back(office, "node-2", frame)
        office.mesh.sent.clear()
        assert office.router.counts().parked == 2
        office.router.tick(office.clock.unix_us())
        assert office.mesh.sent == []
        office.router.handle_node_alive("node-2")
        assert [envelope.content for _, _, envelope in office.mesh.sent] == [b"1", b"2"]
        office.check_sum()

    async def test_what_a_dead_node_never_took_goes_before_what_still_waited_for_the_mesh(
        self, office: PostOffice
    ) -> None:
        for content in (b"1", b"2"):
            office.clock.advance(1.0)
            office.tell(
                "a", "far@node-2", content, headers={TTL: msgspec.Raw(msgspec.msgpack.encode(DAY_MS))}
            )
        taken, waiting = office.mesh.frames
        office.mesh.frames.clear()
        office.router.handle_node_died("node-2", [taken])
        (again,) = office.mesh.frames
        for frame in (waiting, again):
            self.come_back(office, "node-2", frame)
        office.mesh.sent.clear()
        office.router.handle_node_alive("node-2")
        assert [envelope.content for _, _, envelope in office.mesh.sent] == [b"1", b"2"]

    async def test_it_goes_to_where_the_agent_is_now(self, office: PostOffice) -> None:
        office.route("far", "node-2")
        frame = self.tell_far(office, "far", None)
        office.route("far", "node-3")
        self.come_back(office, "node-2", frame)
        assert [node for node, _, _ in office.mesh.sent] == ["node-3"]
        office.check_sum()

    async def test_without_a_time_to_live_it_comes_back(self, office: PostOffice) -> None:
        frame = self.tell_far(office, "far@node-2", None)
        office.router.handle_node_died("node-2")
        self.come_back(office, "node-2", frame)
        assert office.router.counts().parked == 0
        assert office.router.dead_letters.newest(2)[-1].reason == FailureReason.NODE_DIED

    async def test_what_never_comes_back_expires(self, office: PostOffice) -> None:
        frame = self.tell_far(office, "far@node-2", 1_000)
        self.come_back(office, "node-2", frame)
        office.clock.advance(2.0)
        office.router.tick(office.clock.unix_us())
        assert office.router.counts().parked == 0
        assert office.router.dead_letters.newest(2)[-1].reason == FailureReason.EXPIRED

    async def test_a_client_that_went_with_its_node_is_not_waited_for(self, office: PostOffice) -> None:
        frame = self.tell_far(office, "client~7@node-2", DAY_MS)
        self.come_back(office, "node-2", frame)
        assert office.router.counts().parked == 0
