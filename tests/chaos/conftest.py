"""Nodes on hosts of their own for each scenario, and the figures of all scenarios at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.chaos.cluster import ChaosCluster
from tests.chaos.figures import Figures
from tests.support.tun_net import TunNet

NAMES = ("n1", "n2", "n3", "n4", "n5")
FIGURES = pytest.StashKey[Figures]()
FAILED = pytest.StashKey[bool]()


@pytest.fixture
def figures(request):
    """The figures of the run, with those of this scenario to be added."""
    kept = request.config.stash.setdefault(FIGURES, Figures())
    kept.scenario = request.node.name.removeprefix("test_").replace("_", " ")
    return kept


@pytest.fixture
def folder(request):
    """A place for the data of all nodes; KEEP=1 keeps that of scenarios that fail."""
    # Not pytest's own: a socket must not have a long path.
    path = Path(tempfile.mkdtemp(prefix="caxton-chaos-"))
    yield path
    if has_failed(request) and os.environ.get("KEEP"):
        print(f"kept: {path}")
    else:
        shutil.rmtree(path)


@pytest.fixture
def five(request, folder):
    """A cluster of five that see one another; what they saw is printed if the scenario fails."""
    with ChaosCluster(folder) as cluster:
        cluster.form(NAMES)
        yield cluster
        if has_failed(request):
            print(*sorted(cluster.diary.entries, key=lambda one: one.at_s), sep="\n")


@pytest.fixture
def three(request, folder):
    """A cluster of three on lines that can be as bad as one likes."""
    with ChaosCluster(folder, TunNet()) as cluster:
        cluster.form(NAMES[:3])
        yield cluster
        if has_failed(request):
            print(*sorted(cluster.diary.entries, key=lambda one: one.at_s), sep="\n")


def has_failed(request):
    return request.node.stash.get(FAILED, False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember of each test whether it failed, for the fixtures that are closed after it."""
    report = yield
    if call.when == "call":
        item.stash[FAILED] = report.failed
    return report


def pytest_terminal_summary(terminalreporter, config):
    """Print the figures, if scenarios ran."""
    kept = config.stash.get(FIGURES, None)
    if kept is None or not kept.noted:
        return
    terminalreporter.section("figures")
    for line in (*kept.table(), "", *kept.json_lines()):
        terminalreporter.write_line(line)
