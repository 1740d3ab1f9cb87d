"""What an agent makes others hold is bounded in bytes, whoever receives it and however that is spelled."""

from __future__ import annotations

import time

import pytest
import wasmtime

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.message import RECEIVERS_MAX
from caxton_node.messaging import Clients
from caxton_node.runtime import Limits
from tests.integration.runtime.hostile.arena import read_vitals
from tests.integration.runtime.hostile.building import frame, sends
from tests.support.data_plane import DataPlane
from tests.support.guests import wat

pytestmark = pytest.mark.story("016")

MIB = 2**20
MEGABYTE = b'"' + b"x" * (MIB - 2) + b'"'
HELD_MAX = 160 * MIB
"""The 64 MiB that may wait for one receiver, twice that for agents who can be paused, and some room."""
_RICH = Limits(fuel_per_message=10**9, wall_time_s=60.0, batch_max=1, memory_bytes=10 * MIB)


def _spellings(receiver: str) -> list[str]:
    return [f"{receiver}#{number}" for number in range(RECEIVERS_MAX)]


@pytest.mark.parametrize("receiver", ["directory", "busy"])
async def test_a_megabyte_to_every_spelling_of_one_receiver_does_not_fill_the_node(receiver: str) -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        plane.router.add_platform_agent("directory", lambda _envelope: None)
        busy = plane.add("busy", wat("relay"))
        plane.scheduler.detach(busy.slot)
        megabytes = frame(_spellings(receiver), MEGABYTE)
        hostile = plane.add("hostile", bytes(wasmtime.wat2wasm(sends(megabytes))), limits=_RICH)
        before = read_vitals()
        client.send(Envelope(Performative.REQUEST, None, "hostile", b"1", "talk-1"))
        # The loop stands still meanwhile, so that nobody empties the box of the platform agent.
        while not hostile.handled or plane.scheduler.load().running:
            time.sleep(0.001)  # noqa: ASYNC251  see above
        held = read_vitals().memory_bytes - before.memory_bytes
        assert held < HELD_MAX, f"{held / MIB:,.0f} MiB are held for one message of an agent of 10 MiB"
        plane.scheduler.attach(busy.slot)
        await plane.settled(30)
        counts = plane.router.counts()
        assert counts.accepted == counts.settled, counts
