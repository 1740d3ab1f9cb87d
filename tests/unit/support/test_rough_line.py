"""What a rough line does to packets: as often, as late and in that order, as it was told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from tests.support.packets import Packet, read_packet
from tests.support.rough_line import PERFECT, UDP, Conditions, Kind, RoughLine, kind_of_datagram

pytestmark = pytest.mark.story("019")

COUNT = 20_000


def arrivals(
    conditions: Conditions, *, seed: int = 7, every_s: float = 0.001, size: int = 1000
) -> list[float]:
    line = RoughLine(conditions, seed)
    found = [line.admit(size, Kind.QUIC, number * every_s) for number in range(COUNT)]
    assert line.passed + line.lost == COUNT
    return [at for one in found for at in one]


def test_a_perfect_line_delivers_at_once() -> None:
    assert arrivals(PERFECT) == [number * 0.001 for number in range(COUNT)]


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.3])
def test_the_share_that_is_lost_is_the_one_asked_for(loss: float) -> None:
    assert 1 - len(arrivals(Conditions(loss=loss))) / COUNT == pytest.approx(loss, rel=0.1)


def test_a_seed_means_the_same_losses_whatever_else_is_on() -> None:
    bare = arrivals(Conditions(loss=0.05))
    late = arrivals(Conditions(loss=0.05, delay_s=0.5))
    assert [at + 0.5 for at in bare] == pytest.approx(late)
    assert arrivals(Conditions(loss=0.05), seed=8) != bare


def test_jitter_and_a_delay_that_is_lowered_keep_the_order() -> None:
    line = RoughLine(Conditions(delay_s=0.1, jitter_s=0.05), 1)
    found = [line.admit(100, Kind.TCP, number * 0.001)[0] for number in range(1000)]
    line.conditions = PERFECT
    found += [line.admit(100, Kind.TCP, 1 + number * 0.001)[0] for number in range(1000)]
    assert found == sorted(found)
    assert found[-1] == 1.999


def test_some_are_overtaken_and_some_come_twice_if_that_is_asked_for() -> None:
    disorder = arrivals(Conditions(reorder=0.1, reorder_s=0.01))
    overtaken = sum(later < earlier for earlier, later in pairwise(disorder))
    assert overtaken / COUNT == pytest.approx(0.09, rel=0.1)  # two held back in a row keep their order
    twice = arrivals(Conditions(duplicate=0.1))
    assert len(twice) / COUNT == pytest.approx(1.1, rel=0.02)


def test_a_rate_spreads_a_burst_and_a_full_queue_drops_the_rest() -> None:
    line = RoughLine(Conditions(rate_bytes_s=100_000, queue_s=0.1), 1)
    found = [at for _ in range(100) for at in line.admit(1000, Kind.TCP, 0.0)]
    assert found == pytest.approx([0.01 * (number + 1) for number in range(11)])
    assert (line.passed, line.lost) == (11, 89)


def test_a_kind_that_is_blocked_vanishes_and_the_others_pass() -> None:
    line = RoughLine(PERFECT.blocking(UDP), 1)
    assert [line.admit(100, kind, 0.0) for kind in (Kind.TCP, Kind.QUIC, Kind.GOSSIP)] == [(0.0,), (), ()]


def test_what_differs_from_a_perfect_line_is_all_that_is_written() -> None:
    bad = Conditions(delay_s=0.01, loss=0.05).blocking(frozenset({Kind.QUIC}))
    assert bad.write() == {"delay_s": 0.01, "loss": 0.05, "blocks": ["quic"]}
    for conditions in (bad, PERFECT, replace(bad, rate_bytes_s=1e6)):
        assert Conditions.read(conditions.write()) == conditions


def test_gossip_is_told_from_quic_by_its_first_byte() -> None:
    assert [kind_of_datagram(bytes([first])) for first in (0x00, 0x3F, 0x40, 0xC0)] == [
        Kind.GOSSIP, Kind.GOSSIP, Kind.QUIC, Kind.QUIC,
    ]  # fmt: skip


def ipv4(protocol: int, payload: bytes, options: int = 0) -> bytes:
    head = bytes([0x45 + options, 0]) + bytes(7) + bytes([protocol]) + bytes(2)
    return head + bytes([10, 78, 0, 1]) + bytes([10, 78, 0, 2]) + bytes(4 * options) + payload


@pytest.mark.parametrize("options", [0, 3])
def test_a_packet_is_read_by_its_addresses_and_what_it_carries(options: int) -> None:
    for protocol, payload, kind in (
        (6, bytes(20), Kind.TCP),
        (17, bytes(8) + b"\x41data", Kind.QUIC),
        (17, bytes(8) + b"\x01data", Kind.GOSSIP),
        (1, bytes(8), Kind.OTHER),
    ):
        assert read_packet(ipv4(protocol, payload, options)) == Packet(1, 2, kind)


@pytest.mark.parametrize("data", [b"", bytes(19), b"\x60" + bytes(60)])
def test_what_is_not_ipv4_is_no_packet(data: bytes) -> None:
    assert read_packet(data) is None
