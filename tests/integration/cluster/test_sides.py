"""Real clusters on loopback agree on who counts, tell what changes, and use links where UDP is silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from caxton_node.cluster.agreement import Book, Line
from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.cluster.diary import EVENTS_KEPT, Diary
from caxton_node.cluster.partitions import PartitionChanged, PartitionView, has_majority
from caxton_node.cluster.pinging import GOSSIP
from caxton_node.cluster.reunion import PartitionHealed, PartitionReport
from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import DeadlineExceeded
from caxton_node.core.events import EventBus
from caxton_node.storage import Database
from swim import Member, MemberState
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.meshes import until

pytestmark = pytest.mark.story("018")

MAJORITY, ISOLATED = PartitionView.MAJORITY, PartitionView.ISOLATED


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    async with open_clusters() as world:
        yield world


async def met(opened: Opened, *names: str, link_probe: bool = True) -> list[Cluster]:
    first, port = await opened.open(names[0], link_probe=link_probe)
    first.start()
    others = [(await opened.open(name, link_probe=link_probe))[0] for name in names[1:]]
    for other in others:
        other.start([(HOST, port)])
    clusters = [first, *others]
    await until(lambda: all(len(each.alive_nodes()) == len(names) for each in clusters))
    return clusters


def agreed(cluster: Cluster) -> tuple[str, ...]:
    return cluster.sides.standpoint.agreed


async def test_nodes_that_meet_compare_their_books_and_count_each_other(opened: Opened) -> None:
    clusters = await met(opened, "n1", "n2", "n3")
    await until(lambda: {agreed(each) for each in clusters} == {("n1", "n2", "n3")})
    assert {each.partition_view() for each in clusters} == {MAJORITY}


async def test_a_newcomer_is_told_who_counts_before_it_is_the_majority_of_anybody(opened: Opened) -> None:
    first, port = await opened.open("n1", agreed={"gone-1", "gone-2"})
    first.start()
    fresh, _ = await opened.open("n2", fresh=True)
    assert fresh.partition_view() is ISOLATED
    fresh.start([(HOST, port)])
    await until(lambda: agreed(fresh) == ("gone-1", "gone-2", "n1"))
    assert fresh.partition_view() is PartitionView.MINORITY
    await first.sides.strike(["gone-1", "gone-2"])
    await until(lambda: fresh.partition_view() is first.partition_view() is MAJORITY)
    await until(lambda: agreed(fresh) == agreed(first) == ("n1", "n2"))


async def test_views_and_splits_are_told_on_the_bus(opened: Opened) -> None:
    first, second = await met(opened, "n1", "n2")
    await until(lambda: agreed(first) == agreed(second) == ("n1", "n2"))
    told: list[object] = []
    for kind in (PartitionChanged, PartitionHealed, MemberChanged):
        opened.buses["n1"].subscribe(kind, told.append)
    await second.close()  # without a goodbye
    await until(lambda: first.partition_view() is ISOLATED)
    change = [event for event in told if isinstance(event, PartitionChanged)][-1]
    assert (change.view, change.before) == (ISOLATED, MAJORITY)
    assert (change.alive, change.agreed, change.lost) == (("n1",), ("n1", "n2"), ("n2",))
    died = [event for event in told if isinstance(event, MemberChanged) and event.change is Change.DIED]
    assert died[-1].accusers == ("n1",)
    assert first.news.acquaintances.find("n2").accusers == ("n1",)  # type: ignore[union-attr]


async def test_a_split_that_is_over_is_reported(opened: Opened) -> None:
    first, second = await met(opened, "n1", "n2", link_probe=False)
    await until(lambda: agreed(first) == agreed(second) == ("n1", "n2"))
    told: list[PartitionHealed] = []
    opened.buses["n1"].subscribe(PartitionHealed, told.append)
    second._pump._open = False  # it neither hears nor speaks, and its process goes on
    await until(lambda: first.partition_view() is ISOLATED)
    second._pump._open = True
    second._pump._arm()
    await until(lambda: told, timeout_s=30)
    report = told[0].report
    assert (report.here, report.there, report.missing) == (("n1",), ("n2",), ())
    assert (report.view, first.sides.healed) == (ISOLATED, 1)
    assert report.ended_unix_ms > report.began_unix_ms
    await until(lambda: first.partition_view() is second.partition_view() is MAJORITY)


async def test_who_is_silent_on_udp_but_answers_over_its_link_is_not_given_up(opened: Opened) -> None:
    first, second = await met(opened, "n1", "n2")
    await first.pinger.over_link("n2", 5.0)  # brings the link up
    second._pump.close()  # deaf and dumb to datagrams from here on
    await until(lambda: first.membership.statistics.link_rescues >= 3, timeout_s=20)
    assert first.is_alive("n2")
    assert first.membership.statistics.deaths == 0
    with pytest.raises(DeadlineExceeded, match="did not answer a gossip ping"):
        await first.pinger.over_gossip("n2", 0.1)


async def test_round_trips_are_measured_both_ways(opened: Opened) -> None:
    first, _ = await met(opened, "n1", "n2")
    by_gossip, by_link = await first.pinger.over_gossip("n2", 5.0), await first.pinger.over_link("n2", 5.0)
    assert by_gossip.way == GOSSIP
    assert by_link.way in {"quic", "tcp"}
    assert 0 < by_gossip.rtt_s < 5
    assert 0 < by_link.rtt_s < 5
    await until(lambda: first.traffic.rates().bytes_out_per_s > 0)


async def test_a_diary_keeps_what_happened_in_order_and_who_accused_whom(tmp_path: Path) -> None:
    bus = EventBus()
    async with await Database.open(tmp_path / "caxton.db") as database:
        diary = Diary(database, bus, SystemClock(), "n1")
        n2 = Member("n2", ("127.0.0.1", 1), MemberState.ALIVE, 3, 7, b"", 0, bytes(8))
        bus.publish(MemberChanged(n2, Change.JOINED))
        bus.publish(MemberChanged(n2, Change.UPDATED))
        bus.publish(MemberChanged(n2, Change.SUSPECTED, ("n1", "n3")))
        bus.publish(PartitionChanged(ISOLATED, MAJORITY, ("n1",), ("n1", "n2"), ("n2",)))
        report = PartitionReport(1000, 9000, ISOLATED, ("n1",), ("n2",), (), ("n4",), 2)
        bus.publish(PartitionHealed(report))
        found = await diary.read()
        assert [(entry.what, entry.node) for entry in found] == [
            ("joined", "n2"), ("suspected", "n2"), ("view", "n1"), ("healed", "n1"),
        ]  # fmt: skip
        suspected = found[1]
        assert (suspected.accusers, suspected.epoch, suspected.incarnation) == (("n1", "n3"), 7, 3)
        assert "isolated, was majority: sees 1 of 2" in found[2].detail
        assert [entry.id for entry in await diary.read(after=found[1].id, limit=1)] == [found[3].id]
        assert [entry.what for entry in await diary.read(node="n2")] == ["joined", "suspected"]
        assert await diary.read(since_unix_ms=found[-1].at_unix_ms + 1) == []
        assert await diary.reports() == [report]
        await diary.close()


async def test_a_diary_is_bounded(tmp_path: Path) -> None:
    bus = EventBus()
    async with await Database.open(tmp_path / "caxton.db") as database:
        diary = Diary(database, bus, SystemClock(), "n1")
        for number in range(EVENTS_KEPT + 50):
            bus.publish(PartitionChanged(ISOLATED, MAJORITY, ("n1",), ("n1",), ()))
            if number % 5000 == 0:
                await diary.flush()
        await diary.flush()
        ((count,),) = await database.read("SELECT COUNT(*) FROM membership_events")
        assert count == EVENTS_KEPT
        await diary.close()


async def test_who_leaves_is_struck_off_by_one_that_stays_and_knows_it(opened: Opened) -> None:
    clusters = await met(opened, "n1", "n2", "n3")
    await until(lambda: {agreed(each) for each in clusters} == {("n1", "n2", "n3")})
    first, _, third = clusters
    kept: list[int] = []

    async def keep(lines: Mapping[str, Line]) -> None:
        kept.append(sum(line.counts for line in lines.values()))

    third.sides.keep = keep
    await third.leave()
    assert agreed(third) == ("n1", "n2")
    assert kept[-1] == 2
    await until(lambda: agreed(first) == ("n1", "n2"))
    assert first.partition_view() is MAJORITY


async def test_when_all_leave_at_once_somebody_goes_on_counting(opened: Opened) -> None:
    clusters = await met(opened, "n1", "n2", "n3")
    await until(lambda: {agreed(each) for each in clusters} == {("n1", "n2", "n3")})
    await asyncio.gather(*(each.leave() for each in clusters))
    books = [Book(each.sides.lines()) for each in clusters]
    whole = Book()
    for book in books:
        whole.merge(book.lines())
    assert whole.counted
    alone = [has_majority({each.node_id}, book.counted) for each, book in zip(clusters, books, strict=True)]
    assert alone.count(True) <= 1


async def test_a_node_without_its_book_is_told_and_given_a_vote_by_the_majority(opened: Opened) -> None:
    first, port = await opened.open("n1", agreed={"n2", "n3"})
    second, _ = await opened.open("n2", agreed={"n1", "n3"})
    third, _ = await opened.open("n3", fresh=True)
    first.start()
    third.start([(HOST, port)])
    await until(lambda: first.sides.standpoint.waiting == ("n3",))
    assert (first.partition_view(), first.sides.standpoint.seen) == (PartitionView.MINORITY, 1)
    assert third.sides.lines() == {}  # it has nothing to show and nothing to keep
    second.start([(HOST, port)])
    await until(third.sides.lines, timeout_s=20)  # it has been counted anew
    assert third.sides.lines()["n3"].turn > 1
    assert third.sides.standpoint.waiting == ()
    assert third.partition_view() is MAJORITY


async def test_a_change_of_the_view_is_told_after_what_caused_it(opened: Opened) -> None:
    first, second = await met(opened, "n1", "n2")
    await until(lambda: agreed(first) == agreed(second) == ("n1", "n2"))
    told: list[object] = []
    for kind in (PartitionChanged, MemberChanged):
        opened.buses["n1"].subscribe(kind, told.append)
    await second.close()
    await until(lambda: first.partition_view() is ISOLATED)
    last, before = told[-1], told[-2]
    assert isinstance(last, PartitionChanged)
    assert isinstance(before, MemberChanged)
    assert before.change is Change.DIED
