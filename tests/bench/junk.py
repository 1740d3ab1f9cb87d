"""What a datagram that must not be used costs the node that gets it: CPU time until it is dropped.

    .venv/bin/python -m tests.bench.junk --json --quick

The whole core takes each datagram, as it does from a socket. `forged` and `forged_full` have everything that
an eavesdropper can copy (version, key id) under ever new sender ids, so that a subkey must be derived before
the tag can be found wrong: the most that an outsider can cause. `stale` is real traffic of an earlier life of
a member, which must be opened before it can be known. `baseline` is a genuine ping, handled and answered.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator, Sequence
from statistics import median

from swim import Drop, Identity, Keyring, Membership, Settings
from swim.effects import Send
from swim.keyring import FIRST_BYTE, PLAIN_BYTE
from tests.bench.report import Reporter, parse_options

CLUSTER, KEY = "bench", bytes(range(32))
ADDRESS, OTHER_ADDRESS = ("192.0.2.1", 7946), ("192.0.2.2", 7946)
PING_BYTES, FULL_BYTES = 57, Settings.lan().udp_bytes_max
LIMIT_US = 30.0

Make = Callable[[], Sequence[bytes]]


class Target:
    """A node that has one neighbour, whose datagrams are the genuine ones."""

    def __init__(self) -> None:
        self.now = 0.0
        self.node = _membership("target", ADDRESS, 1)
        former = _membership("neighbour", OTHER_ADDRESS, 1)
        self.stale = _pings(former, 2000)
        self.neighbour = _membership("neighbour", OTHER_ADDRESS, 2)
        self.handle(_pings(self.neighbour, 1)[0])

    def handle(self, datagram: bytes) -> None:
        """Take one datagram."""
        self.node.handle_datagram(datagram, OTHER_ADDRESS, self.now)

    def unused(self) -> int:
        """Return how many datagrams were dropped so far."""
        return sum(self.node.statistics.dropped[reason] for reason in Drop)

    def cost_us(self, datagrams: Sequence[bytes]) -> float:
        """Return the CPU time of one of these."""
        began = time.thread_time()
        for datagram in datagrams:
            self.handle(datagram)
        return (time.thread_time() - began) / len(datagrams) * 1e6


def _membership(node_id: str, address: tuple[str, int], epoch: int) -> Membership:
    core = Membership(
        Identity(node_id, address, epoch), Settings.lan(), Keyring(CLUSTER, [KEY]), random.Random(node_id)
    )
    core.start(0.0)
    return core


def _pings(core: Membership, count: int) -> list[bytes]:
    """Let a member ask its seed over and over; each datagram is sealed anew."""
    sent = (effect for _ in range(count) for effect in core.join([ADDRESS], 0.0))
    return [effect.datagram for effect in sent if isinstance(effect, Send)][:count]


def kinds(target: Target, count: int) -> Iterator[tuple[str, Make, str]]:
    """Yield name, maker and a note for each kind of junk."""
    genuine = _pings(target.neighbour, 1)[0]
    head = genuine[:14]  # version, key id, sender, epoch
    target.handle(genuine)

    def random_after(head: bytes, size: int) -> Make:
        return lambda: [head + os.urandom(size - len(head)) for _ in range(count)]

    yield "random", random_after(b"", PING_BYTES), "any bytes"
    yield "version", random_after(bytes([FIRST_BYTE]), PING_BYTES), "our version, else any bytes"
    yield "plain", random_after(bytes([PLAIN_BYTE]), PING_BYTES), "the plain form, where sealing is required"
    yield "forged", random_after(head[:2], PING_BYTES), "right key id, a new sender each"
    yield "forged_full", random_after(head[:2], FULL_BYTES), "the same at full size"
    yield "tampered", random_after(head, PING_BYTES), "a known sender, wrong tag"
    yield "replayed", lambda: [genuine] * count, "a genuine datagram, again"
    yield "stale", lambda: (target.stale * (count // len(target.stale) + 1))[:count], "of an earlier life"


def main() -> None:
    """Measure every kind in turn, round after round, and print the median of the rounds."""
    options = parse_options("junk")
    report = Reporter("junk", options)
    rounds, count = (5, 2000) if options.quick else (15, 10_000)
    target = Target()
    costs: dict[str, list[float]] = {}
    notes: dict[str, str] = {}
    genuine: list[float] = []
    for _ in range(rounds):
        genuine.append(target.cost_us(_pings(target.neighbour, count)))
        for name, make, note in kinds(target, count):
            datagrams, before = make(), target.unused()
            costs.setdefault(name, []).append(target.cost_us(datagrams))
            notes[name] = note
            assert target.unused() - before == count, f"{name}: not every datagram was dropped"
    for name, found in costs.items():
        report.emit(
            f"junk_{name}", median(found), "us", baseline=median(genuine), n=count * rounds,
            p50=median(found), p99=max(found), limit=LIMIT_US, note=notes[name],
        )  # fmt: skip


if __name__ == "__main__":
    main()
