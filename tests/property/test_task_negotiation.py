"""Whatever contractors say, a task ends, every bid has a fate, and the record says so."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.msgpack import decode, encode

from caxton_node.fipa.performatives import Performative
from caxton_node.tasks.record import Record, Verdict
from tests.support.tenders import Tender

pytestmark = pytest.mark.story("011")

NAMES = ("a", "b", "c", "d")
contents = st.sampled_from([{"price": 1}, {"price": 2}, {"price": 200}, {"cost": 1}, "text", b"\xff", [1]])
acts = st.sampled_from(
    ["propose", "propose", "refuse", "inform", "failure", "not-understood", "agree", "cancel"]
)
steps = st.lists(
    st.tuples(st.sampled_from([*NAMES, "stranger"]), acts, contents)
    | st.tuples(st.just("platform"), st.sampled_from(NAMES))
    | st.just("timer"),
    max_size=40,
)
orders = st.fixed_dictionaries(
    {
        "winners": st.integers(1, 3),
        "reserves": st.none() | st.integers(0, 2),
        "rounds_max": st.integers(1, 3),
        "prefer": st.sampled_from([(), ("min:price",)]),
        "require": st.sampled_from([(), ("price<=100",)]),
    }
)


@settings(max_examples=200, deadline=None)
@given(orders, steps)
def test_a_task_ends_and_its_record_accounts_for_everybody(order, course):
    tender = Tender(*NAMES, **order)
    for step in course:
        if step == "timer":
            if tender.timers:
                tender.take(tender.negotiation.handle_timer(tender.timers.pop(0), tender.now_us))
        elif step[0] == "platform":
            tender.fails(step[1], "node-died")
        else:
            tender.says(*step)
    while tender.timers:
        tender.take(tender.negotiation.handle_timer(tender.timers.pop(0), tender.now_us))
    record = tender.record
    assert record.is_over
    assert record.outcome
    fates = {bid.verdict for bid in record.bids}
    assert not fates & {Verdict.OPEN, Verdict.RESERVE, Verdict.AWARDED}
    done = [bid.contractor for bid in record.bids if bid.verdict is Verdict.DONE]
    assert sorted(done) == sorted(result.contractor for result in record.results)
    assert len(done) <= order["winners"]
    assert (record.outcome == "done") == (len(done) == order["winners"])
    accepted = [m.receivers for m in tender.sent if m.performative is Performative.ACCEPT_PROPOSAL]
    assert len(accepted) == len(set(accepted))
    assert "stranger@n1" not in {bid.contractor for bid in record.bids}
    assert decode(encode(record), type=Record) == record
