"""What a hostile neighbour may not do to others: lose, reorder or double a message of theirs.

How late they are beside it is measured by `tests.bench.hostile_neighbours`; time decides nothing here.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from caxton_node.fipa import Envelope, Performative
from tests.integration.runtime.hostile.neighbours import BEHAVIOURS, Behaviour, open_street
from tests.support.agents import NODE
from tests.support.data_plane import until

pytestmark = pytest.mark.story("016")

MESSAGES = 500
WORK = 5


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda behaviour: behaviour.name)
async def test_nothing_of_a_neighbour_is_lost_and_all_is_in_order(
    tmp_path: Path, behaviour: Behaviour
) -> None:
    async with open_street(tmp_path) as street:
        async with street.beside(behaviour):
            await until(lambda: street.work > 0)
            for number in range(MESSAGES):
                street.house.router.submit(
                    Envelope(Performative.INFORM, f"load@{NODE}", "near", str(number).encode(), "talk-1")
                )
                if number % 50 == 0:
                    await until(lambda sent=number: len(street.arrived) >= sent)
            await until(lambda: len(street.arrived) >= MESSAGES and street.work >= WORK, within_s=60)
        await until(lambda: street.house.router.counts().in_flight == 0, within_s=60)
        assert [int(content) for content in street.arrived] == list(range(MESSAGES))
        counts = street.house.router.counts()
        assert counts.accepted == counts.settled, counts
        restarts = [street.house.service.get(name).restarts for name in ("near", "far", "sink")]
        assert restarts == [0, 0, 0]
