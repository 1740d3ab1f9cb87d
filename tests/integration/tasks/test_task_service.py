"""The tasks of a node: what is kept, what is bounded, and what a stop or a death of the node leaves."""

from __future__ import annotations

import asyncio
import json

import pytest

from caxton_node.core.errors import InvalidArgument, NotFound, ResourceLimit
from caxton_node.fipa import Envelope, FailureReason
from caxton_node.registry import CapabilityRecord
from tests.integration.tasks.conftest import TRADE, WALL, Site, open_site
from tests.support.contractors import ACT, Hand
from tests.support.data_plane import until

pytestmark = pytest.mark.story("011")


async def working(site: Site, hand: Hand, **order: object):
    """Bring a task to where its only contractor works."""
    record = await site.run(**order)
    await hand.bids(1)
    await hand.hears(ACT.ACCEPT_PROPOSAL)
    return record


async def row_in_state(site: Site, state: str) -> tuple[object, ...]:
    """Wait until the file says that its task is in a state."""
    async with asyncio.timeout(10):
        while not (rows := await site.house.database.read("SELECT * FROM tasks WHERE state = ?", (state,))):
            pass
    return rows[0]


async def test_a_task_is_kept_and_found_again_after_a_restart(tmp_path):
    async with open_site(tmp_path) as site:
        await site.mason("ann", 30)
        first = await site.done()
        assert (await site.tasks.get(first.id)).outcome == "done"
    async with open_site(tmp_path) as site:
        assert await site.tasks.get(first.id) == first
        (listed,) = await site.tasks.newest(10)
        assert (listed.id, listed.state, listed.bids, listed.winners) == (
            first.id,
            "Completed",
            1,
            ["ann@n1"],
        )


async def test_what_a_node_had_not_finished_when_it_died_is_failed_at_its_next_start(tmp_path):
    async with open_site(tmp_path) as site:
        task = await working(site, site.hand("ann"))
        # A kill leaves what is in the file: here it is put back as it was before the clean end.
        row = await row_in_state(site, "Working")
    async with open_site(tmp_path) as site:
        await site.house.database.write("DELETE FROM tasks")
        marks = ", ".join("?" * len(row))
        await site.house.database.write(f"INSERT INTO tasks VALUES ({marks})", row)
    async with open_site(tmp_path) as site:
        found = await site.tasks.get(task.id)
        assert (found.state, found.outcome) == ("Failed", "initiator-died")
        assert found.detail == "node n1 stopped while the task was Working"
        assert found.called == ["ann@n1"]
        assert [bid.verdict for bid in found.bids] == ["awarded"], "who had the work can be seen"
        counted = {
            each.labels: each.value for each in site.house.board.read() if each.name == "caxton_tasks_total"
        }
        assert counted == {("initiator-died",): 1}


async def test_a_clean_stop_tells_the_contractors(tmp_path):
    async with open_site(tmp_path) as site:
        ann = site.hand("ann")
        task = await working(site, ann)
        closing = asyncio.create_task(site.tasks.close())
        await ann.hears(ACT.CANCEL)
        await closing
    async with open_site(tmp_path) as site:
        found = await site.tasks.get(task.id)
        assert (found.state, found.detail) == ("Cancelled", "the node was stopped")


async def test_only_so_many_tasks_are_at_work(site):
    site.hand("ann")
    for _ in range(3):
        await site.run()
    with pytest.raises(ResourceLimit, match="3 tasks are at work"):
        await site.run()
    first = (await site.tasks.newest(1))[0]
    await site.tasks.cancel(first.id, "enough")
    await site.run()


async def test_of_tasks_that_are_over_the_latest_are_kept(tmp_path):
    async with open_site(tmp_path, kept_max=2) as site:
        ids = [(await site.done(capability="nobody-can")).id for _ in range(4)]
        assert [each.id for each in await site.tasks.newest(10)] == [ids[3], ids[2]]
        with pytest.raises(NotFound, match=f"no task {ids[0]}"):
            await site.tasks.get(ids[0])


async def test_an_order_that_cannot_be_carried_out_leaves_nothing_behind(site):
    with pytest.raises(InvalidArgument):
        await site.run(prefer=("cheap",))
    with pytest.raises(InvalidArgument, match="too much at once"):
        await site.run(
            capability="", contractors=tuple(f"a{n}" for n in range(100)), content=b'"%b"' % (b"x" * 10**6)
        )
    assert await site.tasks.newest(10) == []


async def test_whoever_follows_sees_each_change_and_then_the_end(site):
    ann = site.hand("ann")
    task = await site.run()
    version = task.version
    assert (await site.tasks.get(task.id, seen=version, wait_s=0.01)).version == version
    following = asyncio.create_task(site.tasks.get(task.id, seen=version, wait_s=10))
    await ann.bids(1)
    assert (await following).version > version
    await ann.hears(ACT.ACCEPT_PROPOSAL)
    waiting = asyncio.create_task(site.ended(task))
    ann.says(ACT.INFORM, "built")
    assert (await waiting).is_over
    (kept,) = await site.house.database.read("SELECT outcome FROM tasks WHERE id = ?", (task.id,))
    assert kept == ("done",), "that it is over is told when it is on the disk"


async def test_an_address_is_given_up_once_nobody_can_still_need_it(tmp_path):
    async with open_site(tmp_path, linger_s=0.05) as site:
        late = site.hand("late")
        task = await site.done(proposals_within_s=0.05)
        assert task.outcome == "no-proposals"
        call = await late.hears(ACT.CFP)
        await until(lambda: not site.tasks._lingering)
        late.says(ACT.PROPOSE, {}, to=call)
        failed = await late.hears(ACT.FAILURE)
        assert json.loads(failed.content)["reason"] == FailureReason.NO_SUCH_AGENT
        done = await working(site, Hand(site.house.router, "other"), capability="", contractors=("other",))
        assert done.state == "Working"


async def test_a_task_whose_contractors_have_all_answered_gives_its_address_up_at_once(site):
    await site.mason("ann", 1)
    await site.done()
    await until(lambda: not site.tasks._at_work)
    assert site.tasks._lingering == {}


async def test_of_too_many_contractors_a_sample_is_called_and_another_each_time(site):
    names = [f"m{n}" for n in range(40)]
    hands = [site.hand(name) for name in names]
    samples = set()
    for _ in range(3):
        task = await site.run(participants_max=5)
        assert (task.found, len(task.called)) == (40, 5)
        samples.add(frozenset(task.called))
        await site.tasks.cancel(task.id, "enough")
    assert len(samples) > 1
    assert len(hands) == 40


async def test_named_contractors_are_called_before_those_who_are_found(site):
    for name in ("a", "b", "c"):
        site.hand(name)
    task = await site.run(contractors=("c", "x@n9"), participants_max=3)
    assert task.called[:2] == ["c@n1", "x@n9"]
    assert len(task.called) == 3


async def test_five_hundred_contractors_bid_and_one_gets_it(site):
    prices = {}

    def take(envelope: Envelope, name: str) -> None:
        if envelope.performative is ACT.CFP:
            answer, content = ACT.PROPOSE, json.dumps({"price": prices[name]}).encode()
        elif envelope.performative is ACT.ACCEPT_PROPOSAL:
            answer, content = ACT.INFORM, b'"built"'
        else:
            return
        site.house.router.submit(
            Envelope(
                answer, f"{name}@n1", envelope.sender, content, envelope.conversation_id,
                in_reply_to=envelope.reply_with, protocol=envelope.protocol,
            )
        )  # fmt: skip

    for number in range(500):
        name = f"m{number}"
        prices[name] = 1_000 - number
        site.house.router.add_platform_agent(name, lambda envelope, name=name: take(envelope, name))
        site.house.registry.put_capability(CapabilityRecord(TRADE, "1.0", f"default/{name}", "n1"))
    record = await site.done(prefer=("min:price",), proposals_within_s=60)
    assert (len(record.called), len(record.bids), record.winners) == (500, 500, ["m499@n1"])
    assert sorted(bid.rank for bid in record.bids) == list(range(1, 501))
    talk = site.house.router.conversations.find(record.conversation_id)
    assert (talk.faults, talk.is_open) == (0, False)
    assert record.order.content == WALL
