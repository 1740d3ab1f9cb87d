"""What must hold whenever a disturbance is over, whatever it was."""

from __future__ import annotations

import time
from collections.abc import Collection

from tests.chaos.cluster import ChaosCluster
from tests.chaos.diary import ALIVE, DIED, SUSPECTED
from tests.chaos.figures import Figures

HEAL_S = 15.0
"""What is promised; `WAIT_S` is how long it is waited, so that a late reunion is told as a figure."""
WAIT_S = 60.0
AFTERMATH_S = 30.0
"""Longer than any suspicion lasts here, so that whatever the reunion began has come to its end."""


def check_reunion(
    cluster: ChaosCluster, figures: Figures, over_s: float, names: Collection[str], *, what: str = "heal"
) -> None:
    """Wait until all see all again, watch what comes after, and note both.

    Args:
        cluster: Undisturbed from now on.
        figures: Of the run.
        over_s: When the disturbance ended, seconds since 1970.
        names: Members that run.
        what: How its end is called.
    """
    cluster.wait_agreed(names, names, ALIVE, within_s=WAIT_S)
    settled_s = cluster.diary.agreed_at(names, names, ALIVE, since_s=over_s)
    assert settled_s is not None
    cluster.hold(max(over_s + AFTERMATH_S, time.time()))
    false_deaths = [one for one in cluster.diary.find(DIED, since_s=over_s) if one.subject in names]
    suspicions = cluster.diary.find(SUSPECTED, since_s=over_s)
    figures.note(f"{what} until all see all alive", settled_s - over_s, "s", limit=HEAL_S)
    figures.note(f"suspicions told after the {what}", len(suspicions), "events")
    figures.note(f"false deaths after the {what}", len(false_deaths), "events", limit=0)
    assert cluster.diary.agree(names, names, ALIVE)
