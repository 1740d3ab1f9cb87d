"""Which dead letters may be sent again, and what is changed in them."""

from typing import Any

import msgspec
import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.messaging.dead_letters import DeadLetter
from caxton_node.messaging.letters import NEVER, RESENT, KeptLetter, Mark, facts_of, mark_of
from caxton_node.messaging.resending import BATCH_BYTES_MAX, BATCH_COUNT_MAX, batches, frames_again, may_go

pytestmark = pytest.mark.story("002")
NOW_MS = 1_700_000_000_000


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))


def kept(reason: FailureReason = FailureReason.MAILBOX_FULL, number: int = 1, **fields: Any) -> KeptLetter:
    given = {
        "sender": "a@n1",
        "receivers": "b",
        "content": b"hi",
        "conversation_id": "talk-1",
        "message_id": bytes(range(16)),
        "sent_at": NOW_MS * 1000 - 60_000_000,
        "trace": bytes(25),
    }
    envelope = Envelope(Performative.REQUEST, **{**given, **fields})
    frame = encode(envelope)
    return KeptLetter(number, facts_of(DeadLetter(NOW_MS * 1000, reason, "so it is", "b", frame)), frame)


def again(letter: KeptLetter) -> Envelope:
    (frame,) = frames_again(letter, NOW_MS)
    return decode(frame)


class TestWhatIsKnown:
    def test_the_facts_are_those_of_the_envelope(self) -> None:
        facts = kept(receivers="b", sender="default/a@n1").facts
        assert (facts.reason, facts.receiver_name, facts.sender_name) == (
            "mailbox-full", "default/b", "default/a"
        )  # fmt: skip
        assert (facts.performative, facts.conversation_id, facts.message_id) == (
            "request", "talk-1", bytes(range(16))
        )  # fmt: skip
        assert (facts.sent_again, facts.sent_again_unix_ms) == (0, 0)

    def test_an_address_that_is_none_stands_for_itself(self) -> None:
        letter = DeadLetter(1, FailureReason.NO_SUCH_AGENT, "", "Not An Address", b"\xc1")
        assert facts_of(letter).receiver_name == "Not An Address"

    @pytest.mark.parametrize("forged", [7, "x", [1], [-1, 0], [2**40, 0], [1, "x"], None])
    def test_a_mark_that_a_guest_forged_means_never(self, forged: object) -> None:
        assert mark_of(decode(kept(headers={RESENT: raw(forged)}).frame or b"")) == NEVER


class TestWhatIsChanged:
    def test_who_what_and_when_stay(self) -> None:
        letter = kept(reply_with="r-1", protocol="fipa-request")
        before, after = decode(letter.frame or b""), again(letter)
        before.headers = after.headers = None
        assert after == before

    def test_a_mark_says_how_often_and_when(self) -> None:
        once = again(kept())
        assert mark_of(once) == Mark(1, NOW_MS)
        back = kept(headers=once.headers)
        assert (back.facts.sent_again, back.facts.sent_again_unix_ms) == (1, NOW_MS)
        assert mark_of(again(back)) == Mark(2, NOW_MS)

    def test_headers_of_the_sender_stay_and_those_of_the_journey_go(self) -> None:
        headers = {"mine": raw("x"), "hops": raw(3), "budget": raw({"fuel": 5})}
        after = again(kept(headers=headers))
        assert set(after.headers or {}) == {"mine", RESENT}

    def test_a_message_full_of_headers_goes_without_the_mark(self) -> None:
        after = again(kept(headers={f"h{number}": raw(number) for number in range(HEADERS_MAX)}))
        assert len(after.headers or {}) == HEADERS_MAX
        assert mark_of(after) == NEVER

    @pytest.mark.parametrize(
        ("reply_by", "stays"), [(NOW_MS - 1, None), (NOW_MS, None), (NOW_MS + 1, NOW_MS + 1)]
    )
    def test_a_deadline_goes_when_it_has_passed(self, reply_by: int, stays: int | None) -> None:
        assert again(kept(reply_by=reply_by)).reply_by == stays

    @pytest.mark.parametrize(("ttl_ms", "stays"), [(59_000, False), (61_000, True)])
    def test_a_time_to_live_goes_when_it_is_over(self, ttl_ms: int, stays: bool) -> None:
        assert ("ttl" in (again(kept(headers={"ttl": raw(ttl_ms)})).headers or {})) is stays

    def test_each_of_several_receivers_gets_a_copy_that_names_it(self) -> None:
        frames = frames_again(kept(receivers=["b", "c", "b"]), NOW_MS)
        assert [decode(frame).receivers for frame in frames] == ["b", "c"]

    def test_what_cannot_be_read_has_no_frames(self) -> None:
        letter = kept()
        assert frames_again(KeptLetter(1, letter.facts, b"\xc1"), NOW_MS) == []


class TestWhatMayGo:
    def test_what_was_too_large_has_lost_its_content_and_stays(self) -> None:
        assert not may_go(kept(FailureReason.OVERSIZE), by_id=True)

    def test_the_platforms_own_words_go_only_by_name(self) -> None:
        failure = kept(sender="ams")
        assert not may_go(failure, by_id=False)
        assert may_go(failure, by_id=True)
        assert may_go(kept(), by_id=False)


class TestBatches:
    def test_order_is_kept_and_a_batch_has_so_many_at_most(self) -> None:
        letters = [kept(number=number) for number in range(BATCH_COUNT_MAX + 3)]
        found = list(batches(letters))
        assert list(map(len, found)) == [BATCH_COUNT_MAX, 3]
        assert [number for ids in found for number in ids] == list(range(BATCH_COUNT_MAX + 3))

    def test_large_letters_go_a_few_at_a_time_and_one_always(self) -> None:
        large = kept(content=bytes(BATCH_BYTES_MAX // 2))
        assert list(batches([large] * 3)) == [[1], [1], [1]]
        assert list(batches([])) == []
