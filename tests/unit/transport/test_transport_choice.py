"""When `auto` moves a link to the other kind, and when it does not."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest

from transport.choice import KIB, MIB, QUIC, TCP, Choice, Limits, Move, Sample

pytestmark = pytest.mark.story("019")

LIMITS = Limits()
PERIOD_S = 0.5

IDLE = Sample(0.0, 0, 2, 0)
CALM = Sample(100 * KIB, 10 * KIB, 200, 0)
FULL = Sample(4 * MIB, 2 * MIB, 4000, 0)
FAST = Sample(20 * MIB, 0, 4000, 0)
SLOW_READER = Sample(200 * KIB, 4 * MIB, 200, 0)
FULL_BUT_LOSSY = Sample(4 * MIB, 2 * MIB, 4000, 40)
LOSSY = Sample(100 * KIB, 10 * KIB, 200, 3)
ONE_LOST_OF_FEW = Sample(1 * KIB, 0, 4, 1)
SILENT = Sample(0.0, 10 * KIB, 0, 0, 3)


def chosen(kind: str, *, at: float = 0.0, missed_quic: bool = False) -> Choice:
    choice = Choice(LIMITS)
    choice.begin(kind, "it came up", at, missed_quic=missed_quic)
    return choice


def shown(choice: Choice, samples: Iterable[Sample], *, since: float) -> Move | None:
    """Let periods pass; return the first move."""
    for number, sample in enumerate(samples):
        move = choice.judge(sample, since + number * PERIOD_S)
        if move is not None:
            return move
    return None


@pytest.mark.parametrize(
    ("kind", "sample", "goes_to"),
    [
        (QUIC, IDLE, None),
        (QUIC, CALM, None),
        (QUIC, FULL, TCP),
        (QUIC, FAST, TCP),
        (QUIC, SLOW_READER, None),
        (QUIC, FULL_BUT_LOSSY, None),
        (QUIC, LOSSY, None),
        (QUIC, SILENT, TCP),
        (TCP, IDLE, None),
        (TCP, CALM, None),
        (TCP, FULL, None),
        (TCP, FAST, None),
        (TCP, FULL_BUT_LOSSY, None),
        (TCP, LOSSY, QUIC),
        (TCP, ONE_LOST_OF_FEW, None),
        (TCP, SILENT, QUIC),
        ("memory", FULL, None),
        ("memory", SILENT, None),
    ],
)
def test_what_lasts_decides(kind: str, sample: Sample, goes_to: str | None) -> None:
    move = shown(chosen(kind), [sample] * 10, since=LIMITS.hold_s)
    assert (move.kind if move is not None else None) == goes_to


@pytest.mark.parametrize(
    ("kind", "sample", "periods"),
    [(QUIC, FULL, LIMITS.busy_periods), (TCP, LOSSY, LIMITS.lossy_periods)],
)
def test_one_period_less_does_not(kind: str, sample: Sample, periods: int) -> None:
    short, enough = chosen(kind), chosen(kind)
    assert shown(short, [sample] * (periods - 1) + [CALM] * 9, since=LIMITS.hold_s) is None
    assert shown(enough, [sample] * periods, since=LIMITS.hold_s) is not None


def test_the_reason_is_told_in_words() -> None:
    move = shown(chosen(QUIC), [FULL] * 10, since=LIMITS.hold_s)
    assert move == Move(TCP, "much to carry (4.2 MB/s, 2.1 MB waiting) on a clean path (0.00% lost)")
    move = shown(chosen(TCP), [LOSSY] * 10, since=LIMITS.hold_s)
    assert move == Move(QUIC, "TCP lost 1.5% of its packets")
    move = shown(chosen(QUIC), [SILENT], since=LIMITS.hold_s)
    assert move == Move(TCP, "3 pings over quic unanswered")


def test_nothing_moves_soon_after_a_move_but_for_silence() -> None:
    for kind, sample in ((QUIC, FULL), (TCP, LOSSY)):
        assert shown(chosen(kind), [sample] * 19, since=0.0) is None
    assert shown(chosen(QUIC), [SILENT], since=0.0) is not None


def test_few_packets_prove_nothing() -> None:
    choice = chosen(TCP)
    assert shown(choice, [ONE_LOST_OF_FEW] * 50, since=LIMITS.hold_s) is None
    assert choice.loss is None


def test_what_was_measured_on_one_link_is_not_held_against_the_next() -> None:
    choice = chosen(TCP)
    shown(choice, [LOSSY] * 2, since=LIMITS.hold_s)
    assert choice.loss == pytest.approx(0.015)
    choice.begin(TCP, "it came up again", 20.0)
    assert choice.loss is None
    assert shown(choice, [LOSSY] * 2, since=20.0 + LIMITS.hold_s) is None


def test_a_lossy_path_with_much_to_carry_does_not_swing() -> None:
    """QUIC hides nothing: loss it sees keeps the link where it is, and TCP stays barred longer each time."""
    choice, now, moves = chosen(QUIC), 0.0, []
    while now < 3600.0:
        now += PERIOD_S
        # the worst case: QUIC sees a clean path, TCP a lossy one
        move = choice.judge(FULL if choice.kind == QUIC else FULL_BUT_LOSSY, now)
        if move is not None:
            moves.append((now, move.kind))
            choice.begin(move.kind, move.why, now)
    stays_on_quic = [later - at for (at, kind), (later, _) in pairwise(moves) if kind == QUIC]
    assert len(moves) <= 2 * 8
    assert all(later >= 1.5 * earlier for earlier, later in pairwise(stays_on_quic))


def test_a_kind_that_could_not_be_reached_is_left_alone_for_a_while() -> None:
    choice = chosen(QUIC)
    assert shown(choice, [FULL] * 10, since=10.0) is not None
    choice.handle_failed(TCP, 20.0)
    assert shown(choice, [FULL] * 50, since=20.0) is None
    assert shown(choice, [FULL] * 10, since=20.0 + LIMITS.bar_s) is not None


def test_a_silent_path_is_not_left_for_one_that_failed() -> None:
    choice = chosen(QUIC)
    choice.handle_failed(TCP, 0.0)
    assert shown(choice, [SILENT] * 10, since=1.0) is None


def test_quic_is_tried_again_where_it_did_not_get_through() -> None:
    for missed, goes_to in ((True, QUIC), (False, None)):
        choice = chosen(TCP, missed_quic=missed)
        assert shown(choice, [IDLE], since=LIMITS.retry_s - 1) is None
        move = shown(choice, [IDLE], since=LIMITS.retry_s)
        assert (move.kind if move is not None else None) == goes_to


def test_a_try_that_failed_is_made_again_later() -> None:
    choice = chosen(TCP, missed_quic=True)
    assert shown(choice, [IDLE], since=LIMITS.retry_s) is not None
    choice.handle_failed(QUIC, LIMITS.retry_s)
    assert shown(choice, [IDLE], since=2 * LIMITS.retry_s - 1) is None
    assert shown(choice, [IDLE], since=2 * LIMITS.retry_s) is not None
