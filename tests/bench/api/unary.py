"""One cheap call over gRPC with a token over TLS: how long, how many, against a bare echo in the same run.

Node and echo are measured by turns in short windows, since neighbours disturb; the figure is the median of
the windows. `grpc_cpu` is what a call costs the server's process, which is the same on a busy machine.
"""

from __future__ import annotations

from statistics import median

from tests.bench.api import echo
from tests.bench.api.calls import AT_ONCE, Caller
from tests.bench.api.place import Place, Server
from tests.bench.report import Reporter, percentile

METHOD = "/caxton.v1.AccessKeyService/WhoAmI"


def run(reporter: Reporter, place: Place) -> None:
    """Measure and print."""
    quick = reporter.options.quick
    with (
        Caller(place.grpc.address, place.ca_pem, METHOD, token=place.token) as ours,
        Caller(place.echo.address, place.ca_pem, echo.METHOD, token=place.token) as bare,
    ):
        for caller in (ours, bare):
            caller.in_turn(200)
        latency(reporter, ours, bare, rounds=3 if quick else 7)
        throughput(reporter, place, ours, bare, rounds=4 if quick else 9)


def latency(reporter: Reporter, ours: Caller, bare: Caller, rounds: int) -> None:
    """Print how long a call takes for one client."""
    windows = [(ours.in_turn(300), bare.in_turn(300)) for _ in range(rounds)]
    mine, theirs = zip(*windows, strict=True)
    reporter.emit(
        "grpc_unary",
        median(percentile(window, 0.5) for window in mine),
        "ms",
        baseline=median(percentile(window, 0.5) for window in theirs),
        n=300 * rounds,
        p50=median(percentile(window, 0.5) for window in mine),
        p99=median(percentile(window, 0.99) for window in mine),
        note=f"one client, {METHOD.rpartition('/')[2]}, a token, TLS; baseline is the bare echo",
    )


def throughput(reporter: Reporter, place: Place, ours: Caller, bare: Caller, rounds: int) -> None:
    """Print how many calls a second are answered, and what each costs the server."""
    mine: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    calls = 0
    for number in range(rounds):
        sides = [(ours, place.grpc, mine), (bare, place.echo, theirs)]
        for caller, server, figures in sides if number % 2 else reversed(sides):
            done, rps, cpu_us = window(caller, server)
            figures.append((rps, cpu_us))
            calls += done
    note = f"{AT_ONCE} calls under way; baseline is the bare echo"
    for metric, unit, at in (("grpc_rps", "1/s", 0), ("grpc_cpu", "us", 1)):
        value, baseline = (median(one[at] for one in figures) for figures in (mine, theirs))
        reporter.emit(metric, value, unit, baseline=baseline, n=calls, note=note)


def window(caller: Caller, server: Server, seconds: float = 1.0) -> tuple[int, float, float]:
    """Return how many calls were answered, per second, and what one cost the server, us."""
    before = server.cpu_s()
    made, took_s = caller.at_once(seconds)
    return made, made / took_s, (server.cpu_s() - before) / made * 1e6
