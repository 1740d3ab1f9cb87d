"""Every way in which a task can end, through the real router, with real guests where they can do it."""

from __future__ import annotations

import json
import time

import pytest

from tests.integration.tasks.conftest import Site
from tests.support.contractors import (
    ACT,
    DELIVERS,
    FAILS,
    NEVER_DELIVERS,
    REFUSES,
    SILENT,
    guest,
)

pytestmark = pytest.mark.story("011")

CHEAPEST = ("min:price",)
SOON = 0.3
"""Seconds for those who never answer; nothing depends on how many they are."""


def verdicts(record):
    return {bid.contractor.partition("@")[0]: bid.verdict.value for bid in record.bids}


def notes(record):
    return {(note.contractor.partition("@")[0], note.what.value): note.detail for note in record.notes}


def outcome(record):
    return record.state.value, record.outcome


def counted(site: Site, name: str) -> dict[tuple[str, ...], float]:
    return {found.labels: found.value for found in site.house.board.read() if found.name == name}


# -- it is done ---------------------------------------------------------------------------------------------


async def test_the_cheapest_of_three_guests_gets_the_work_and_delivers(site):
    for name, price in (("ann", 30), ("bob", 10), ("cid", 20)):
        await site.mason(name, price)
    record = await site.done(prefer=CHEAPEST)
    assert outcome(record) == ("Completed", "done")
    assert record.winners == ["bob@n1"]
    (result,) = record.results
    assert json.loads(result.content)["result"] == "wall: done by bob on n1"
    assert verdicts(record) == {"ann": "rejected", "bob": "done", "cid": "rejected"}
    for name in ("ann", "bob", "cid"):
        stats = json.loads((await site.house.ask(name, b'"stats"')).content)
        assert stats == {"open": 0, "done": int(name == "bob"), "rejected": int(name != "bob")}
    assert counted(site, "caxton_tasks_total") == {("done",): 1}
    assert counted(site, "caxton_task_proposals_total") == {("done",): 1, ("rejected",): 2}


async def test_contractors_can_be_named_instead_of_found(site):
    await site.mason("ann", 30)
    await site.mason("bob", 10)
    record = await site.done(capability="", contractors=("ann",), prefer=CHEAPEST)
    assert (record.called, record.winners) == (["ann@n1"], ["ann@n1"])


async def test_guests_that_follow_the_protocol_are_never_at_fault(site):
    await site.mason("ann", 30)
    await site.mason("bob", 10)
    await site.guest("ref", guest(REFUSES))
    record = await site.done(prefer=CHEAPEST, rounds_max=3, winners=2)
    assert record.outcome == "done"
    talk = site.house.router.conversations.find(record.conversation_id)
    assert (talk.faults, talk.is_open) == (0, False)


async def test_guests_may_better_their_bids_in_further_rounds(site):
    ann, bob = site.hand("ann"), site.hand("bob")
    record = await site.run(prefer=CHEAPEST, rounds_max=3)
    await ann.bids(30)
    await bob.bids(20)
    call = await ann.bids(15)
    assert call.protocol == "fipa-iterated-contract-net"
    assert json.loads(call.content)["negotiation"]["best"] == {"score": 1.0, "terms": {"price": 20}}
    await bob.bids(20)
    for hand, price in ((ann, 15), (bob, 16)):
        await hand.bids(price)
    await ann.hears(ACT.ACCEPT_PROPOSAL)
    ann.says(ACT.INFORM, "built")
    record = await site.ended(record)
    assert [each.progress for each in record.rounds] == ["price 20", "price 20 → 15", ""]
    assert (record.outcome, record.winners) == ("done", ["ann@n1"])


# -- nobody -------------------------------------------------------------------------------------------------


async def test_a_capability_that_nobody_has_is_the_end(site):
    record = await site.done(capability="alchemy")
    assert outcome(record) == ("Failed", "no-contractors")
    assert record.detail == "nobody within reach offers alchemy"


async def test_a_named_contractor_that_does_not_exist_is_listed_as_such(site):
    record = await site.done(capability="", contractors=("nobody",))
    assert outcome(record) == ("Failed", "no-proposals")
    assert notes(record)["nobody", "failed"].startswith("no-such-agent: ")


async def test_refusals_are_waited_for_no_longer(site):
    await site.guest("ref", guest(REFUSES))
    await site.mason("ann", 1, refuse=True)
    record = await site.done(proposals_within_s=3600)
    assert outcome(record) == ("Failed", "no-proposals")
    assert set(notes(record)) == {("ref", "refused"), ("ann", "refused")}
    assert notes(record)["ann", "refused"] == "not taking work"


async def test_nobody_who_qualifies_gets_nothing(site):
    await site.mason("ann", 30)
    record = await site.done(require=("price<=10",))
    assert outcome(record) == ("Failed", "not-awarded")
    assert record.bids[0].reason == "price<=10 is broken: price is 30"
    stats = json.loads((await site.house.ask("ann", b'"stats"')).content)
    assert stats["rejected"] == 1


async def test_a_silent_contractor_is_left_out_at_the_deadline(site):
    await site.guest("mute", guest(SILENT))
    await site.mason("ann", 30)
    record = await site.done(proposals_within_s=SOON)
    assert (record.outcome, record.winners) == ("done", ["ann@n1"])
    assert notes(record) == {("mute", "silent"): "no answer within 0.3 s"}


# -- too much, too late -------------------------------------------------------------------------------------


async def test_of_two_bids_of_one_guest_the_first_counts(site):
    await site.guest("twin", guest(DELIVERS, times=2))
    await site.mason("ann", 60)
    record = await site.done(prefer=CHEAPEST)
    assert (record.outcome, record.winners) == ("done", ["twin@n1"])
    assert ("twin", "duplicate") in notes(record)


@pytest.mark.parametrize("has_node_noticed", [False, True])
async def test_a_late_bid_is_rejected_and_listed(site, has_node_noticed):
    late, prompt = site.hand("late"), site.hand("prompt")
    record = await site.run(proposals_within_s=SOON)
    await prompt.bids(1)
    call = await late.hears(ACT.CFP)
    await prompt.hears(ACT.ACCEPT_PROPOSAL)
    if has_node_noticed:  # then the node holds that this talk has failed
        site.house.router.tick(time.time_ns() // 1_000 + 3_600_000_000)
    prompt.says(ACT.INFORM, "built")
    record = await site.ended(record)
    late.says(ACT.PROPOSE, {"price": 0}, to=call)
    rejected = await late.hears(ACT.REJECT_PROPOSAL)
    assert (rejected.in_reply_to, json.loads(rejected.content)) == (
        "late-propose",
        {"reason": "the call is over"},
    )
    assert notes(record)["late", "late"] == '{"price":0}'
    assert record.outcome == "done"
    kept = await site.tasks.get(record.id)
    assert ("late", "late") in notes(kept)


# -- contractors that die -----------------------------------------------------------------------------------


async def test_a_guest_that_traps_on_the_call_is_out(site):
    await site.guest("crash", guest(DELIVERS, traps_on=[ACT.CFP]))
    await site.mason("ann", 30)
    record = await site.done(proposals_within_s=3600)
    assert (record.outcome, record.winners) == ("done", ["ann@n1"])
    assert notes(record)["crash", "failed"].startswith("trapped: ")


async def test_a_contractor_that_is_gone_when_its_bid_is_accepted_makes_room_for_the_next(site):
    gone, stays, last = site.hand("gone"), site.hand("stays"), site.hand("last")
    record = await site.run(prefer=CHEAPEST)
    await gone.bids(1)
    await stays.bids(2)
    await site.tasks.get(record.id, seen=record.version - 1, wait_s=1)
    gone.dies()
    await last.bids(3)
    await stays.hears(ACT.ACCEPT_PROPOSAL)
    stays.says(ACT.INFORM, "built")
    record = await site.ended(record)
    assert (record.outcome, record.winners) == ("done", ["stays@n1"])
    assert notes(record)["gone", "failed"].startswith("no-such-agent: ")
    assert verdicts(record) == {"gone": "failed", "stays": "done", "last": "rejected"}


@pytest.mark.parametrize(
    ("contractor", "what"),
    [
        (guest(DELIVERS, traps_on=[ACT.ACCEPT_PROPOSAL]), "failed"),
        (guest(FAILS), "failed"),
        (guest(NEVER_DELIVERS), "overdue"),
    ],
    ids=["traps", "fails", "never delivers"],
)
async def test_the_next_best_gets_what_the_best_does_not_do(site, contractor, what):
    await site.guest("best", contractor)
    await site.mason("second", 60)
    record = await site.done(prefer=CHEAPEST, results_within_s=SOON)
    assert (record.outcome, record.winners) == ("done", ["second@n1"])
    assert verdicts(record) == {"best": what, "second": "done"}
    assert ("best", what) in notes(record)


async def test_without_fallback_a_failure_is_the_end(site):
    await site.guest("best", guest(FAILS))
    await site.mason("second", 60)
    record = await site.done(prefer=CHEAPEST, reserves=0)
    assert outcome(record) == ("Failed", "failed")
    assert verdicts(record) == {"best": "failed", "second": "rejected"}


async def test_when_everybody_fails_the_task_has_failed(site):
    for name in ("one", "two", "three"):
        await site.guest(name, guest(FAILS))
    record = await site.done()
    assert outcome(record) == ("Failed", "failed")
    assert record.detail == "nobody delivered; 3 of 3 bids were accepted in turn"


async def test_one_of_two_winners_is_a_part(site):
    await site.guest("bad", guest(FAILS))
    await site.mason("good", 60)
    record = await site.done(winners=2)
    assert outcome(record) == ("Partial", "partly-done")
    assert [result.contractor for result in record.results] == ["good@n1"]


# -- giving up ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["calling", "working"])
async def test_an_operator_who_cancels_has_everybody_told(site, stage):
    ann, bob = site.hand("ann"), site.hand("bob")
    record = await site.run(prefer=CHEAPEST)
    await ann.bids(1)
    call = await bob.hears(ACT.CFP)
    if stage == "working":
        bob.says(ACT.PROPOSE, {"price": 2}, to=call)
        await ann.hears(ACT.ACCEPT_PROPOSAL)
    ended = await site.tasks.cancel(record.id, "cancelled by ann")
    assert outcome(ended) == ("Cancelled", "cancelled")
    for hand in (ann, bob):
        cancel = await hand.hears(ACT.CANCEL)
        assert cancel.protocol == "fipa-contract-net"
    assert (await site.tasks.cancel(record.id, "again")).detail == "cancelled by ann"


async def test_the_protocol_of_a_cancelled_task_can_be_ended_by_its_contractors(site):
    ann = site.hand("ann")
    record = await site.run()
    await ann.bids(1)
    await ann.hears(ACT.ACCEPT_PROPOSAL)
    await site.tasks.cancel(record.id, "enough")
    await ann.hears(ACT.CANCEL)
    ann.says(ACT.INFORM, "stopped")
    talk = site.house.router.conversations.find(record.conversation_id)
    assert (talk.is_open, talk.faults) == (False, 0)
