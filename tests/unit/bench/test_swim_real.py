"""Both programs of the comparison read the same schedule, and figures are put side by side rightly."""

import json
import re
from dataclasses import fields
from pathlib import Path

from tests.bench.report import Options, Reporter
from tests.bench.swim_real.__main__ import parse, plan, report
from tests.bench.swim_real.compare import Findings
from tests.bench.swim_real.schedule import Schedule

PEER = Path(__file__).parents[2] / "bench" / "peers" / "memberlist"


def reported(capsys, unit, ours, theirs):
    reporter = Reporter("swim_real", Options(json=True, quick=False))
    report(reporter, "m", "m", unit, "", ours, theirs)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_the_go_program_knows_every_field_of_the_schedule():
    tags = set(re.findall(r'json:"(\w+)"', (PEER / "main.go").read_text()))
    assert tags == {field.name for field in fields(Schedule)}


def test_a_schedule_survives_the_command_line():
    schedule = plan(parse(["--members", "17", "--loss", "0.25"]))
    assert Schedule.load(schedule.dump()) == schedule
    assert (schedule.members, schedule.losses) == (17, (0.25,))


def test_a_time_is_the_median_beside_the_median_of_the_other(capsys):
    (line,) = reported(capsys, "s", Findings(values={"m": [1, 2, 9]}), Findings(values={"m": [4, 4, 5]}))
    assert (line["value"], line["baseline"], line["ratio"], line["p99"]) == (2, 4, 0.5, 9)
    assert line["ahead"] is True


def test_counts_are_summed_and_a_ratio_to_nothing_is_left_out(capsys):
    (line,) = reported(capsys, "count", Findings(values={"m": [1, 2]}), Findings(values={"m": [0]}))
    assert (line["value"], line["memberlist"], line["ahead"]) == (3, 0, False)
    assert "ratio" not in line


def test_without_the_other_system_there_is_no_ratio(capsys):
    (line,) = reported(capsys, "s", Findings(values={"m": [1]}), None)
    assert "ratio" not in line
    assert "ahead" not in line


def test_what_nobody_measured_is_not_reported(capsys):
    assert reported(capsys, "s", Findings(), None) == []


def test_the_other_system_alone_is_named(capsys):
    (line,) = reported(capsys, "s", Findings(), Findings(values={"m": [3]}))
    assert (line["value"], line["system"]) == (3, "memberlist")
