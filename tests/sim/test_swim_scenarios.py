"""The benchmark of membership measures what it says, by both sets of rules."""

from __future__ import annotations

import json
import math

import pytest

from tests.bench.report import Options, Reporter
from tests.bench.swim_sim.__main__ import parse
from tests.bench.swim_sim.case import Case, Profile, Rules
from tests.bench.swim_sim.jobs import Job, Results, jobs_of, make_world, run_job
from tests.bench.swim_sim.plan import FULL, QUICK, cases_for
from tests.bench.swim_sim.plot import draw
from tests.bench.swim_sim.scenarios import SCENARIOS
from tests.bench.swim_sim.summary import Series, report

pytestmark = pytest.mark.story("018")

SMALL = {
    "life": Case("life", 12, 5),
    "quiet": Case("quiet", 12, 5),
    "burst": Case("burst", 8, 60),
    "storm": Case("storm", 12, 10, loss=0.1, slow=0.25),
    "deaf": Case("deaf", 12, 10),
    "heal": Case("heal", 12, 8),
}


@pytest.mark.parametrize("rules", Rules)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_runs_by_both_rules_and_gives_figures(scenario: str, rules: Rules) -> None:
    values, _ = run_job(Job(SMALL[scenario], rules, 3))
    assert values
    assert all(0 <= value < math.inf for measured in values.values() for value in measured)


@pytest.mark.parametrize("rules", Rules)
def test_a_run_repeats_itself(rules: Rules) -> None:
    job = Job(SMALL["storm"], rules, 5)
    assert run_job(job)[0] == run_job(job)[0]


@pytest.mark.parametrize("rules", Rules)
@pytest.mark.parametrize("profile", Profile)
def test_every_profile_notices_a_crash(profile: Profile, rules: Rules) -> None:
    world = make_world(Job(Case("life", 6, 1, profile=profile), rules, 1))
    world.start_formed(6)
    victim = world.some(1)[0]
    world.kill(victim)
    world.wait_until(lambda: len(world.seen.deaths_of(victim)) == 5, within_s=120)
    assert set(world.seen.deaths_of(victim)) == set(world.running)


def test_what_the_afflicted_say_and_what_is_said_of_them_is_no_false_death() -> None:
    values, _ = run_job(Job(Case("deaf", 12, 60), Rules.MEMBERLIST, 1))
    assert values == {"deaf_false_deaths": [0.0]}


def report_of(
    metric: str, ours: list[float], theirs: list[float], capsys: pytest.CaptureFixture[str]
) -> list:
    outcome = {Rules.CAXTON: Results(), Rules.MEMBERLIST: Results()}
    outcome[Rules.CAXTON].take({metric: ours}, 1.0)
    outcome[Rules.MEMBERLIST].take({metric: theirs}, 1.0)
    reporter = Reporter("swim_sim", Options(json=True, quick=False))
    report(Case("life", 64, 10, seeds=3), outcome, reporter, Rules.CAXTON)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_times_are_medians_and_counts_are_sums(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = report_of("detect_all", [8.0, 6.0, 7.0], [14.0, 10.0, 12.0], capsys)
    assert (line["value"], line["baseline"], line["ratio"], line["n"]) == (7.0, 12.0, 0.5833, 3)
    (line,) = report_of("false_deaths", [0.0, 1.0], [4.0, 6.0], capsys)
    assert (line["value"], line["baseline"], line["unit"]) == (1.0, 10.0, "count")


def test_of_joins_the_slowest_is_the_figure(capsys: pytest.CaptureFixture[str]) -> None:
    (line,) = report_of("join_all", [1.0, 3.0], [2.0, 40.0], capsys)
    assert (line["value"], line["baseline"]) == (3.0, 40.0)


def test_a_reference_that_never_gets_there_is_named_and_gives_no_ratio(
    capsys: pytest.CaptureFixture[str],
) -> None:
    (line,) = report_of("heal", [2.0], [math.inf], capsys)
    assert "ratio" not in line
    assert "not within the time in 1 of 1 runs" in line["note"]


def test_own_runs_that_do_not_get_there_are_counted_not_hidden(capsys: pytest.CaptureFixture[str]) -> None:
    missed, reached = report_of("heal", [2.0, math.inf], [4.0, 4.0], capsys)
    assert (missed["metric"], missed["value"]) == ("heal_missed", 1)
    assert (reached["metric"], reached["n"]) == ("heal", 1)


def test_options_choose_the_cases() -> None:
    assert cases_for(parse([])) == FULL
    assert cases_for(parse(["--quick"])) == QUICK
    assert [case.size for case in cases_for(parse(["--only", "quiet"]))] == [100, 300, 1000, 3000, 10_000]
    (case,) = cases_for(parse(["--nodes", "40", "--loss", "0.3", "--seeds", "5", "--seconds", "60"]))
    assert (case.scenario, case.size, case.loss, case.seeds, case.seconds) == ("storm", 40, 0.3, 5, 60)
    assert [case.scenario for case in cases_for(parse(["--burst", "9", "--deaf", "--partition", "5"]))] == [
        "burst",
        "heal",
        "deaf",
    ]
    assert {job.rules for job in jobs_of(case, [Rules.MEMBERLIST])} == {Rules.MEMBERLIST}


def test_the_plot_shows_every_size_of_both_rules() -> None:
    series = Series()
    for size, cost in ((100, 178.0), (10_000, 179.0)):
        results = Results()
        results.take({"quiet_bytes_per_node": [cost]}, 0.1)
        series.take(Case("quiet", size, 5), {Rules.CAXTON: results, Rules.MEMBERLIST: results})
    picture = draw(series.lines(), goal=200)
    assert picture.count("<circle") == 4
    assert "10,000 members: 179 B/s" in picture
