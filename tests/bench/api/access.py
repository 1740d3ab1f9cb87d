"""Who calls and what it may do: identity, whose answer is cached, and permission, in processor time.

The parts are those of a whole node in this process, so nothing is left out that a call would meet.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from time import thread_time

from caxton_node.api.authorising import authorise
from caxton_node.api.operations import BY_METHOD
from caxton_node.assembly.callers import make_identity
from caxton_node.security import Credentials
from tests.bench.api.place import Place
from tests.bench.report import Reporter
from tests.support.api import founder

CALLS, ROUNDS = 5_000, 7
OPERATION = BY_METHOD["CaxtonManagement/ListAgents"]


def run(reporter: Reporter, _place: Place) -> None:
    """Measure and print."""
    cost_us = asyncio.run(measure())
    reporter.emit(
        "authorise_cached",
        cost_us,
        "us",
        n=CALLS * ROUNDS,
        note="an API key that was seen before and one permission, processor time",
    )


async def measure() -> float:
    """Return what one caller costs, us: the best of several rounds."""
    with tempfile.TemporaryDirectory(prefix="caxton-bench-") as folder:
        async with founder(Path(folder) / "n1") as node:
            daemon = node.daemon
            identity = make_identity(daemon.ground, daemon.company, daemon.knowledge)
            credentials = Credentials(bearer=node.admin_token, source="127.0.0.1")
            request, rounds = OPERATION.request(), []
            for _ in range(ROUNDS):
                before = thread_time()
                for _ in range(CALLS):
                    principal = await identity.authenticate(credentials)
                    authorise(daemon.judgement.access, OPERATION, request, principal)
                rounds.append(thread_time() - before)
    return min(rounds) / CALLS * 1e6
