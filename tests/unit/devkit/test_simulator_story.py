"""Stories: acts in order, figures that fit together, the same again for the same seed."""

from __future__ import annotations

import gc
from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from caxton_node.devkit.simulator.picture import draw_report
from caxton_node.devkit.simulator.plan import Plan
from caxton_node.devkit.simulator.report import Report, Spread
from caxton_node.devkit.simulator.story import play

pytestmark = pytest.mark.story("018")

EVENTFUL = Plan(nodes=16, loss=0.1, kill=2, slow=0.1, partition_s=20, observe_s=5, seed=3)


@pytest.fixture(scope="module")
def report() -> Report:
    return play(EVENTFUL)


def test_acts_come_in_order(report: Report) -> None:
    assert [label for _, label in report.marks] == [
        "loss and slow nodes",
        "2 killed",
        "update",
        "partition",
        "healed",
    ]
    assert [at for at, _ in report.marks] == sorted(at for at, _ in report.marks)


def test_everybody_learns_of_every_crash(report: Report) -> None:
    assert report.deaths_known == report.deaths_due == 2 * 14
    assert report.first_knows is not None
    assert report.all_know is not None
    assert 0 < report.first_knows.median_s <= report.all_know.median_s <= report.all_know.worst_s
    assert report.knowledge[0][1] == 0
    assert report.knowledge[-1] == (pytest.approx(report.virtual_s), 1.0)
    shares = [share for _, share in report.knowledge]
    assert shares == sorted(shares)


def test_faults_cost_and_end(report: Report) -> None:
    assert 100 < report.quiet_bytes < 200
    assert report.fault_bytes is not None
    assert report.fault_bytes > report.quiet_bytes
    assert report.update_s is not None
    assert report.heal_s is not None


def test_traffic_is_sampled_every_second(report: Report) -> None:
    gaps = [b - a for (a, _), (b, _) in zip(report.traffic, report.traffic[1:], strict=False)]
    assert min(gaps) > 0.99
    assert max(gaps) < 1.2


def test_the_same_plan_gives_the_same_report(report: Report) -> None:
    assert replace(play(EVENTFUL), wall_s=0) == replace(report, wall_s=0)


def test_a_calm_story_has_no_faults_to_report() -> None:
    told: list[tuple[str, float]] = []
    report = play(Plan(nodes=8, observe_s=3), lambda act, now: told.append((act, now)))
    assert report.marks[0][1] == "update"
    assert (report.suspicions, report.false_deaths, report.deaths_due) == (0, 0, 0)
    assert (report.fault_bytes, report.heal_s, report.first_knows, report.join_s) == (None, None, None, None)
    assert [act for act, _ in told][:3] == ["quiet"] * 3
    assert gc.get_freeze_count() == 0, "what was taken from the collector was given back"


@pytest.mark.parametrize("profile", ["wan", "local"])
def test_nodes_join_and_notice_a_crash_in_every_profile(profile: str) -> None:
    report = play(Plan(nodes=9, kill=1, observe_s=3, joins=True, profile=profile))
    assert report.join_s is not None
    assert report.deaths_known == report.deaths_due == 8
    assert report.false_deaths == 0


def test_a_report_can_be_drawn(report: Report) -> None:
    texts = [element.text or "" for element in ET.fromstring(draw_report(report)).iter()]
    assert "Nodes that learn of 2 crashes" in texts
    assert "Bytes sent per node and second" in texts
    assert EVENTFUL.command in texts


def test_a_spread_of_nothing_is_none() -> None:
    assert Spread.of([]) is None
    assert Spread.of([3.0, 1.0, 2.0]) == Spread(2.0, 3.0)


@pytest.mark.parametrize("cut_s", [10, 30])
def test_what_a_cut_makes_nodes_believe_of_the_other_side_is_no_false_alarm(cut_s: float) -> None:
    report = play(Plan(nodes=10, partition_s=cut_s, observe_s=5, seed=1))
    assert (report.suspicions, report.false_deaths) == (0, 0)


def test_a_death_of_a_suspicion_across_the_cut_counts_as_the_cut() -> None:
    report = play(Plan(nodes=10, partition_s=10, observe_s=5, seed=1, joins=True))
    assert report.false_deaths == 0
