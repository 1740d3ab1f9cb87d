"""One contract for every kind of link; whoever adds a kind adds it to `KINDS`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.support.certificates import Pki
from tests.support.meshes import HOST, KINDS, until
from transport import Credentials, EndReason, LinkFailed, PeerRefused, Settings, tls
from transport.errors import MalformedFrame
from transport.frames import HEADER, Frame, FrameType, encode_frame
from transport.links.contract import CONTROL, FIRST_LANE, REQUESTS, Address, Link, check_up
from transport.links.memory import MemoryNetwork, opener
from transport.links.sockets import OpenPort, open_sockets

pytestmark = pytest.mark.story("022")


@dataclass
class Ear:
    """A receiver that keeps what it hears."""

    frames: list[Frame] = field(default_factory=list)
    ends: list[tuple[EndReason, str]] = field(default_factory=list)
    fails_on: bytes | None = None

    def handle_frame(self, link: Link, frame: Frame) -> None:
        self.frames.append(frame)
        if frame.payload == self.fails_on:
            raise MalformedFrame("not that one")
        if frame.payload == b"bug":
            raise RuntimeError("a bug")

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:
        self.ends.append((reason, detail))

    def payloads(self, lane: int) -> list[bytes]:
        return [frame.payload for frame in self.frames if frame.lane == lane]


@dataclass
class Door:
    """An acceptor that gives every link an ear."""

    links: list[Link] = field(default_factory=list)
    ear: Ear = field(default_factory=Ear)
    refused: list[PeerRefused | LinkFailed] = field(default_factory=list)

    def handle_accepted(self, link: Link) -> None:
        link.receiver = self.ear
        self.links.append(link)

    def handle_refused(self, source: Address, error: PeerRefused | LinkFailed) -> None:
        self.refused.append(error)


@dataclass
class Ends:
    """Both ends of one link."""

    kind: str
    near: Link
    far: Link
    near_ear: Ear
    door: Door
    port: OpenPort

    @property
    def far_ear(self) -> Ear:
        return self.door.ear


@contextlib.asynccontextmanager
async def opened(
    kind: str, network: MemoryNetwork, credentials: Credentials, door: Door
) -> AsyncIterator[OpenPort]:
    opens, host = (opener(network), "memory") if kind == "memory" else (open_sockets, HOST)
    port = await opens(
        tls.build(credentials), Settings(), door, lambda _data, _source: None, host=host, port=0
    )
    try:
        yield port
    finally:
        for carrier in port.carriers.values():
            await carrier.close()
        port.close()


@pytest.fixture(params=KINDS)
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Ends]:
    kind, pki, network, door, ear = request.param, Pki(), MemoryNetwork(), Door(), Ear()
    async with (
        opened(kind, network, pki.credentials("node-a"), Door()) as here,
        opened(kind, network, pki.credentials("node-b"), door) as there,
    ):
        near = await here.carriers[kind].dial("node-b", (HOST, there.port))
        near.receiver = ear
        near.write(CONTROL, encode_frame(FrameType.PING, 255, b"first"))
        await until(lambda: door.ear.frames)
        yield Ends(kind, near, door.links[0], ear, door, here)


async def test_both_ends_know_who_the_other_is(ends: Ends) -> None:
    assert (ends.near.identity.node_id, ends.far.identity.node_id) == ("node-b", "node-a")
    assert ends.near.kind == ends.far.kind == ends.kind
    assert ends.near.remote[1] > 0


async def test_frames_arrive_whole_and_in_order_on_every_channel(ends: Ends) -> None:
    for number in range(200):
        for channel in (CONTROL, REQUESTS, FIRST_LANE, FIRST_LANE + 3):
            ends.near.write(channel, encode_frame(FrameType.PING, channel, b"%d" % number))
            ends.far.write(channel, encode_frame(FrameType.PING, channel, b"%d" % number))
    wanted = [b"%d" % number for number in range(200)]
    await until(lambda: len(ends.far_ear.frames) == 801 and len(ends.near_ear.frames) == 800)
    for channel in (CONTROL, REQUESTS, FIRST_LANE, FIRST_LANE + 3):
        assert ends.far_ear.payloads(channel) == wanted
        assert ends.near_ear.payloads(channel) == wanted


async def test_large_frames_arrive(ends: Ends) -> None:
    large = bytes(range(256)) * 4000
    ends.near.write(FIRST_LANE, encode_frame(FrameType.BATCH, 0, large))
    ends.near.write(FIRST_LANE, encode_frame(FrameType.BATCH, 0, b"small"))
    await until(lambda: len(ends.far_ear.payloads(0)) == 2)
    assert ends.far_ear.payloads(0) == [large, b"small"]
    assert ends.near.bytes_out == ends.far.bytes_in


async def test_closing_tells_the_other_side_why_and_each_side_once(ends: Ends) -> None:
    ends.near.close(EndReason.IDLE, "nothing to do")
    assert ends.near_ear.ends == [(EndReason.IDLE, "nothing to do")]
    await until(lambda: ends.far_ear.ends)
    assert ends.far_ear.ends == [(EndReason.IDLE, "nothing to do")]
    ends.near.close(EndReason.CLOSING)
    ends.far.abort()
    assert ends.near.closed
    assert ends.far.closed
    assert len(ends.near_ear.ends) == len(ends.far_ear.ends) == 1


async def test_what_was_written_before_a_close_arrives(ends: Ends) -> None:
    ends.near.write(CONTROL, encode_frame(FrameType.CREDIT, 255, b"last words"))
    ends.near.close(EndReason.CLOSING)
    await until(lambda: ends.far_ear.ends)
    assert ends.far_ear.payloads(255)[-1] == b"last words"


async def test_an_abort_ends_this_side_at_once(ends: Ends) -> None:
    ends.near.abort()
    assert ends.near_ear.ends == [(EndReason.LOST, "")]
    ends.near.write(CONTROL, encode_frame(FrameType.PING, 255, b"nobody hears"))
    ends.near.abort()
    ends.near.close(EndReason.IDLE)
    assert len(ends.near_ear.ends) == 1


async def test_a_receiver_that_refuses_a_frame_ends_the_link(ends: Ends) -> None:
    ends.far_ear.fails_on = b"poison"
    ends.near.write(
        CONTROL, encode_frame(FrameType.PING, 255, b"poison") + encode_frame(FrameType.PING, 255, b"more")
    )
    await until(lambda: ends.near_ear.ends)
    assert ends.far_ear.ends == [(EndReason.PROTOCOL, "not that one")]
    assert ends.near_ear.ends == [(EndReason.PROTOCOL, "not that one")]
    assert ends.far_ear.payloads(255)[-1] == b"poison"


async def test_a_bug_in_a_receiver_ends_the_link_and_is_logged(
    ends: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    ends.near.write(CONTROL, encode_frame(FrameType.PING, 255, b"bug"))
    await until(lambda: ends.near_ear.ends)
    assert ends.near_ear.ends[0][0] is EndReason.INTERNAL
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]


async def test_a_frame_over_the_limit_ends_the_link(ends: Ends) -> None:
    ends.near.write(CONTROL, HEADER.pack(Settings().frame_bytes_max + 1, FrameType.PING, 255))
    await until(lambda: ends.near_ear.ends)
    assert ends.far_ear.ends[0][0] is EndReason.PROTOCOL


async def test_dialling_somebody_else_is_refused_on_both_sides(ends: Ends) -> None:
    with pytest.raises(PeerRefused) as caught:
        await ends.port.carriers[ends.kind].dial("node-z", ends.near.remote)
    assert caught.value.reason is EndReason.WRONG_NODE
    await until(lambda: ends.door.refused or len(ends.door.ear.ends))
    told = [error.reason for error in ends.door.refused] + [reason for reason, _ in ends.door.ear.ends]
    assert told == [EndReason.WRONG_NODE]


async def test_a_dial_that_is_given_up_leaves_nothing_behind(ends: Ends) -> None:
    dial = asyncio.create_task(ends.port.carriers[ends.kind].dial("node-b", ends.near.remote))
    await asyncio.sleep(0)
    dial.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await dial
    assert not ends.near.closed
    ends.near.write(CONTROL, encode_frame(FrameType.PING, 255, b"still here"))
    await until(lambda: ends.far_ear.payloads(255)[-1] == b"still here")


async def test_a_link_tells_what_its_path_is_like(ends: Ends) -> None:
    for number in range(50):
        ends.near.write(FIRST_LANE, encode_frame(FrameType.BATCH, 0, b"%d" % number + bytes(50_000)))
    await until(lambda: len(ends.far_ear.payloads(0)) == 50)
    path = ends.near.path()
    assert 0 <= path.lost_packets <= path.sent_packets
    if ends.kind != "memory":
        assert path.rtt_s is not None
        assert 0 < path.rtt_s < 5
        # offloading may make one of many, but never packets larger than 64 KiB
        assert path.sent_packets >= 50 * 50_000 / 65_536
    ends.near.close(EndReason.CLOSING)
    assert ends.near.path().lost_packets >= 0


async def test_who_takes_a_link_too_late_is_told_how_it_ended(ends: Ends) -> None:
    assert check_up(ends.near) is ends.near
    ends.far.close(EndReason.REVOKED, "it was denied")
    await until(lambda: ends.near.closed)
    with pytest.raises(PeerRefused) as refused:
        check_up(ends.near)
    assert (refused.value.reason, refused.value.by_peer) == (EndReason.REVOKED, True)
    with pytest.raises(PeerRefused):
        check_up(ends.far)
