import asyncio

import pytest

from caxton_node.core.errors import DeadlineExceeded, DeliveryFailed, ResourceLimit
from caxton_node.fipa import Envelope, FailureReason, Performative, encode, reply
from caxton_node.messaging import Clients, Mailbox, Outbound
from caxton_node.messaging.platform import CLIENT_DEPTH_MAX, PlatformBox
from caxton_node.messaging.remote import BUFFER_FRAMES_MAX, TURN_FRAMES
from tests.support.data_plane import until
from tests.support.post_office import PostOffice, empty, failure_of

pytestmark = pytest.mark.story("002")


def frame(number: int) -> bytes:
    return encode(Envelope(Performative.INFORM, "a@node-1", "b", str(number).encode()))


class TestPlatformBox:
    async def test_messages_are_handled_on_the_loop_in_order_wherever_they_come_from(self) -> None:
        got: list[int] = []
        box = PlatformBox(
            asyncio.get_running_loop(), "df@node-1", lambda e: got.append(int(e.content or b""))
        )
        for start in range(0, 1_000, 100):
            frames = [frame(n) for n in range(start, start + 100)]
            assert await asyncio.to_thread(box.put_all, frames, None) == 100
        await until(lambda: box.in_flight == 0)
        assert got == list(range(1_000))
        assert box.delivered == 1_000

    async def test_a_full_box_takes_what_fits(self) -> None:
        box = PlatformBox(asyncio.get_running_loop(), "df@node-1", lambda _: None, depth_max=3)
        assert box.put_all([frame(n) for n in range(5)], None) == 3
        assert box.put_all([frame(9)], None) == 0

    async def test_a_handler_that_fails_costs_its_message_and_not_the_next(self) -> None:
        loop, got, errors = asyncio.get_running_loop(), [], []

        def handle(envelope: Envelope) -> None:
            if envelope.content == b"1":
                raise RuntimeError("a bug")
            got.append(envelope.content)

        loop.set_exception_handler(lambda _, context: errors.append(context["exception"]))
        box = PlatformBox(loop, "df@node-1", handle)
        box.put_all([frame(n) for n in range(3)], None)
        await until(lambda: len(got) == 2)
        assert [str(error) for error in errors] == ["a bug"]

    async def test_a_closed_box_returns_what_waits(self) -> None:
        box = PlatformBox(asyncio.get_running_loop(), "df@node-1", lambda _: None)
        box.put_all([frame(1)], None)
        assert box.close() == [frame(1)]
        assert box.put_all([frame(2)], None) == 0


class TestClients:
    async def test_answers_to_somebody_who_does_not_wait_are_let_go_and_not_refused(self) -> None:
        office = PostOffice()
        b = office.open("b")
        Clients(office.router).post(Envelope(Performative.REQUEST, None, "b", b'"hi"', "talk-1", "q-1"))
        (asked,) = empty(b)
        office.say("b", reply(asked, Performative.INFORM, b"ho", "b"))
        await until(lambda: office.router.counts().in_flight == 0)
        assert (office.router.counts().refused, len(office.router.dead_letters)) == (0, 0)
        office.check_sum()

    async def test_a_client_has_an_address_and_gets_what_is_sent_there(self) -> None:
        office = PostOffice()
        office.open("a")
        with Clients(office.router).open() as client:
            office.tell("a", client.address, b"hello")
            got = await client.receive(5)
        assert (got.sender, got.content) == ("a@node-1", b"hello")

    async def test_what_it_sends_carries_its_address_and_failures_come_back_to_it(self) -> None:
        office = PostOffice()
        with Clients(office.router).open() as client:
            client.send(Envelope(Performative.REQUEST, "forged", "nobody", b"", reply_with="q"))
            news = await client.receive(5)
        assert failure_of(news)["reason"] == "no-such-agent"

    async def test_waiting_ends_with_an_error(self) -> None:
        with Clients(PostOffice().router).open() as client, pytest.raises(DeadlineExceeded):
            await client.receive(0.01)

    async def test_an_address_ends_with_its_client_and_no_two_are_alike(self) -> None:
        office = PostOffice()
        clients = Clients(office.router)
        with clients.open() as one, clients.open() as two:
            assert one.address != two.address
        assert Clients(office.router).open().address != one.address
        office.tell("a", one.address)
        assert office.router.dead_letters.newest()[-1].reason is FailureReason.NO_SUCH_AGENT
        office.check_sum()

    async def test_messages_that_wait_for_a_client_that_leaves_are_given_up(self) -> None:
        office = PostOffice()
        with Clients(office.router).open() as client:
            office.tell("a", client.address)
        assert office.router.dead_letters.newest()[-1].reason is FailureReason.AGENT_STOPPED
        office.check_sum()

    async def test_a_client_that_does_not_read_keeps_the_latest(self) -> None:
        office = PostOffice()
        with Clients(office.router).open() as client:
            for number in range(CLIENT_DEPTH_MAX + 5):
                office.tell("a", client.address, str(number).encode())
                await asyncio.sleep(0)
            await until(lambda: client.missed == 5)
            assert (await client.receive(5)).content == b"5"


class Link:
    """A stand-in for the loop's side of the mesh: takes frames, or refuses as told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, int, list[bytes]]] = []
        self.error: Exception | None = None

    def send(self, node: str, lane_key: int, frames: object) -> None:
        if self.error:
            raise self.error
        assert isinstance(frames, list)
        self.taken.append((node, lane_key, frames))


class TestOutbound:
    @pytest.fixture
    def link(self) -> Link:
        return Link()

    async def test_frames_for_one_lane_go_together_and_in_order(self, link: Link) -> None:
        out = Outbound(asyncio.get_running_loop(), link.send)

        def send() -> None:
            for node, lane, name in (("n2", 1, b"a"), ("n2", 1, b"b"), ("n2", 2, b"c"), ("n2", 1, b"d")):
                assert out.send(node, lane, [name])

        await asyncio.to_thread(send)
        await until(lambda: out.forwarded == 4)
        order = [name for _, lane, frames in link.taken for name in frames if lane == 1]
        assert order == [b"a", b"b", b"d"]
        assert out.pending == 0

    async def test_a_full_buffer_takes_nothing(self, link: Link) -> None:
        out = Outbound(asyncio.get_running_loop(), link.send, bytes_max=10)
        assert out.send("n2", 1, [b"12345678"])
        assert not out.send("n2", 1, [b"123"])
        assert out.pending == 1
        await until(lambda: out.pending == 0)
        assert out.send("n2", 1, [b"123"])

    async def test_an_agent_that_floods_waits_until_the_buffer_is_half_empty(self, link: Link) -> None:
        out = Outbound(asyncio.get_running_loop(), link.send, frames_max=4)
        flooder, other = Mailbox(10), Mailbox(10)
        flooder.put(b"mail")
        assert out.send("n2", 1, [b"1", b"2"], flooder)
        assert flooder.ready == 1
        assert out.send("n2", 1, [b"3"], flooder)
        assert flooder.ready == 0
        assert out.send("n2", 1, [b"4", b"5", b"6"], flooder)  # the rest of its turn
        assert not out.send("n2", 1, [b"7", b"8", b"9"], flooder)
        assert not out.send("n2", 1, [b"10"], None)
        assert other.ready == other.paused_for_s == 0
        await until(lambda: out.pending == 0)
        assert flooder.ready == 1
        assert [name for _, _, frames in link.taken for name in frames] == [b"%d" % n for n in range(1, 7)]

    async def test_a_flood_of_small_messages_leaves_the_loop_its_turns(self, link: Link) -> None:
        out = Outbound(asyncio.get_running_loop(), link.send)
        names = [b"%d" % number for number in range(BUFFER_FRAMES_MAX)]
        assert all(out.send("n2", 1, [name]) for name in names)
        assert not out.send("n2", 1, [b"one too many"])
        shares: list[int] = []
        while out.pending:
            await asyncio.sleep(0)
            shares.append(out.forwarded - sum(shares))
        assert max(shares) <= TURN_FRAMES
        assert [name for _, _, frames in link.taken for name in frames] == names

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (ResourceLimit("full"), FailureReason.BACKLOG_FULL),
            (DeliveryFailed("no such member"), FailureReason.UNROUTABLE),
        ],
    )
    async def test_what_the_mesh_does_not_take_is_handed_back_with_the_reason(
        self, link: Link, error: Exception, reason: FailureReason
    ) -> None:
        out, back = Outbound(asyncio.get_running_loop(), link.send), []
        out.connect(lambda node, frames, reason, detail: back.append((node, list(frames), reason)))
        link.error = error
        out.send("n2", 1, [b"a", b"b"])
        await until(lambda: bool(back))
        assert back == [("n2", [b"a", b"b"], reason)]
        assert (out.forwarded, out.pending) == (0, 0)
