from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import msgpack
import pytest
import wasmtime

from caxton_node.core.errors import ResourceLimit
from caxton_node.fipa.codec import decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative as Act
from caxton_node.runtime import Engine, abi
from caxton_node.runtime.engine import to_binary
from caxton_node.runtime.exposing import expose
from caxton_node.runtime.host.agent_log import AgentLog
from caxton_node.runtime.host.calls import HostState
from caxton_node.runtime.images import BLOCK_BYTES, BrokenImage, Image, ImageMismatch, Origin, unpack
from caxton_node.runtime.imaging import restore, take
from caxton_node.runtime.limits import PAGE_BYTES
from caxton_node.runtime.native import Guest
from caxton_node.runtime.native_state import grow, read_global, write_global
from tests.support.clock import HandClock
from tests.support.guests import LogLines, request, rust, tiny, wat

pytestmark = pytest.mark.story("047")

LIMIT = 10 * 1024 * 1024


class Instance:
    """An instance of an agent without a sandbox: fresh, until it is started or restored."""

    def __init__(self, engine: Engine, data: str | bytes, *, memory_bytes: int = LIMIT) -> None:
        binary = to_binary(data)
        exposed = expose(binary)
        assert exposed.whole
        module = engine.compile(exposed.binary)
        self._module = module  # keeps the engine from compiling it again
        self.origin = Origin(hashlib.sha256(binary).hexdigest(), module.profile.key, exposed.globals)
        clock = HandClock()
        self._state = HostState(AgentLog(LogLines(), clock, 100), clock, lambda length: b"\x5a" * length)
        self._state.calls_max = 1_000_000
        self._limit = memory_bytes
        self.guest = Guest(module.raw)
        self.guest.attach(self._state.id)
        self.guest.limit(memory_bytes, 100_000)
        self.guest.refill(10**12, 10**6)
        self.guest.instantiate(module.pre)
        memory = self.guest.find_memory()
        assert memory is not None
        self.memory = memory
        self.block = 0

    def start(self, config: dict[str, object] | None = None) -> Instance:
        """Bring it to where it takes messages, as a sandbox does."""
        if initialize := self.guest.find_function("_initialize"):
            initialize(0)
        self.block = self.call("caxton_abi_v1")
        self._deliver(
            "caxton_init", msgpack.packb({"agent": "a", "tenant": "t", "node": "n", "config": config or {}})
        )
        return self

    def call(self, name: str, argument: int = 0) -> int:
        function = self.guest.find_function(name)
        assert function is not None
        return function(argument)

    def handle(self, *frames: bytes) -> list[bytes]:
        """Deliver a batch and return what the agent sends."""
        self._deliver("caxton_handle", abi.join_frames(frames))
        view = self.memory.refresh()
        handled, start, length = abi.read_progress(view, self.block)
        assert handled == len(frames)
        return abi.split_frames(bytes(view[start : start + length]))

    def take(self) -> Image:
        return take(self.guest, self.memory, self.origin, block=self.block)

    def restore(self, image: Image) -> Instance:
        restore(image, self.guest, self.memory, self.origin, memory_bytes_max=self._limit)
        self.block = image.block
        return self

    def _deliver(self, function: str, data: bytes) -> None:
        address = self.call("caxton_inbox", len(data))
        self.memory.refresh()[address : address + len(data)] = data
        assert self.call(function, len(data)) == 0


def over_the_wire(image: Image) -> Image:
    back = unpack(image.pack(), memory_bytes_max=LIMIT)
    assert back == image
    return back


def message(act: Act, content: object, **fields: Any) -> bytes:
    return encode(Envelope(act, "default/tester", "default/a", json.dumps(content).encode(), **fields))


# -- agents go on where their image was taken ---------------------------------------------------------------

ECHOED = [request("one"), request("x" * 3_000, "two"), request("", "three")]


@pytest.mark.parametrize("agent", ["echo", "relay", "greeter", "contractor", "buyer"])
def test_a_restored_agent_answers_as_the_one_it_was_taken_from(engine: Engine, agent: str) -> None:
    data = wat(agent) if agent in {"echo", "relay"} else rust(agent)
    first = Instance(engine, data).start({"next": "b"})
    assert first.handle(*ECHOED)
    second = Instance(engine, data).restore(over_the_wire(first.take()))
    for batch in (ECHOED[:1], [request("y" * 200_000)], ECHOED):
        sent = first.handle(*batch)
        assert second.handle(*batch) == sent
        assert sent
    assert second.take() == first.take()


def test_what_an_agent_was_in_the_middle_of_goes_on_in_the_restored_one(engine: Engine) -> None:
    first = Instance(engine, rust("contractor")).start({"price": 42.5})
    first.handle(message(Act.CFP, {"task": "paint"}, conversation_id="net", reply_with="bid"))
    second = Instance(engine, rust("contractor")).restore(over_the_wire(first.take()))
    accept = message(Act.ACCEPT_PROPOSAL, {}, conversation_id="net", reply_with="result")
    (result,) = second.handle(accept)
    assert json.loads(decode(result).content or b"")["result"] == "paint: done by a on n"
    assert first.handle(accept) == [result]
    (stats,) = second.handle(message(Act.REQUEST, "stats"))
    assert json.loads(decode(stats).content or b"")["done"] == 1


def test_buyers_go_on_with_the_round_that_they_were_in(engine: Engine) -> None:
    first = Instance(engine, rust("buyer")).start()
    (search,) = first.handle(
        message(Act.REQUEST, {"task": "paint", "capability": "p"}, conversation_id="order", reply_with="q")
    )
    asked = decode(search)
    found = {"agents": [{"name": "t/b", "capability": "p", "version": "1", "node": "n"}]}
    answer = Envelope(
        Act.INFORM, "df", "a", json.dumps(found).encode(), asked.conversation_id, in_reply_to=asked.reply_with
    )
    second = Instance(engine, rust("buyer")).restore(over_the_wire(first.take()))
    (call,) = second.handle(encode(answer))
    assert (decode(call).performative, decode(call).receivers) == (Act.CFP, "t/b")
    assert first.handle(encode(answer)) == [call]


STATEFUL = tiny(
    memory="1 4",
    extra="""
      (global $sp (mut i32) (i32.const 65536))
      (global $count (mut i64) (i64.const 0x123456789))
      (global $single (mut f32) (f32.const 1))
      (global $double (mut f64) (f64.const 1))
      (func (export "push") (param i32) (result i32)
        (global.set $sp (i32.sub (global.get $sp) (i32.const 16)))
        (global.set $count (i64.add (global.get $count) (i64.const 1)))
        (i32.store (global.get $sp) (local.get 0)) (global.get $sp))
      (func (export "top") (result i32) (i32.load (global.get $sp)))
      (func (export "count") (result i32) (i32.wrap_i64 (global.get $count)))
      (func (export "high") (result i32) (i32.wrap_i64 (i64.shr_u (global.get $count) (i64.const 32))))
      (func (export "single") (result i32) (i32.reinterpret_f32 (global.get $single)))
      (func (export "low_double") (result i32) (i32.wrap_i64 (i64.reinterpret_f64 (global.get $double))))
      (func (export "high_double") (result i32)
        (i32.wrap_i64 (i64.shr_u (i64.reinterpret_f64 (global.get $double)) (i64.const 32))))
      (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
      (func (export "peek") (param i32) (result i32) (i32.load8_u (local.get 0)))
      (func (export "poke") (param i32) (result i32)
        (i32.store8 (local.get 0) (i32.const 7)) (i32.const 0))
      (func (export "wipe") (param i32) (result i32)
        (i32.store8 (local.get 0) (i32.const 0)) (i32.const 0))""",
)


def test_globals_that_the_module_does_not_export_are_part_of_the_image(engine: Engine) -> None:
    first = Instance(engine, STATEFUL).start()
    for value in (7, 8, 9):
        first.call("push", value)
    second = Instance(engine, STATEFUL).restore(over_the_wire(first.take()))
    assert (second.call("top"), second.call("count"), second.call("high")) == (9, 0x2345678C, 1)
    assert second.call("push", 10) == 65_536 - 4 * 16
    assert first.call("count") == 0x2345678C


ODD = [0x7FA0_0001, 0xFFFF_FFFF, 0x8000_0000, 0x7F80_0001]
ODD_DOUBLES = [0x7FF4_0000_DEAD_BEEF, 2**64 - 1, 2**63, 0xFFF0_0000_0000_0001]


@pytest.mark.parametrize(("single", "double"), list(zip(ODD, ODD_DOUBLES, strict=True)))
def test_every_bit_of_a_global_survives_even_of_a_signalling_nan(
    engine: Engine, single: int, double: int
) -> None:
    first = Instance(engine, STATEFUL).start()
    names = [slot.name for slot in first.origin.globals]
    values = (2**32 - 1, 2**64 - 1, single, double)
    for name, bits in zip(names, values, strict=True):
        write_global(first.guest, name, bits)
    image = over_the_wire(first.take())
    assert image.globals == values
    second = Instance(engine, STATEFUL).restore(image)
    assert tuple([read_global(second.guest, name) for name in names]) == values
    assert second.call("single") == single
    assert (second.call("high_double") << 32 | second.call("low_double")) == double


def test_memory_that_was_grown_comes_back_and_what_was_wiped_stays_wiped(engine: Engine) -> None:
    first = Instance(engine, STATEFUL).start()
    assert first.call("grow", 2) == 1
    for address in (0, 4_095, 4_096, 3 * PAGE_BYTES - 1):
        first.call("poke", address)
    first.call("wipe", 64)  # a byte of a data segment, which the fresh instance writes again
    second = Instance(engine, STATEFUL)
    assert second.call("peek", 64) == 1
    second.call("poke", 30_000)
    second.restore(over_the_wire(first.take()))
    assert bytes(second.memory.view) == bytes(first.memory.refresh())
    assert [second.call("peek", address) for address in (0, 64, 4_096, 30_000, 3 * PAGE_BYTES - 1)] == [
        7,
        0,
        7,
        0,
        7,
    ]
    assert second.call("grow", 2) == 2**32 - 1
    assert second.call("grow", 1) == 3


def test_blocks_of_zeros_take_no_room(engine: Engine) -> None:
    first = Instance(engine, STATEFUL).start()
    first.call("grow", 3)
    for address in (PAGE_BYTES, PAGE_BYTES + 2 * BLOCK_BYTES, PAGE_BYTES + 3 * BLOCK_BYTES):
        first.call("poke", address)
    image = first.take()
    assert (image.pages, image.memory_bytes) == (4, 4 * PAGE_BYTES)
    assert image.runs == ((0, 1), (16, 1), (18, 2))
    assert len(image.content) == 4 * BLOCK_BYTES
    assert len(image.pack()) < 500


def test_an_image_can_be_restored_any_number_of_times_and_does_not_change(engine: Engine) -> None:
    image = Instance(engine, STATEFUL).start().take()
    packed = image.pack()
    for value in range(3):
        instance = Instance(engine, STATEFUL).restore(image)
        assert instance.call("push", value) == 65_520
    assert image.pack() == packed


# -- images that do not fit ---------------------------------------------------------------------------------


@contextmanager
def unchanged(instance: Instance) -> Iterator[None]:
    """Show that an instance is as it was."""
    before = instance.take()
    yield
    assert instance.take() == before


def test_an_image_that_needs_more_memory_than_the_agent_may_have_is_refused(engine: Engine) -> None:
    first = Instance(engine, STATEFUL).start()
    first.call("grow", 3)
    image = first.take()
    small = Instance(engine, STATEFUL, memory_bytes=3 * PAGE_BYTES)
    with unchanged(small), pytest.raises(ResourceLimit, match="needs 262,144 bytes of memory") as caught:
        small.restore(image)
    assert caught.value.why == "the agent may have 196,608"
    with pytest.raises(ResourceLimit, match="needs 262,144 bytes of memory"):
        unpack(image.pack(), memory_bytes_max=3 * PAGE_BYTES)
    assert Instance(engine, STATEFUL, memory_bytes=4 * PAGE_BYTES).restore(image).take() == image


def test_a_limit_that_only_the_store_knows_is_kept_too(engine: Engine) -> None:
    first = Instance(engine, STATEFUL).start()
    first.call("grow", 3)
    small = Instance(engine, STATEFUL, memory_bytes=2 * PAGE_BYTES)
    with unchanged(small), pytest.raises(ResourceLimit, match="262,144"):
        restore(first.take(), small.guest, small.memory, small.origin, memory_bytes_max=LIMIT)


def test_an_image_of_another_module_is_refused(engine: Engine) -> None:
    image = Instance(engine, wat("echo")).start().take()
    other = Instance(engine, STATEFUL)
    with unchanged(other), pytest.raises(ImageMismatch, match=f"of module {image.module_sha256[:12]}"):
        other.restore(image)


def test_an_image_with_other_globals_than_its_module_is_refused(engine: Engine) -> None:
    image = Instance(engine, STATEFUL).start().take()
    fresh = Instance(engine, STATEFUL)
    for values in (image.globals[:-1], (*image.globals, 0), (2**32, 0, 0, 0), (0, 0, 2**32, 0)):
        with unchanged(fresh), pytest.raises(BrokenImage, match=r"global"):
            fresh.restore(replace(image, globals=values))


def test_an_instance_that_is_larger_than_the_image_is_not_restored(engine: Engine) -> None:
    image = Instance(engine, STATEFUL).start().take()
    grown = Instance(engine, STATEFUL)
    grown.call("grow", 1)
    with unchanged(grown), pytest.raises(ImageMismatch, match="a fresh instance 131,072"):
        grown.restore(image)


# -- what the native calls refuse ---------------------------------------------------------------------------


def test_globals_that_are_none_are_named(engine: Engine) -> None:
    instance = Instance(engine, tiny(extra='(global (export "fixed") i32 (i32.const 5))'))
    for name, match in (("absent", "no 'absent'"), ("memory", "not a global"), ("\0\udcff"[:1], "no")):
        with pytest.raises(LookupError, match=match):
            read_global(instance.guest, name)
        with pytest.raises(LookupError, match=match):
            write_global(instance.guest, name, 1)
    with pytest.raises(wasmtime.WasmtimeError, match="immutable"):
        write_global(instance.guest, "fixed", 6)
    assert read_global(instance.guest, "fixed") == 5


def test_a_memory_grows_as_far_as_its_limits(engine: Engine) -> None:
    instance = Instance(engine, STATEFUL)
    grow(instance.guest, instance.memory, 3)
    assert instance.memory.size == len(instance.memory.view) == 4 * PAGE_BYTES
    with pytest.raises(wasmtime.WasmtimeError):
        grow(instance.guest, instance.memory, 1)
    assert instance.memory.refresh().nbytes == 4 * PAGE_BYTES
