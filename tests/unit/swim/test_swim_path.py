"""How many pings a probe may need, how long to wait between them, and how long flapping is remembered."""

import pytest

from swim.flapping import HALF_LIFE_S, MEMBERS_MAX, WEIGHT_MAX, Flaps
from swim.path import TRIES_MAX, TRIES_MIN, Path

pytestmark = pytest.mark.story("018")


def path_with(unanswered: float) -> Path:
    path = Path()
    path.unanswered = unanswered
    return path


@pytest.mark.parametrize(
    ("loss_each_way", "tries"), [(0.0, 2), (0.05, 2), (0.1, 3), (0.2, 5), (0.3, 6), (0.5, 6), (1.0, 6)]
)
def test_so_many_pings_that_one_healthy_member_in_a_hundred_answers_none(loss_each_way, tries):
    unanswered = 1 - (1 - loss_each_way) ** 2
    assert path_with(unanswered).tries() == tries
    assert TRIES_MIN <= tries <= TRIES_MAX
    assert unanswered**tries < 0.01 or tries == TRIES_MAX


def test_loss_is_learned_within_half_a_minute_and_forgotten_again():
    path = Path()
    for number in range(32):
        path.count_ping(answered=number % 2 == 0)
    assert path.unanswered == pytest.approx(0.5, abs=0.1)
    assert path.is_lossy
    for _ in range(64):
        path.count_ping(answered=True)
    assert path.unanswered < 0.02
    assert not path.is_lossy
    assert path.tries() == TRIES_MIN


def test_pings_are_spread_over_the_time_but_never_sent_before_an_answer_could_be_there():
    path = Path()
    assert path.pause_s(0.43, 2) == pytest.approx(0.215)
    assert path.pause_s(0.43, 6) == pytest.approx(0.43 / 6)
    for _ in range(50):
        path.count_rtt(0.15)
    assert path.rtt_s == pytest.approx(0.15)
    assert path.pause_s(0.43, 6) == pytest.approx(0.15, abs=0.01)
    assert path.pause_s(0.43, 2) == pytest.approx(0.215)


def test_a_path_that_varies_gets_more_patience_up_to_half_the_time():
    path = Path()
    for number in range(50):
        path.count_rtt(0.02 if number % 2 else 0.4)
    assert path.pause_s(0.43, 6) == pytest.approx(0.215)


def test_refutations_weigh_up_to_three_and_half_as_much_after_a_minute():
    flaps = Flaps()
    for _ in range(5):
        flaps.note(b"a", 10.0)
    assert flaps.weight(b"a", 10.0) == WEIGHT_MAX
    assert flaps.weight(b"a", 10.0 + HALF_LIFE_S) == pytest.approx(WEIGHT_MAX / 2)
    assert flaps.weight(b"b", 10.0) == 0


def test_who_flapped_longest_ago_is_forgotten_first():
    flaps = Flaps()
    for number in range(MEMBERS_MAX):
        flaps.note(b"%d" % number, 1.0)
    flaps.note(b"0", 1.0)
    flaps.note(b"new", 1.0)
    assert flaps.weight(b"1", 1.0) == 0
    assert flaps.weight(b"0", 1.0) > 1
