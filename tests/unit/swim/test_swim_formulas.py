"""The small rules with numbers: suspicion, local health, windows, cooldown, settings."""

from __future__ import annotations

import pytest

from swim.awareness import Awareness
from swim.cooldown import SUBJECTS_MAX, Cooldown
from swim.errors import InvalidSettings
from swim.settings import Pace, Settings
from swim.suspicion import Suspicion, bounds, timeout
from swim.window import Window

pytestmark = pytest.mark.story("018")


@pytest.mark.scenario(41)
@pytest.mark.parametrize(("confirmations", "seconds"), [(0, 30.0), (1, 16.0), (2, 7.81), (3, 2.0), (9, 2.0)])
def test_confirmations_bring_the_end_nearer(confirmations: int, seconds: float) -> None:
    assert timeout(confirmations, 3, 2.0, 30.0) == pytest.approx(seconds, abs=0.01)


@pytest.mark.scenario(43)
def test_without_enough_others_the_shortest_time_holds() -> None:
    assert timeout(0, 0, 2.0, 30.0) == 2.0


@pytest.mark.parametrize(
    ("live", "shortest", "wanted"), [(2, 4, 0), (4, 4, 0), (5, 4, 3), (10, 4, 3), (100, 8, 3), (1000, 12, 3)]
)
def test_the_shortest_time_grows_with_the_logarithm_of_the_cluster(
    live: int, shortest: float, wanted: int
) -> None:
    assert bounds(Settings.lan(Pace.TOLERANT), live) == pytest.approx((shortest, 5 * shortest, wanted))


def test_an_unwell_accuser_takes_its_time() -> None:
    assert bounds(Settings.lan(Pace.TOLERANT), 10, health=4)[0] == pytest.approx(8)


def suspicion(accusers: list[bytes]) -> Suspicion:
    return Suspicion(1, accusers, 100.0, shortest=2.0, longest=30.0, wanted=3)


@pytest.mark.scenario(42)
def test_an_accuser_counts_once() -> None:
    case = suspicion([b"aaaa", b"aaaa"])
    assert case.deadline == 130.0
    assert not case.add([b"aaaa"])
    assert case.add([b"bbbb"])
    assert case.deadline == pytest.approx(116.0)


@pytest.mark.scenario(10)
def test_accusers_beyond_those_wanted_are_neither_kept_nor_news() -> None:
    case = suspicion([b"aaaa", b"bbbb", b"cccc", b"dddd"])
    assert case.deadline == 102.0
    assert not case.add([b"eeee"])
    assert len(case.accusers) == 4


def test_a_postponed_end_is_not_moved_by_accusers() -> None:
    case = suspicion([b"aaaa"])
    case.postpone(200.0)
    case.add([b"bbbb", b"cccc", b"dddd"])
    assert case.deadline == 200.0


@pytest.mark.scenario(37)
def test_local_health_stays_within_its_bounds() -> None:
    health = Awareness(8)
    health.improve()
    assert (health.score, health.stretch(0.5)) == (0, 0.5)
    health.worsen(3)
    assert (health.score, health.stretch(0.5)) == (3, 2.0)
    health.worsen(30)
    assert health.score == 8
    health.improve()
    assert health.score == 7


def test_a_window_accepts_each_number_once_in_any_order() -> None:
    window = Window(64)
    for number in (5, 1, 4, 100, 60):
        assert window.is_new(number)
        window.mark(number)
        assert not window.is_new(number)


def test_a_window_takes_what_is_too_old_for_seen() -> None:
    window = Window(64)
    window.mark(100)
    assert window.is_new(37)
    assert not window.is_new(36)
    window.mark(10_000)
    assert not window.is_new(100)
    assert window.is_new(9_999)


def test_a_cooldown_allows_one_reaction_per_subject_and_period() -> None:
    cooldown = Cooldown(1.0)
    assert cooldown.is_ready(b"a", 10.0)
    assert not cooldown.is_ready(b"a", 10.9)
    assert cooldown.is_ready(b"b", 10.9)
    assert cooldown.is_ready(b"a", 11.0)


def test_a_cooldown_forgets_the_oldest_subject_when_it_is_full() -> None:
    cooldown = Cooldown(1.0)
    for number in range(SUBJECTS_MAX + 1):
        cooldown.is_ready(b"%d" % number, 10.0)
    assert cooldown.is_ready(b"0", 10.1)
    assert not cooldown.is_ready(b"%d" % SUBJECTS_MAX, 10.1)


@pytest.mark.parametrize("profile", [Settings.lan(), Settings.wan(), Settings.local()])
def test_the_profiles_are_sound(profile: Settings) -> None:
    assert profile.udp_bytes_max == 1232
    assert profile.probe_timeout_s < profile.probe_interval_s


@pytest.mark.parametrize(
    "change",
    [
        {"probe_timeout_s": 1.0},
        {"probe_timeout_s": 0.0},
        {"gossip_interval_s": 0.0},
        {"knock_interval_s": 0.0},
        {"helpers": 0},
        {"suspicion_multiplier": 0.5},
        {"confirmations": 9},
        {"health_max": 17},
        {"retransmit_extra": 0},
        {"topic_share": 0.9},
        {"datagram_bytes_max": 1000},
        {"metadata_bytes_max": 513},
        {"payload_bytes_max": 920},
        {"members_max": 0},
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(InvalidSettings, match=next(iter(change))):
        Settings(**change)  # type: ignore[arg-type]  # a table of floats and ints
