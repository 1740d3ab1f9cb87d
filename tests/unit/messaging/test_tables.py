"""The bounded tables beside the router: stamps, conversations, requests, waiting times."""

import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.addresses import canonical_address
from caxton_node.messaging.latency import BUCKETS, Latency, bucket_bound_s
from caxton_node.messaging.requests import OpenRequests
from caxton_node.messaging.stamps import Stamps, continue_trace, to_message_id
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("002")


class TestStamps:
    def test_ids_are_sixteen_bytes_distinct_and_sorted_by_time(self) -> None:
        clock = HandClock()
        stamps = Stamps("node-1", clock)
        ids: list[bytes] = []
        for _ in range(5):
            _, first = stamps.take(100)
            ids += [to_message_id(first + n) for n in range(100)]
            clock.advance(0.001)
        assert {len(one) for one in ids} == {16}
        assert len(set(ids)) == 500
        assert ids == sorted(ids)

    def test_time_does_not_run_backwards_with_the_clock(self) -> None:
        clock = HandClock()
        stamps = Stamps("node-1", clock)
        before, first = stamps.take(1)
        clock.advance(-10)
        after, second = stamps.take(1)
        assert after == before
        assert second > first

    def test_two_nodes_and_two_boots_never_share_an_id(self) -> None:
        clock = HandClock()
        one, two = Stamps("node-1", clock), Stamps("node-2", clock)
        clock.advance(0.5)
        again = Stamps("node-1", clock)
        assert len({stamps.take(1)[1] for stamps in (one, two, again)}) == 3

    def test_a_message_without_trace_starts_one_under_its_own_id(self) -> None:
        message_id = bytes(range(16))
        assert continue_trace(None, message_id) == message_id + message_id[8:] + b"\0"

    def test_a_trace_goes_on_with_a_new_span_and_the_same_flags(self) -> None:
        trace = bytes([1] * 16 + [2] * 8 + [3])
        assert continue_trace(trace, bytes(range(16))) == bytes([1] * 16) + bytes(range(8, 16)) + b"\3"


class TestOpenRequests:
    @staticmethod
    def request(name: str, reply_by: int | None = None) -> Envelope:
        return Envelope(
            Performative.REQUEST, "asker@node-1", "far", b"payload", "talk", name, reply_by=reply_by
        )

    def test_an_answer_closes_the_request_but_agreeing_does_not(self) -> None:
        table = OpenRequests()
        table.remember(self.request("q"), "far@node-2", "node-2")
        inform, asker, far = Performative.INFORM, "asker@node-1", "far@node-2"
        table.close(Performative.AGREE, "q", far, asker)
        table.close(inform, "other", far, asker)
        table.close(inform, "q", "stranger@node-2", asker)
        table.close(inform, "q", far, "somebody-else@node-1")
        assert len(table) == 1
        table.close(inform, "q", far, asker)
        assert len(table) == 0

    def test_the_requests_to_a_node_are_handed_out_once_without_their_content(self) -> None:
        table = OpenRequests()
        table.remember(self.request("q1"), "far@node-2", "node-2")
        table.remember(self.request("q2"), "near@node-3", "node-3")
        (lost,) = table.take_of_node("node-2")
        assert (lost.envelope.reply_with, lost.envelope.content, lost.receiver) == ("q1", None, "far@node-2")
        assert table.take_of_node("node-2") == []
        assert len(table) == 1

    def test_deadlines_pass_in_order_and_only_for_those_still_open(self) -> None:
        table = OpenRequests()
        for name, reply_by in (("late", 300), ("soon", 100), ("answered", 50), ("never", None)):
            table.remember(self.request(name, reply_by), "far@node-2", "node-2")
        table.close(Performative.INFORM, "answered", "far@node-2", "asker@node-1")
        assert [request.envelope.reply_with for request in table.take_expired(200)] == ["soon"]
        assert [request.envelope.reply_with for request in table.take_expired(1_000)] == ["late"]
        assert len(table) == 1

    def test_a_full_table_forgets_the_oldest_and_its_deadlines_do_not_pile_up(self) -> None:
        table = OpenRequests(open_max=5)
        for number in range(50):
            table.remember(self.request(f"q{number}", 1_000 + number), "far@node-2", "node-2")
        assert (len(table), table.forgotten) == (5, 45)
        assert [request.deadline_ms for request in table.take_expired(9_999)] == [
            1_045,
            1_046,
            1_047,
            1_048,
            1_049,
        ]

    def test_a_request_asked_again_has_its_new_deadline(self) -> None:
        table = OpenRequests()
        table.remember(self.request("q", 100), "far@node-2", "node-2")
        table.remember(self.request("q", 500), "far@node-2", "node-2")
        assert table.take_expired(200) == []
        assert len(table.take_expired(500)) == 1


def test_waiting_times_fall_into_buckets_by_bit_length() -> None:
    latency = Latency()
    for waited_ns, count in ((0, 1), (1_023, 1), (1_024, 2), (2_048, 3), (1 << 60, 1)):
        latency.observe(waited_ns, count)
    assert latency.cells[:3] == [2, 2, 3]
    assert latency.cells[-1] == 1
    assert latency.count == 8
    assert bucket_bound_s(0) == pytest.approx(1.024e-6)
    assert bucket_bound_s(BUCKETS - 1) > 1_000


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("echo", "echo@node-1"),
        ("default/echo", "echo@node-1"),
        ("echo#1.2@node-9", "echo@node-9"),
        ("acme/echo@node-2", "acme/echo@node-2"),
        ("Not A Name", ""),
    ],
)
def test_an_address_has_one_spelling(text: str, canonical: str) -> None:
    assert canonical_address(text, "node-1") == canonical
