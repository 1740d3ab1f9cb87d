"""What a split looked like once it is over, told by example."""

from __future__ import annotations

import pytest

from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.reunion import PartitionReport, Reunion

pytestmark = pytest.mark.story("041")

MAJORITY, MINORITY, ISOLATED = PartitionView.MAJORITY, PartitionView.MINORITY, PartitionView.ISOLATED
AGREED = ("a", "b", "c", "d", "e")


class Story:
    """A reunion and a clock."""

    def __init__(self) -> None:
        self.reunion = Reunion(quiet_s=5.0)
        self.now = 0.0
        self.conflicts = 0

    def at(self, now: float) -> Story:
        self.now = now
        return self

    def dies(self, node: str, alive: str, epoch: int = 1) -> None:
        self.reunion.handle_died(
            node, epoch=epoch, unix_ms=int(self.now * 1000), alive=tuple(alive), conflicts=self.conflicts
        )

    def returns(self, node: str, epoch: int = 1) -> None:
        self.reunion.handle_back(node, epoch=epoch, unix_ms=int(self.now * 1000), now=self.now)

    def report(self, view: PartitionView = MAJORITY) -> PartitionReport | None:
        return self.reunion.take_report(view, now=self.now, conflicts=self.conflicts, agreed=AGREED)


@pytest.fixture
def story() -> Story:
    return Story()


def test_members_that_return_in_the_same_life_were_on_another_side(story):
    story.at(10).dies("d", "abce")
    story.at(11).dies("e", "abc")
    story.at(100).returns("d")
    story.at(102).returns("e")
    assert story.at(106).report() is None  # somebody might still be on the way
    report = story.at(107).report()
    assert report == PartitionReport(10_000, 102_000, MAJORITY, ("a", "b", "c"), ("d", "e"))
    assert report.lasted_s == 92
    assert story.at(200).report() is None  # told once


def test_a_crash_is_no_split(story):
    story.at(10).dies("d", "abce")
    story.at(50).returns("d", epoch=2)
    assert story.at(100).report() is None


def test_who_restarted_and_who_never_came_back_is_told_apart(story):
    for number, node in enumerate("abc"):
        story.at(10 + number).dies(node, "de")
    story.reunion.handle_view(MINORITY)
    story.at(60).returns("a")
    story.at(61).returns("b", epoch=7)
    report = story.at(70).report()
    assert (report.view, report.there, report.restarted, report.missing) == (MINORITY, ("a",), ("b",), ("c",))


def test_the_report_waits_until_this_side_is_the_majority_again(story):
    story.at(1).dies("a", "de")
    story.at(9).returns("a")
    assert story.at(99).report(MINORITY) is None
    assert story.at(99).report() is not None


def test_the_worst_view_and_the_conflicts_of_the_split_are_told(story):
    story.conflicts = 3
    story.at(1).dies("a", "e")
    story.reunion.handle_view(ISOLATED)
    story.reunion.handle_view(MINORITY)
    story.at(9).returns("a")
    story.conflicts = 8
    report = story.at(20).report()
    assert (report.view, report.conflicts) == (ISOLATED, 5)


def test_a_split_begins_when_those_went_who_came_back_not_when_the_first_ever_did(story):
    story.at(1).dies("e", "abcd")  # dead for good
    story.at(5000).dies("d", "abc")
    story.at(5060).returns("d")
    report = story.at(5070).report()
    assert (report.lasted_s, report.missing) == (60, ("e",))


def test_who_says_goodbye_is_not_missed(story):
    story.at(1).dies("d", "abce")
    story.reunion.handle_left("d")
    assert story.at(10).report() is None


def test_what_was_before_those_of_this_split_went_is_not_in_its_report(story):
    story.at(1).dies("c", "ab")  # dead for good, while the cluster was small
    story.reunion.handle_view(MINORITY)
    story.reunion.handle_view(MAJORITY)
    story.at(5000).dies("e", "abdfg")
    story.at(5001).dies("d", "abfg")
    story.at(5060).returns("d")
    story.at(5061).returns("e")
    report = story.at(5070).report()
    assert (report.view, report.here, report.there) == (MAJORITY, ("a", "b", "f", "g"), ("d", "e"))
