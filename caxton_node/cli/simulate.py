"""`caxton-node simulate`: what a cluster of any size would do, in virtual time on this machine."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from caxton_node.cli.output import Output
from caxton_node.cli.types import Count, Duration
from caxton_node.core.errors import InvalidArgument

if TYPE_CHECKING:
    from caxton_node.devkit.simulator.report import Report

EXAMPLE = "caxton-node simulate --nodes 1000 --loss 0.1 --kill 50 --seed 7"
SHOWN_EVERY_S = 0.2
SEALED_MAX = 256
"""Nodes up to which datagrams are encrypted; it changes no figure, and memory decides beyond."""


@click.command("simulate", epilog=f"Example: {EXAMPLE}")
@click.option("--nodes", type=Count(), default=100, show_default=True, help="Nodes in the cluster.")
@click.option("--loss", type=float, default=0.0, help="Share of all datagrams to lose; 10 % is 0.1.")
@click.option("--kill", type=Count(), default=0, help="Nodes that crash, all at one moment.")
@click.option("--slow", type=float, default=0.0, help="Share of nodes that stand still 8 s out of 10.")
@click.option("--partition", type=Duration(), default=0.0, help="Cut the cluster into halves for this time.")
@click.option(
    "--seconds", type=Duration(), default=20.0, help="How long to watch calm and faults. [default: 20s]"
)
@click.option("--seed", type=Count(), default=1, show_default=True, help="Decides all that is chance.")
@click.option(
    "--profile",
    type=click.Choice(["lan", "wan", "local"]),
    default="lan",
    show_default=True,
    help="Settings, and the delays of the network.",
)
@click.option(
    "--pace",
    type=click.Choice(["fast", "default", "tolerant"]),
    default="default",
    show_default=True,
    help="How soon suspects are given up.",
)
@click.option("--join", is_flag=True, help="Join all nodes through the first; else they start in agreement.")
@click.option(
    "--plot",
    type=click.Path(dir_okay=False, path_type=Path),
    default="simulation.svg",
    show_default=True,
    help="Where to draw what happened.",
)
@click.option("--no-plot", is_flag=True, help="Draw nothing.")
@click.option("-o", "--output", type=click.Choice(["table", "json"]), default="table", help="How to print.")
def simulate(
    *,
    nodes: int,
    loss: float,
    kill: int,
    slow: float,
    partition: float,
    seconds: float,
    seed: int,
    profile: str,
    pace: str,
    join: bool,
    plot: Path,
    no_plot: bool,
    output: str,
) -> None:
    """Play a story with a simulated cluster: calm, faults, crashes, an update, a partition, healing.

    Every node runs the real membership and encodes and decodes every datagram; time, chance and the network
    are simulated. The same options give the same run.
    """
    from caxton_node.cli.simulate_sheet import show_report
    from caxton_node.devkit.simulator.plan import Plan
    from caxton_node.devkit.simulator.story import play

    plan = Plan(
        nodes=nodes,
        seed=seed,
        loss=loss,
        kill=kill,
        slow=slow,
        partition_s=partition,
        observe_s=seconds,
        profile=profile,
        pace=pace,
        joins=join,
        sealed=nodes <= SEALED_MAX,
    )
    target = None if no_plot else plot
    if target is not None:
        _check_target(target)
    report = play(plan, _progress_line(nodes))
    _clear_line()
    show_report(Output(output), report, target)
    if target is not None:
        _draw(report, target)


def _check_target(target: Path) -> None:
    """Refuse a picture that could not be written, before the work is done."""
    folder = target.parent
    if not folder.is_dir():
        raise _unwritable(target, f"there is no directory {folder}")
    if not os.access(target if target.exists() else folder, os.W_OK):
        raise _unwritable(
            target, f"this user may not write {target if target.exists() else 'in ' + str(folder)}"
        )


def _draw(report: Report, target: Path) -> None:
    from caxton_node.devkit.simulator.picture import draw_report

    try:
        target.write_text(draw_report(report))
    except OSError as err:
        raise _unwritable(target, err.strerror or str(err)) from err


def _unwritable(target: Path, why: str) -> InvalidArgument:
    return InvalidArgument(f"{target} cannot be written", why=why, hint="--plot FILE, or --no-plot")


def _progress_line(nodes: int) -> Callable[[str, float], None]:
    """Return what keeps one line of a terminal up to date; it says nothing where nobody looks."""
    began = shown = time.monotonic()
    is_seen = sys.stderr.isatty()

    def show(act: str, now: float) -> None:
        nonlocal shown
        if not is_seen or time.monotonic() - shown < SHOWN_EVERY_S:
            return
        shown = time.monotonic()
        line = f"{nodes:,} nodes, {now:.0f} s of theirs in {shown - began:.0f} s: {act}"
        click.echo(f"\r\x1b[K{line}", err=True, nl=False)

    return show


def _clear_line() -> None:
    if sys.stderr.isatty():
        click.echo("\r\x1b[K", err=True, nl=False)
