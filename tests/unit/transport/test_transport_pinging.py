"""Who is pinged when."""

from __future__ import annotations

import pytest

from transport import Settings
from transport.pinging import is_ping_due

pytestmark = pytest.mark.story("019")

SETTINGS = Settings(ping_interval_s=2.0, silence_timeout_s=10.0)


@pytest.mark.parametrize(
    ("now", "heard_at", "pinged_at", "is_awaited", "is_due"),
    [
        pytest.param(1.9, 0.0, 0.0, True, False, id="heard of lately"),
        pytest.param(2.0, 0.0, 0.0, True, True, id="awaited and silent for the interval"),
        pytest.param(2.0, 0.0, 0.0, False, False, id="at rest: not yet"),
        pytest.param(4.0, 0.0, 0.0, False, True, id="at rest: after twice the interval"),
        pytest.param(9.0, 8.5, 1.0, True, False, id="traffic makes pings needless"),
        pytest.param(4.5, 0.0, 4.0, True, False, id="a ping is on its way"),
        pytest.param(5.0, 0.0, 4.0, False, True, id="no answer: again after half the interval"),
        pytest.param(5.0, 4.1, 4.0, True, False, id="it was answered"),
    ],
)
def test_only_silence_is_broken(
    now: float, heard_at: float, pinged_at: float, is_awaited: bool, is_due: bool
) -> None:
    due = is_ping_due(SETTINGS, now=now, heard_at=heard_at, pinged_at=pinged_at, is_awaited=is_awaited)
    assert due is is_due


@pytest.mark.parametrize("silence_timeout_s", [1.0, 4.0, 10.0, 60.0])
def test_two_pings_fit_before_silence_is_taken_for_death(silence_timeout_s: float) -> None:
    settings = Settings(ping_interval_s=silence_timeout_s / 5, silence_timeout_s=silence_timeout_s)
    heard_at, pinged_at, pings, now = 0.0, 0.0, 0, 0.0
    while now < silence_timeout_s:
        now += silence_timeout_s / 100
        if is_ping_due(settings, now=now, heard_at=heard_at, pinged_at=pinged_at, is_awaited=False):
            pings, pinged_at = pings + 1, now
    assert pings >= 2
