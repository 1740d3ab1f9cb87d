from __future__ import annotations

from time import perf_counter

import pytest

from caxton_node.fipa.codec import decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.runtime import Engine, Limits, StartFailed, TrapKind
from caxton_node.runtime.ports import LogLevel
from tests.support.guests import LogLines, contents, faulty, request, start, tiny, wat


def _without_block(**parts: str) -> str:
    """Return a guest that does not write the version into its control block."""
    return tiny(**parts).replace('(data (i32.const 64) "\\01\\00\\00\\00")', "")


@pytest.mark.story("001")
def test_echo_answers_a_request_with_its_content(engine: Engine) -> None:
    sandbox, sent = start(engine, wat("echo"))
    outcome = sandbox.handle([request("hello", "question-7")])
    answer = decode(outcome.outbox[0])
    assert (sent, outcome.handled, outcome.trap) == ([], 1, None)
    assert (answer.performative, answer.receivers, answer.content) == (Performative.INFORM, "bob", b"hello")
    assert (answer.conversation_id, answer.in_reply_to) == ("talk-1", "question-7")


@pytest.mark.story("001")
def test_a_batch_is_one_call_and_keeps_its_order(engine: Engine) -> None:
    sandbox, _ = start(engine, wat("echo"))
    outcome = sandbox.handle([request(f"message {n}", f"question-{n}") for n in range(256)])
    assert outcome.handled == 256
    assert contents(outcome) == [f"message {n}".encode() for n in range(256)]
    assert 0 < outcome.fuel_units < 256 * Limits().fuel_per_message
    assert outcome.elapsed_s > 0


@pytest.mark.story("001")
def test_relay_sends_content_on_to_the_agent_of_its_configuration(engine: Engine) -> None:
    sandbox, _ = start(engine, wat("relay"), config={"speed": [1, {"a": 2}], "next": "ring-2"})
    sent = Envelope(Performative.INFORM, "ring-0", "ring-1", b"x" * 300, "round", message_id=b"i" * 16)
    outcome = sandbox.handle([encode(sent), b"\xdc", b"\x90", encode(sent)])
    forwarded = [decode(frame) for frame in outcome.outbox]
    assert [(m.receivers, m.content, m.conversation_id) for m in forwarded] == [
        ("ring-2", b"x" * 300, "round")
    ] * 2


@pytest.mark.story("001")
def test_relay_without_a_next_agent_is_a_sink(engine: Engine) -> None:
    sandbox, _ = start(engine, wat("relay"))
    assert sandbox.handle([request("a"), request("b")]).handled == 2


@pytest.mark.story("001")
def test_fuel_is_given_for_each_message_so_a_full_batch_is_not_killed(engine: Engine) -> None:
    single, _ = start(engine, wat("echo"))
    alone = single.handle([request("x" * 200)]).fuel_units
    sandbox, _ = start(engine, wat("echo"), limits=Limits(fuel_per_message=alone + 500))
    for _ in range(3):
        assert sandbox.handle([request("x" * 200)] * 256).trap is None


@pytest.mark.story("001")
def test_one_agent_cannot_see_another_agents_memory(engine: Engine) -> None:
    keeper = tiny(
        handle="(call $handled (i32.const 1)) (i32.store (i32.const 4096) (i32.const 42)) (i32.const 0)"
    )
    reader = tiny(
        handle="""(call $handled (i32.const 1))
        (i32.store (i32.const 200) (i32.const 4)) (i32.store (i32.const 204) (i32.load (i32.const 4096)))
        (call $out (i32.const 200) (i32.const 8)) (i32.const 0)"""
    )
    first, _ = start(engine, keeper)
    first.handle([b"m"])
    second, _ = start(engine, reader)
    again, _ = start(engine, keeper)
    again.handle([b"m"])
    assert second.handle([b"m"]).outbox == [bytes(4)]


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("guest", "kind", "words"),
    [
        (tiny(init="(i32.const 5)"), TrapKind.GUEST_ERROR, "error 5"),
        (tiny(init="unreachable"), TrapKind.UNREACHABLE, "caxton_init"),
        (tiny(init="(loop $l (br $l)) (i32.const 0)"), TrapKind.FUEL, "fuel"),
        (tiny(abi="(i32.const 0)"), TrapKind.ABI, "control block at 0x0"),
        (tiny(abi="(i32.const 65520)"), TrapKind.ABI, "outside"),
        (tiny(abi="(i32.const -4)"), TrapKind.ABI, "outside"),
        (tiny(abi="(i32.const 128)"), TrapKind.ABI, "says ABI 0"),
        (tiny(inbox="(i32.const 0)"), TrapKind.REFUSED, "does not take"),
        (
            tiny(memory="0", abi="(i32.const 8)").replace('(data (i32.const 64) "\\01\\00\\00\\00")', ""),
            TrapKind.ABI,
            "memory of 0",
        ),
        (tiny(memory="200"), TrapKind.MEMORY, "memory"),
        (tiny(extra="(func $boot unreachable) (start $boot)"), TrapKind.UNREACHABLE, "boot"),
        (tiny(extra='(func (export "_initialize") unreachable)'), TrapKind.UNREACHABLE, "_initialize"),
        (tiny(init="(call $out (i32.const 0) (i32.const 70000)) (i32.const 0)"), TrapKind.ABI, "outside"),
    ],
)
def test_an_agent_that_cannot_start_says_why(engine: Engine, guest: str, kind: TrapKind, words: str) -> None:
    with pytest.raises(StartFailed, match="did not start") as caught:
        start(engine, guest, limits=Limits(fuel_per_message=100_000))
    assert caught.value.trap.kind is kind
    assert words in str(caught.value)
    assert caught.value.hint


@pytest.mark.story("001")
def test_what_an_agent_sends_while_starting_comes_back_from_start(engine: Engine) -> None:
    init = """(i32.store (i32.const 3000) (i32.const 2)) (i32.store16 (i32.const 3004) (i32.const 0x6968))
      (call $out (i32.const 3000) (i32.const 6)) (i32.const 0)"""
    _, sent = start(engine, tiny(init=init))
    assert sent == [b"hi"]


@pytest.mark.story("001")
def test_initialize_runs_before_anything_else(engine: Engine) -> None:
    extra = """(func (export "_initialize") (i32.store8 (i32.const 64) (i32.const 1)))"""
    start(engine, _without_block(extra=extra))


@pytest.mark.story("001")
def test_an_agents_log_lines_reach_its_sink(engine: Engine) -> None:
    lines = LogLines()
    sandbox, _ = start(engine, faulty(), log=lines)
    sandbox.handle([request("talk")])
    assert lines == [(LogLevel.INFO, "hello")]


@pytest.mark.story("001")
def test_memory_bytes_follows_growth_and_closing(engine: Engine) -> None:
    body = "(drop (memory.grow (i32.const 2))) (call $handled (i32.const 1)) (i32.const 0)"
    sandbox, _ = start(engine, tiny(handle=body))
    assert sandbox.memory_bytes == 65_536
    sandbox.handle([b"m"])
    assert sandbox.memory_bytes == 3 * 65_536
    sandbox.close()
    sandbox.close()
    assert sandbox.memory_bytes == 0


@pytest.mark.story("001")
def test_a_grown_memory_that_moved_is_read_at_its_new_place(engine: Engine) -> None:
    # grows by 40 pages in the inbox call and by 40 more in the handle call, then answers from the new end
    last_page = "(i32.mul (i32.sub (memory.size) (i32.const 1)) (i32.const 65536))"
    inbox = f"(drop (memory.grow (i32.const 40))) {last_page}"
    handle = f"""(local $at i32)
      (drop (memory.grow (i32.const 40)))
      (local.set $at {last_page})
      (i32.store (local.get $at) (i32.const 4))
      (i32.store (i32.add (local.get $at) (i32.const 4)) (i32.const 0x21212121))
      (call $handled (i32.const 1)) (call $out (local.get $at) (i32.const 8)) (i32.const 0)"""
    sandbox, _ = start(engine, tiny(inbox=inbox, handle=handle))
    assert sandbox.handle([b"m" * 1000]).outbox == [b"!!!!"]


@pytest.mark.story("001")
def test_an_agent_is_started_in_well_under_a_hundred_milliseconds(engine: Engine) -> None:
    module = engine.compile(wat("echo"))

    def once() -> float:
        begun = perf_counter()
        start(engine, module)[0].close()
        return perf_counter() - begun

    assert min(once() for _ in range(5)) < 0.1
