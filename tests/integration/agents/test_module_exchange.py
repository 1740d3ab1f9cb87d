import asyncio
import random
import threading

import pytest

from caxton_node.agents.module_download import PIECE_BYTES
from caxton_node.agents.module_parts import PartialModule
from caxton_node.agents.module_wire import FIND, PIECE_BYTES_MAX, READ, Piece, decode_piece, encode
from caxton_node.core.errors import DeliveryFailed, NotFound, ResourceLimit, Unavailable
from caxton_node.storage import StoreFailed
from tests.support.module_peers import sharers
from tests.support.small_files import small_files

pytestmark = pytest.mark.story("022")
MODULE = random.Random(1).randbytes(3 * PIECE_BYTES + 17)


async def test_a_module_comes_from_whoever_has_it_and_is_what_its_name_says(tmp_path):
    async with sharers(tmp_path, "n1", "n2", "n3") as (one, _two, three):
        sha256 = three.put(MODULE)
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE
        assert not one.part(sha256).exists()
        assert one.counted("caxton_module_fetches_total") == {("fetched",): 1}
        assert one.counted("caxton_module_bytes_total")["in",] == len(MODULE)
        assert three.counted("caxton_module_bytes_total")["out",] == len(MODULE)


async def test_those_who_should_have_it_are_asked_first_and_nobody_else_if_they_do(tmp_path):
    async with sharers(tmp_path, "n1", "n2", "n3") as (one, two, three):
        sha256 = two.put(MODULE)
        three.put(MODULE)
        one.peers.likely = ["n3"]
        await one.exchange.fetch(sha256)
        assert {node for node, _ in one.peers.asked} == {"n3"}


async def test_whoever_is_near_is_asked_first(tmp_path):
    async with sharers(tmp_path, "n1", "n2", "n3") as (one, two, three):
        two.put(MODULE)
        sha256 = three.put(MODULE)
        one.peers.likely = ["n2"]
        await one.exchange.fetch(sha256, near="n3")
        assert {node for node, method in one.peers.asked if method == READ} == {"n3"}


async def test_a_module_that_nobody_has_is_named(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, _two):
        with pytest.raises(NotFound, match="no node has the module sha256:00"):
            await one.exchange.fetch("0" * 64)


async def test_one_that_is_too_large_is_refused_before_a_byte_is_stored(tmp_path):
    async with sharers(tmp_path, "n1", "n2", bytes_max=len(MODULE) - 1) as (one, two):
        sha256 = two.put(MODULE)
        with pytest.raises(ResourceLimit, match=f"{len(MODULE):,} bytes"):
            await one.exchange.fetch(sha256)
        assert not one.folder.folder.exists()


async def test_a_damaged_file_is_found_where_it_is_and_never_leaves(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        place = two.folder.path_of(sha256)
        place.write_bytes(MODULE[:-1] + b"?")
        with pytest.raises(NotFound):
            await one.exchange.fetch(sha256)
        assert two.counted("caxton_module_bytes_total")["out",] == 0
        place.write_bytes(MODULE)  # it was mended
        await one.exchange.fetch(sha256)


async def test_a_file_that_is_damaged_while_it_is_read_is_read_no_further(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        read = two.peers.handlers[READ]

        async def spoil_after_the_first(peer, payload):
            answer = await read(peer, payload)
            two.folder.path_of(sha256).write_bytes(MODULE[:-1] + b"?")
            return answer

        two.peers.handlers[READ] = spoil_after_the_first
        with pytest.raises(Unavailable, match="is not here"):
            await one.exchange.fetch(sha256)
        assert one.part(sha256).read_bytes() == MODULE[:PIECE_BYTES]


async def test_a_node_that_serves_other_bytes_is_named_and_the_module_comes_from_the_next(tmp_path):
    async with sharers(tmp_path, "n1", "n2", "n3") as (one, two, three):
        sha256 = two.put(MODULE)
        three.put(MODULE)
        two.peers.handlers[READ] = lie
        one.peers.likely = ["n2", "n3"]
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE
        assert one.counted("caxton_module_liars_total") == {(): 1}


async def lie(_peer: str, payload: bytes) -> bytes:
    """Answer a read with as many bytes, but others."""
    return bytes(decode_piece(payload).length)


async def test_when_all_serve_other_bytes_nothing_is_kept_under_the_name(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        two.peers.handlers[READ] = lie
        with pytest.raises(Unavailable, match="n2: served bytes that are not this module"):
            await one.exchange.fetch(sha256)
        assert not one.folder.path_of(sha256).exists()
        assert one.counted("caxton_module_fetches_total") == {("failed",): 1}


async def test_a_fetch_goes_on_with_what_an_earlier_life_has_left(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        one.folder.folder.mkdir(parents=True)
        one.part(sha256).write_bytes(MODULE[: PIECE_BYTES + 7])
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE
        assert two.counted("caxton_module_bytes_total")["out",] == len(MODULE) - PIECE_BYTES - 7


@pytest.mark.parametrize("left", [b"rubbish", bytes(len(MODULE)), bytes(len(MODULE) + 1)])
async def test_what_is_left_and_wrong_costs_a_second_attempt_and_nobody_is_blamed(tmp_path, left):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        one.folder.folder.mkdir(parents=True)
        one.part(sha256).write_bytes(left)
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE
        assert one.counted("caxton_module_liars_total") == {}


async def test_a_broken_link_costs_no_byte_that_has_come(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        read, cut = two.peers.handlers[READ], []

        async def cut_once(peer, payload):
            if not cut and decode_piece(payload).offset == PIECE_BYTES:
                cut.append(True)
                two.node.cut_links()
            return await read(peer, payload)

        two.peers.handlers[READ] = cut_once
        await one.exchange.fetch(sha256)
        assert cut
        assert one.folder.read(sha256) == MODULE
        assert two.counted("caxton_module_bytes_total")["out",] <= len(MODULE) + PIECE_BYTES


async def test_when_a_source_dies_in_the_middle_another_goes_on(tmp_path):
    async with sharers(tmp_path, "n1", "n2", "n3") as (one, two, three):
        sha256 = two.put(MODULE)
        three.put(MODULE)
        one.peers.likely = ["n2", "n3"]
        read = two.peers.handlers[READ]

        async def die_at_the_second(peer, payload):
            if decode_piece(payload).offset:
                two.node.cut_links()
                one.node.mesh.forget_peer("n2")
            return await read(peer, payload)

        two.peers.handlers[READ] = die_at_the_second
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE
        assert three.counted("caxton_module_bytes_total")["out",] == len(MODULE) - PIECE_BYTES


async def test_many_who_want_one_module_fetch_it_once(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        await asyncio.gather(*(one.exchange.fetch(sha256) for _ in range(10)))
        assert two.counted("caxton_module_bytes_total")["out",] == len(MODULE)
        assert one.counted("caxton_module_fetches_total") == {("fetched",): 1}


async def test_when_nobody_waits_any_more_the_fetch_ends_and_what_came_is_kept(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        read, reached, go_on = two.peers.handlers[READ], asyncio.Event(), asyncio.Event()

        async def wait_at_the_second(peer, payload):
            if decode_piece(payload).offset:
                reached.set()
                await go_on.wait()
            return await read(peer, payload)

        two.peers.handlers[READ] = wait_at_the_second
        callers = [asyncio.create_task(one.exchange.fetch(sha256)) for _ in range(2)]
        await reached.wait()
        callers[0].cancel()
        await asyncio.wait([callers[0]])
        assert not callers[1].done(), "the other still waits for it"
        callers[1].cancel()
        await asyncio.wait([callers[1]])
        go_on.set()
        assert one.part(sha256).read_bytes() == MODULE[:PIECE_BYTES]
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE


async def test_a_fetch_that_was_broken_off_over_a_write_ends_before_the_next_begins(tmp_path, monkeypatch):
    append, writing, go_on = PartialModule.append, threading.Event(), threading.Event()

    def append_slowly(part, piece):
        writing.set()
        assert go_on.wait(10)
        append(part, piece)

    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        with monkeypatch.context() as patch:
            patch.setattr(PartialModule, "append", append_slowly)
            broken_off = asyncio.create_task(one.exchange.fetch(sha256))
            await asyncio.to_thread(writing.wait, 10)
            broken_off.cancel()
            await asyncio.wait([broken_off])
        next_one = asyncio.create_task(one.exchange.fetch(sha256))
        job = one.exchange._jobs[sha256]
        assert not job.task.done()
        go_on.set()
        await next_one
        assert one.exchange._jobs.get(sha256) is not job
        assert one.folder.read(sha256) == MODULE


async def test_bytes_are_held_out_for_as_long_as_it_lasts(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        with two.exchange.offer(MODULE) as sha256, two.exchange.offer(MODULE):
            await one.exchange.fetch(sha256, near="n2")
        assert one.folder.read(sha256) == MODULE
        one.folder.delete(sha256)
        with pytest.raises(NotFound):
            await one.exchange.fetch(sha256, near="n2")


@pytest.mark.parametrize("payload", [b"", b"\xc1", encode(("..",)), encode(("0" * 63 + "G",)), encode((7,))])
async def test_a_search_that_is_none_is_refused(tmp_path, payload):
    async with sharers(tmp_path, "n1", "n2") as (one, _two):
        with pytest.raises(DeliveryFailed, match="cannot read"):
            await one.peers.request("n2", FIND, payload, 5.0)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        encode(("../../etc/passwd", 0, 1)),
        encode(("0" * 64 + "\n", 0, 1)),
        encode(("0" * 64, -1, 1)),
        encode(("0" * 64, 0, PIECE_BYTES_MAX + 1)),
        encode(("0" * 64, 0, 0)),
        encode(Piece("0" * 64, 0, 1)) + b"\x00",
    ],
)
async def test_a_question_that_is_none_is_refused(tmp_path, payload):
    async with sharers(tmp_path, "n1", "n2") as (one, _two):
        with pytest.raises(DeliveryFailed, match="cannot read"):
            await one.peers.request("n2", READ, payload, 5.0)


async def test_a_full_disk_is_told_and_leaves_a_prefix_that_is_sound(tmp_path):
    async with sharers(tmp_path, "n1", "n2") as (one, two):
        sha256 = two.put(MODULE)
        with small_files(), pytest.raises(StoreFailed, match="cannot be kept"):
            await one.exchange.fetch(sha256)
        await one.exchange.fetch(sha256)
        assert one.folder.read(sha256) == MODULE
