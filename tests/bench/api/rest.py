"""The same cheap call over REST, with a token over TLS, on one connection that is kept open."""

from __future__ import annotations

import http.client
import ssl
import time
from contextlib import closing
from statistics import median

from tests.bench.api import unary
from tests.bench.api.calls import Caller
from tests.bench.api.place import Place
from tests.bench.report import Reporter, percentile

PATH = "/api/v1/security/whoami"
CALLS = 300


def run(reporter: Reporter, place: Place) -> None:
    """Measure by turns with gRPC, and print."""
    trust = ssl.create_default_context(cadata=place.ca_pem.decode())
    connection = http.client.HTTPSConnection("127.0.0.1", place.rest_port, context=trust, timeout=10)
    rounds = 3 if reporter.options.quick else 7
    with (
        closing(connection),
        Caller(place.grpc.address, place.ca_pem, unary.METHOD, token=place.token) as grpc,
    ):
        in_turn(connection, place.token), grpc.in_turn(CALLS)
        windows = [(in_turn(connection, place.token), grpc.in_turn(CALLS)) for _ in range(rounds)]
    mine, theirs = zip(*windows, strict=True)
    p50_ms = median(percentile(window, 0.5) for window in mine)
    reporter.emit(
        "rest_unary",
        p50_ms,
        "ms",
        baseline=median(percentile(window, 0.5) for window in theirs),
        n=CALLS * rounds,
        p50=p50_ms,
        p99=median(percentile(window, 0.99) for window in mine),
        note="one client, WhoAmI by http.client, a token, TLS; baseline is our gRPC",
    )


def in_turn(connection: http.client.HTTPSConnection, token: str) -> list[float]:
    """Ask so many times, one after the other; return how long each took, sorted, in ms."""
    took_ms, headers = [], {"Authorization": f"Bearer {token}"}
    for _ in range(CALLS):
        before = time.perf_counter()
        connection.request("GET", PATH, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        took_ms.append((time.perf_counter() - before) * 1000)
        assert answer.status == 200, body
    return sorted(took_ms)
