"""Frames of all kinds from a real guest through a whole data plane: each is counted, none is forged."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.messaging import Clients
from caxton_node.runtime import CompiledModule, abi
from tests.fuzz.havoc import Blind
from tests.fuzz.puppets import engine
from tests.fuzz.targets import envelope as envelope_target
from tests.support.data_plane import NODE, DataPlane
from tests.support.guests import tiny, wat
from tests.support.post_office import ListPort

FRAMES_MAX = 64
SIZE_MAX = 8_192
EXAMPLES = 100
_modules: dict[str | bytes, CompiledModule] = {}
_NAMES = (
    "client",
    "echo",
    "relay",
    "mouth",
    f"echo@{NODE}",
    "echo@node-9",
    "nobody",
    "ams",
    "df",
    "no address!",
    "",
)

# While it starts it sends the tail of its configuration, whose last four bytes say how long that is. Then it
# takes whatever comes.
MOUTH = tiny(
    memory="4",
    init="""(local $n i32)
      (local.set $n (i32.load (i32.add (i32.const 1020) (local.get 0))))
      (call $out (i32.sub (i32.add (i32.const 1020) (local.get 0)) (local.get $n)) (local.get $n))
      (i32.const 0)""",
    handle="""(local $at i32) (local $count i32)
      (block $done (loop $next
        (br_if $done (i32.ge_u (local.get $at) (local.get 0)))
        (local.set $at
          (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load offset=1024 (local.get $at))))
        (local.set $count (i32.add (local.get $count) (i32.const 1)))
        (br $next)))
      (call $handled (local.get $count)) (i32.const 0)""",
    inbox="(select (i32.const 1024) (i32.const 0) (i32.lt_u (local.get 0) (i32.const 200000)))",
)


def check(data: bytes) -> None:
    """Take the input as an outbox, whose last frame may be cut short."""
    asyncio.run(_send(take_apart(data)[:FRAMES_MAX]))


async def _send(frames: list[bytes]) -> None:
    faults: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: faults.append(context))
    mesh = ListPort()
    with DataPlane(workers=1, remote=mesh) as plane:
        own, plane.engine, plane._modules = plane.engine, engine(), _modules
        try:
            plane.add("echo", wat("echo"))
            plane.add("relay", wat("relay"), {"next": "mouth"})
            await _watch(plane, mesh, frames)
        finally:
            plane.engine = own
        assert not plane.lost, plane.lost
    assert not faults, faults


async def _watch(plane: DataPlane, mesh: ListPort, frames: list[bytes]) -> None:
    """Let the mouth speak, wait until all is quiet, and count."""
    seen: list[Envelope] = []
    plane.router.add_platform_agent("client", seen.append)
    plane.router.add_platform_agent("df", seen.append)
    Clients(plane.router)
    outbox = abi.join_frames(frames) if frames else b""
    mouth = plane.add("mouth", MOUTH, {"say": outbox + struct.pack("<I", len(outbox))})
    assert mouth.sent_at_start == frames
    await plane.settled()
    counts = plane.router.counts()
    assert (counts.in_flight, counts.accepted) == (0, counts.settled), counts
    assert counts.accepted + counts.malformed >= len(frames)
    seen += [envelope for _, _, envelope in mesh.sent]
    assert counts.forwarded == len(mesh.sent)
    _check_stamps(seen)


def _check_stamps(seen: list[Envelope]) -> None:
    """Each message has an id of its own, the name of one that is here, and no header of the host's."""
    assert len({(envelope.message_id, str(envelope.receivers)) for envelope in seen}) == len(seen)
    allowed = {f"{name}@{NODE}" for name in ("mouth", "echo", "relay")} | {"ams"}
    assert {envelope.sender for envelope in seen} <= allowed
    assert not any("hops" in (envelope.headers or {}) for envelope in seen)


def take_apart(outbox: bytes) -> list[bytes]:
    """Cut an outbox into frames without complaint: empty ones are left out, the last may be short."""
    frames, at = [], 0
    while at + 4 < len(outbox):
        (length,) = struct.unpack_from("<I", outbox, at)
        frames.append(outbox[at + 4 : at + 4 + length])
        at += 4 + length
    return [frame for frame in frames if frame]


def mutate(data: bytes, size_max: int, rng: Random, blind: Blind) -> bytes:
    """Change one frame, its place, or one field of an envelope in it."""
    frames = take_apart(data) or [encode(Envelope(Performative.INFORM, None, "echo", b""))]
    at = rng.randrange(len(frames))
    match rng.randrange(6):
        case 0:
            frames.insert(rng.randint(0, len(frames)), frames[at])
        case 1:
            frames.insert(rng.randint(0, len(frames)), frames.pop(at))
        case 2 if len(frames) > 1:
            del frames[at]
        case 3 | 4:
            frames[at] = _change_field(frames[at], rng)
        case _:
            frames[at] = blind(frames[at], max(len(frames[at]) + 64, 64)) or b"\xc0"
    return abi.join_frames(frames)[:size_max]


def _change_field(frame: bytes, rng: Random) -> bytes:
    """Write one position anew, if the frame is an array at all."""
    try:
        items = msgspec.msgpack.decode(frame, type=list[msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return encode(Envelope(Performative.REQUEST, None, rng.choice(_NAMES[:-1]), b"", "talk", "q"))
    values: tuple[object, ...] = (
        rng.choice(_NAMES), rng.choices(_NAMES, k=rng.randint(0, 5)), rng.randrange(24), None, b"", 2**53 - 1,
        bytes(25), b"7" * rng.choice((1, 300, 5_000)), "t" * rng.choice((1, 255, 256)),
        {"hops": rng.choice((0, 3, b"", "x", [[]]))},
    )  # fmt: skip
    place = rng.randrange(17)
    items += [msgspec.Raw(b"\xc0")] * (place + 1 - len(items))
    items[place] = msgspec.Raw(msgspec.msgpack.encode(rng.choice(values)))
    return msgspec.msgpack.encode(items)


def seeds() -> Iterator[bytes]:
    """A talk to each address; everything that the envelope target begins with, at once and singly."""
    talk = [
        encode(Envelope(act, "forged@node-1", name or None, b"12", f"talk-{number % 3}", f"q-{number}"))
        for number, name in enumerate(_NAMES)
        for act in (Performative.REQUEST, Performative.INFORM)
    ]
    yield abi.join_frames(talk)
    odd = list(envelope_target.seeds())
    yield abi.join_frames(odd)
    for frame in odd:
        yield abi.join_frames([frame, talk[0]])
