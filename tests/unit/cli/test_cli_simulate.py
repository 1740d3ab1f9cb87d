"""`caxton-node simulate`: what it prints, draws and refuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from caxton_node.cli.failure import run
from caxton_node.cli.node import program

pytestmark = [pytest.mark.story("018"), pytest.mark.story("008")]

SHORT = ["--nodes", "12", "--kill", "1", "--seconds", "2s", "--seed", "5"]


def simulate(*options: str) -> int:
    return run(program, "caxton-node", ["simulate", *options])


def test_people_get_a_sheet_and_a_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "crash.svg"
    assert simulate(*SHORT, "--loss", "0.1", "--plot", str(picture)) == 0
    said = capsys.readouterr()
    assert said.out.startswith("12 nodes, lan profile, seed 5: ")
    for title in ("in calm", "with 10 % loss", "healthy nodes taken for dead", "all nodes know", "an update"):
        assert title in said.out
    assert "caxton-node simulate --nodes 12 --seed 5 --loss 0.1 --kill 1 --seconds 2" in said.out
    assert said.err == "", "progress is for terminals"
    assert ET.fromstring(picture.read_text()).tag.endswith("svg")


def test_programs_get_every_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(*SHORT, "--no-plot", "-o", "json") == 0
    data = json.loads(capsys.readouterr().out)
    assert data["plan"]["nodes"] == 12
    assert data["deaths_known"] == data["deaths_due"] == 11
    assert data["false_deaths"] == 0
    assert data["plot"] is None
    assert data["knowledge"][-1][1] == 1.0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "what", "hint"),
    [
        (["--loss", "10"], "10 is not a loss", "10 % is --loss 0.1"),
        (["--nodes", "1"], "1 nodes cannot be simulated", "--nodes 1000"),
        (["--kill", "99"], "99 of 100 nodes cannot be killed", "more --nodes"),
        (["--plot", "no/such/place.svg"], "no/such/place.svg cannot be written", "--no-plot"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(
    capsys: pytest.CaptureFixture[str], options: list[str], what: str, hint: str
) -> None:
    assert simulate(*options) == 2
    said = capsys.readouterr()
    assert what in said.err
    assert "why:" in said.err
    assert hint in said.err
    assert said.out == ""


def test_a_picture_that_cannot_be_written_costs_the_picture_and_not_the_figures(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert simulate(*SHORT, "--plot", "/dev/full") == 2
    said = capsys.readouterr()
    assert "/dev/full cannot be written" in said.err
    assert "why: No space left on device" in said.err
    assert said.out


def test_two_processes_tell_the_same_story() -> None:
    """Python orders sets differently in each process unless it is told how; nothing may depend on that."""

    def tell(order: str) -> dict:
        options = [*SHORT, "--loss", "0.2", "--slow", "0.1", "--no-plot", "-o", "json"]
        command = [sys.executable, "-m", "caxton_node.cli.node", "simulate", *options]
        told = subprocess.run(
            command, env={"PYTHONHASHSEED": order}, capture_output=True, text=True, timeout=100, check=True
        )
        return {name: value for name, value in json.loads(told.stdout).items() if name != "wall_s"}

    assert tell("1") == tell("2")


def test_a_word_that_is_no_number_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate("--nodes", "many") == 2
    assert "'many' is not a number" in capsys.readouterr().err
