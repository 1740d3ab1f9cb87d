import json

import pytest
from msgspec.msgpack import decode, encode

from caxton_node.fipa.bidding import Phase
from caxton_node.tasks.lifecycle import State
from caxton_node.tasks.record import Record
from tests.support.tenders import Tender, acts

pytestmark = pytest.mark.story("011")

CHEAPEST = ("min:price",)


def test_the_best_bid_gets_the_work_and_the_record_says_why():
    tender = Tender("a", "b", "c", prefer=CHEAPEST, reserves=0)
    tender.says("a", "propose", {"price": 30})
    tender.says("b", "propose", {"price": 10})
    said = tender.says("c", "propose", {"price": 20})
    assert acts(said) == [("reject-proposal", "a"), ("reject-proposal", "c"), ("accept-proposal", "b")]
    assert tender.record.state is State.WORKING
    tender.says("b", "inform", {"result": "built"})
    record = tender.record
    assert (record.state, record.outcome) == (State.COMPLETED, "done")
    assert record.detail == "delivered by b@n1"
    assert record.winners == ["b@n1"]
    assert [(result.contractor, json.loads(result.content)) for result in record.results] == [
        ("b@n1", {"result": "built"})
    ]
    assert tender.verdicts() == {"a": "rejected", "b": "done", "c": "rejected"}
    assert tender.bid("b").reason == "score 1, the next is c@n1 with 0.5"
    assert [(tender.bid(name).rank, tender.bid(name).score) for name in "abc"] == [(3, 0), (1, 1), (2, 0.5)]
    assert tender.bid("b").answered_ms == 2
    assert (record.finished_unix_ms - record.submitted_unix_ms, record.found) == (4, 0)


def test_a_tie_is_explained():
    tender = Tender("a", "b", prefer=CHEAPEST)
    tender.says("b", "propose", {"price": 5}, after_ms=3)
    tender.says("a", "propose", {"price": 5}, after_ms=2)
    winner = tender.bid("b")
    assert (winner.verdict.value, winner.tie_break) == ("awarded", "earlier")
    assert winner.reason == "same score as a@n1, 2 ms earlier"


def test_a_tie_in_time_as_well_is_decided_by_the_address():
    tender = Tender("b", "a", prefer=CHEAPEST)
    tender.says("b", "propose", {"price": 5})
    tender.says("a", "propose", {"price": 5}, after_ms=0)
    assert tender.bid("a").reason == "same score and time as b@n1, its address comes first"


def test_the_node_of_a_contractor_may_decide():
    tender = Tender("a@n2", "b@n1", prefer=("max:local",))
    tender.says("a@n2", "propose", {})
    tender.says("b@n1", "propose", {})
    assert tender.record.winners == ["b@n1"]


def test_bids_that_break_a_requirement_are_told_so():
    tender = Tender("a", "b", prefer=CHEAPEST, require=("price<=15",))
    tender.says("a", "propose", {"price": 30})
    said = tender.says("b", "propose", {"price": 10})
    assert acts(said) == [("reject-proposal", "a"), ("accept-proposal", "b")]
    assert json.loads(said[0].content) == {"reason": "price<=15 is broken: price is 30"}
    assert (tender.bid("a").verdict, tender.bid("a").reason) == (
        "disqualified",
        "price<=15 is broken: price is 30",
    )
    assert tender.bid("b").reason == "the only bid that qualifies"


def test_when_nobody_qualifies_nobody_gets_it():
    tender = Tender("a", "b", require=("price<=15",))
    tender.says("a", "propose", {"price": 30})
    tender.says("b", "propose", b"hello")
    record = tender.record
    assert (record.state, record.outcome, record.detail) == (
        State.FAILED,
        "not-awarded",
        "none of 2 bids qualifies",
    )
    assert tender.verdicts() == {"a": "disqualified", "b": "disqualified"}


def test_refusals_misunderstandings_failures_and_silence_are_listed_with_their_reasons():
    tender = Tender("a", "b", "c", "d")
    tender.says("a", "refuse", {"reason": "not taking work"})
    tender.says("b", "not-understood", "what is a wall?")
    tender.fails("c", "no-such-agent")
    tender.rings(Phase.CALLING)
    assert tender.notes() == [
        ("a", "refused", "not taking work"),
        ("b", "not-understood", '"what is a wall?"'),
        ("c", "failed", "no-such-agent: c is gone"),
        ("d", "silent", "no answer within 5 s"),
    ]
    record = tender.record
    assert (record.state, record.outcome) == (State.FAILED, "no-proposals")
    assert record.detail == "none of 4 contractors called made a bid"
    assert [note.at_unix_ms - record.submitted_unix_ms for note in record.notes] == [1, 2, 2, 5002]


def test_late_and_duplicate_bids_are_answered_and_listed_and_change_nothing():
    tender = Tender("a", "b", prefer=CHEAPEST)
    tender.says("a", "propose", {"price": 30})
    assert acts(tender.says("a", "propose", {"price": 1})) == [("not-understood", "a")]
    tender.rings(Phase.CALLING)
    assert tender.negotiation.awaits_answers
    assert acts(tender.says("b", "propose", {"price": 2})) == [("reject-proposal", "b")]
    tender.says("a", "inform", "done")
    assert acts(tender.says("b", "propose", {"price": 2})) == [("reject-proposal", "b")]
    assert [note[:2] for note in tender.notes()] == [
        ("a", "duplicate"), ("b", "silent"), ("b", "late"), ("b", "late"),
    ]  # fmt: skip
    assert tender.notes()[0][2] == '{"price":1}'
    assert (tender.verdicts(), tender.record.outcome) == ({"a": "done"}, "done")


# -- when winners fail --------------------------------------------------------------------------------------


def test_the_next_best_gets_what_a_winner_fails_to_do():
    tender = Tender("a", "b", "c", prefer=CHEAPEST)
    for price, name in enumerate("abc"):
        tender.says(name, "propose", {"price": price})
    assert tender.verdicts() == {"a": "awarded", "b": "reserve", "c": "reserve"}
    assert acts(tender.says("a", "failure", {"reason": "rain"})) == [("accept-proposal", "b")]
    assert (tender.bid("a").verdict, tender.bid("a").reason) == ("failed", "rain")
    assert tender.bid("b").reason == "a better one has failed"
    assert acts(tender.rings(Phase.WORKING)) == [("cancel", "b"), ("accept-proposal", "c")]
    assert (tender.bid("b").verdict, tender.bid("b").reason) == ("overdue", "no result within 30 s")
    assert acts(tender.says("c", "inform", "built")) == []
    assert (tender.record.outcome, tender.record.winners) == ("done", ["c@n1"])
    assert [note[:2] for note in tender.notes()] == [("a", "failed"), ("b", "overdue")]


@pytest.mark.parametrize("reserves", [0, 1])
def test_so_many_are_held_in_reserve_as_were_asked_for(reserves):
    tender = Tender("a", "b", "c", prefer=CHEAPEST, reserves=reserves)
    for price, name in enumerate("abc"):
        tender.says(name, "propose", {"price": price})
    assert list(tender.verdicts().values()) == [
        "awarded",
        *["reserve"] * reserves,
        *["rejected"] * (2 - reserves),
    ]
    for name in "ab"[: 1 + reserves]:
        tender.says(name, "failure", "no")
    assert (tender.record.state, tender.record.outcome) == (State.FAILED, "failed")
    tried = "2 of 3" if reserves else "1 of 3"
    assert tender.record.detail == f"nobody delivered; {tried} bids were accepted in turn"


def test_of_two_winners_one_may_fail():
    tender = Tender("a", "b", winners=2, reserves=0)
    tender.says("a", "propose", {})
    tender.says("b", "propose", {})
    tender.says("a", "inform", "one half")
    tender.says("b", "failure", "no")
    record = tender.record
    assert (record.state, record.outcome, record.detail) == (State.PARTIAL, "partly-done", "1 of 2 delivered")
    assert [result.contractor for result in record.results] == ["a@n1"]


def test_fewer_bids_than_winners_wanted_is_a_part_as_well():
    tender = Tender("a", winners=2)
    tender.says("a", "propose", {})
    tender.says("a", "inform", "done")
    assert (tender.record.state, tender.record.outcome) == (State.PARTIAL, "partly-done")


@pytest.mark.parametrize("stage", ["calling", "working"])
def test_giving_up_tells_everybody_who_is_in_it(stage):
    tender = Tender("a", "b", "c", prefer=CHEAPEST)
    tender.says("a", "propose", {"price": 1})
    tender.says("b", "refuse", {"reason": "busy"})
    if stage == "working":
        tender.says("c", "propose", {"price": 2})
    said = tender.take(tender.negotiation.cancel("cancelled by ann", tender.now_us))
    assert acts(said) == [("cancel", "a"), ("cancel", "c")]
    record = tender.record
    assert (record.state, record.outcome, record.detail) == (State.CANCELLED, "cancelled", "cancelled by ann")
    assert set(tender.verdicts().values()) == {"cancelled"}
    assert tender.negotiation.awaits_answers


# -- rounds -------------------------------------------------------------------------------------------------


def test_a_further_call_goes_to_who_proposed_and_says_what_there_is_to_better():
    tender = Tender("a", "b", "c", prefer=CHEAPEST, rounds_max=2)
    tender.says("a", "propose", {"price": 30})
    tender.says("b", "refuse", {"reason": "busy"})
    said = tender.says("c", "propose", {"price": 20})
    assert acts(said) == [("cfp", "a"), ("cfp", "c")]
    assert {message.protocol for message in tender.sent} == {"fipa-iterated-contract-net"}
    assert json.loads(said[0].content) == {
        "task": "wall",
        "negotiation": {
            "round": 2,
            "rounds_max": 2,
            "prefer": ["min:price"],
            "require": [],
            "best": {"score": 1.0, "terms": {"price": 20}},
        },
    }
    tender.says("a", "propose", {"price": 15})
    assert acts(tender.says("c", "propose", {"price": 18})) == [("accept-proposal", "a")]
    assert [(each.bids, each.best, each.progress) for each in tender.record.rounds] == [
        (2, "c@n1", "price 20"),
        (2, "a@n1", "price 20 → 15"),
    ]
    assert [bid.verdict for bid in tender.record.bids] == ["replaced", "replaced", "awarded", "reserve"]
    assert [(bid.round, bid.answered_ms) for bid in tender.record.bids] == [(1, 1), (1, 3), (2, 1), (2, 2)]


def test_a_task_that_is_no_object_is_wrapped_in_a_further_call():
    tender = Tender("a", content=b'["wall", 3]', prefer=CHEAPEST, rounds_max=2)
    said = tender.says("a", "propose", {"price": 30})
    assert json.loads(said[0].content)["task"] == ["wall", 3]


def test_rounds_end_when_no_bid_gets_better_by_the_step():
    tender = Tender("a", prefer=CHEAPEST, rounds_max=5, steps=("price=5",))
    assert acts(tender.says("a", "propose", {"price": 30})) == [("cfp", "a")]
    assert acts(tender.says("a", "propose", {"price": 20})) == [("cfp", "a")]
    assert acts(tender.says("a", "propose", {"price": 18})) == [("accept-proposal", "a")]
    assert [each.progress for each in tender.record.rounds] == ["price 30", "price 30 → 20", ""]


def test_rounds_end_when_they_are_used_up():
    tender = Tender("a", prefer=CHEAPEST, rounds_max=2)
    tender.says("a", "propose", {"price": 30})
    assert acts(tender.says("a", "propose", {"price": 20})) == [("accept-proposal", "a")]


def test_bids_that_do_not_qualify_may_get_better_as_well():
    tender = Tender("a", require=("price<=10",), rounds_max=3)
    said = tender.says("a", "propose", {"price": 30})
    assert (acts(said), json.loads(said[0].content)["negotiation"]["best"]) == ([("cfp", "a")], None)
    assert acts(tender.says("a", "propose", {"price": 9})) == [("accept-proposal", "a")]


def test_whoever_does_not_bid_again_is_out():
    tender = Tender("a", "b", prefer=CHEAPEST, rounds_max=2)
    tender.says("a", "propose", {"price": 10})
    tender.says("b", "propose", {"price": 20})
    tender.says("b", "propose", {"price": 19})
    assert acts(tender.rings(Phase.CALLING)) == [("accept-proposal", "b")]
    assert tender.notes() == [("a", "silent", "no answer within 5 s")]


# -- what strangers and liars can do ------------------------------------------------------------------------


def test_what_is_out_of_turn_is_listed_and_what_strangers_say_is_not():
    tender = Tender("a")
    tender.says("a", "inform", "done already")
    tender.says("mallory", "propose", {"price": 0})
    assert tender.notes() == [("a", "out-of-turn", '"done already"')]
    assert tender.record.bids == []


def test_a_contractor_that_never_stops_does_not_fill_the_record():
    tender = Tender("a", "b")
    tender.says("a", "propose", {})
    for _ in range(5_100):
        tender.says("a", "propose", {}, after_ms=0)
    assert (len(tender.record.notes), tender.record.ignored) == (5_000, 100)


def test_of_large_bids_and_results_only_so_much_is_kept():
    tender = Tender("a", prefer=("max:size",))
    tender.says("a", "propose", {"size": 1, "text": "x" * 100_000})
    assert len(tender.record.bids[0].content) == 300
    tender.says("a", "inform", b'"' + b"y" * 9_000_000 + b'"')
    (result,) = tender.record.results
    assert (result.content, result.size_bytes) == (b"", 9_000_002)


@pytest.mark.parametrize("value", ["x" * 10_000, {"deep": [1] * 1_000}, 10**50, None, True])
def test_whatever_stands_in_a_term_can_be_kept(value):
    tender = Tender("a", require=("term!=1",))
    tender.says("a", "propose", {"term": value})
    assert len(str(tender.bid("a").terms["term"])) <= 110
    assert decode(encode(tender.record), type=Record) == tender.record
