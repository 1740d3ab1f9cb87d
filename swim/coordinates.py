"""Network coordinates: how far apart two members are, without measuring every pair.

Each node keeps a place in a made-up space in which distance is round-trip time. Every ack brings the place
of its sender, and the time that the ack took says whether the two places are too near or too far: the node
moves a part of the difference away or nearer, a larger part the less sure it is and the surer the other
says to be. The *height* stands for the link between a member and the network, which every packet crosses
whatever its direction. With that, four dimensions are enough; places need no map and no landmark.

    distance = |a - b| + height(a) + height(b)

On the wire a place has 12 bytes: four coordinates and the height in milliseconds, and the error, each as an
IEEE half float. That keeps 11 bits: 0.05 % of each number from microseconds up to a minute. It is relative to
the place, not to the distance, so neighbours within 0.3 ms of each other that lie 100 ms from the centre are
told apart to about 0.1 ms. Gravity keeps a cluster around the centre, where the numbers are finest.

Nobody is trusted. What is not a possible place is refused; a round trip is the median of the last three with
that peer; a difference counts up to three times the usual one, so a liar that is heard as rarely as everybody
else is outvoted (one of 25 that claims random places makes the others' distances 0.5 % wrong on a line and
13 % on a LAN of 0.3 ms; uncut, 50 % and 2,400 %); and no observation moves a node by more than `STEP_MAX_S`.

Rejected after measuring on lines, grids, clusters and random matrices, with and without jitter: eight
dimensions (within a fifth, for twice the bytes); serf's adjustment term (better without jitter, worse with it
on five of six); serf's rule for the height, which multiplies it and so hardly leaves a small one (twice as
wrong on a LAN, on two clusters and on random matrices, a tenth better on a grid).

Source: Dabek, Cox, Kaashoek, Morris, "Vivaldi" (2004); Ledlie, Gardner, Seltzer, "Network Coordinates in the
Wild" (2007), for the filter and gravity; hashicorp/serf `coordinate`.
"""

from __future__ import annotations

import math
import random
import struct
from dataclasses import dataclass
from statistics import median_low

from swim.errors import Malformed

WIRE = struct.Struct(">6e")
"""Four coordinates and the height in milliseconds, then the error."""
COORDINATE_BYTES = WIRE.size
DIMENSIONS = 4
HEIGHT_MIN_S = 10e-6
ERROR_MAX = 1.5
"""Error of a node that knows nothing; errors are shares of the round trip."""
RANGE_S = 10.0
"""Longest round trip taken in, and farthest that a coordinate may lie from the centre."""
STEP_MAX_S = 0.025
"""Farthest that one observation moves a node."""
FILTER_SAMPLES = 3
ERROR_SHARE = 0.25
STEP_SHARE = 0.25
HEIGHT_SHARE = 0.25
"""Part of a step that the height takes besides."""
SURPRISE_WEIGHT = 0.1
SURPRISES_MAX = 3
"""Differences beyond so many usual ones count as so many."""
GRAVITY = 1 / 150
"""One step falls by the square of this times the distance from the centre, both in seconds."""
_NEAR_S = 1e-6
"""Places closer than this lie on each other; shorter round trips count as this long."""

Position = tuple[float, float, float, float]
_CENTRE: Position = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Coordinate:
    """Where a node believes it is.

    Attributes:
        position_s: Place in the plane of the network, each axis in seconds.
        height_s: Distance from that plane.
        error: How wrong distances from here are, as a share of the round trip: 0 to `ERROR_MAX`.
    """

    position_s: Position = _CENTRE
    height_s: float = HEIGHT_MIN_S
    error: float = ERROR_MAX

    def encode(self) -> bytes:
        """Return the twelve bytes for the wire, rounded to 11 bits each."""
        return WIRE.pack(*(1000 * axis for axis in self.position_s), 1000 * self.height_s, self.error)

    @classmethod
    def decode(cls, data: bytes) -> Coordinate:
        """Return the coordinate in twelve bytes.

        Raises:
            Malformed: The peer's fault: not twelve bytes, or no place that a node can be at.
        """
        if len(data) != COORDINATE_BYTES:
            raise Malformed(f"a coordinate has {COORDINATE_BYTES} bytes, not {len(data)}")
        x, y, z, w, height, error = WIRE.unpack(data)
        position: Position = (x / 1000, y / 1000, z / 1000, w / 1000)
        # NaN and the infinities fail these comparisons too
        if not all(abs(axis) <= RANGE_S for axis in position):
            raise Malformed(f"position {position} is farther than {RANGE_S} s from the centre")
        if not (0 <= height <= 1000 * RANGE_S and 0 <= error <= ERROR_MAX):
            raise Malformed(f"height {height} ms or error {error} is out of range")
        return cls(position, height / 1000, error)


def distance_s(a: Coordinate, b: Coordinate) -> float:
    """Return the estimated round trip between two nodes in seconds."""
    return math.dist(a.position_s, b.position_s) + a.height_s + b.height_s


class Vivaldi:
    """One node's coordinate, moved by every round trip that it measures.

    Args:
        rng: Chance; used only to part two nodes that lie on each other.
        peers_max: Peers whose last round trips are remembered; beyond it the one heard longest ago goes.

    Attributes:
        coordinate: Where this node is now.
        refused: Round trips that were not used because they are impossible.
    """

    def __init__(self, rng: random.Random, *, peers_max: int) -> None:
        self.coordinate = Coordinate()
        self.refused = 0
        self._rng = rng
        self._peers_max = peers_max
        self._samples: dict[bytes, tuple[float, ...]] = {}
        self._usual_s = STEP_MAX_S / STEP_SHARE

    def observe(self, key: bytes, peer: Coordinate, rtt_s: float) -> bool:
        """Move a little after a round trip to a peer that says where it is.

        Args:
            key: The peer, to tell its round trips from those of others.
            peer: Its coordinate.
            rtt_s: Round trip in seconds, as this node has measured it.

        Returns:
            Whether it was used: a negative round trip or one above `RANGE_S` is not, nor is NaN.
        """
        if not 0 <= rtt_s <= RANGE_S:
            self.refused += 1
            return False
        rtt_s = max(_NEAR_S, self._filter(key, rtt_s))
        off_s = self._temper(rtt_s - distance_s(self.coordinate, peer))
        error = self.coordinate.error
        weight = error / max(_NEAR_S, error + peer.error)
        error += ERROR_SHARE * weight * (abs(off_s) / rtt_s - error)
        step_s = _clamp(STEP_SHARE * weight * off_s, STEP_MAX_S)
        self._move(peer, step_s, min(ERROR_MAX, error))
        return True

    def forget(self, key: bytes) -> None:
        """Drop what is remembered of a peer that is gone."""
        self._samples.pop(key, None)

    def _filter(self, key: bytes, rtt_s: float) -> float:
        samples = (*self._samples.pop(key, ()), rtt_s)[-FILTER_SAMPLES:]
        if len(self._samples) >= self._peers_max:
            self._samples.pop(next(iter(self._samples)))
        self._samples[key] = samples
        return median_low(samples)

    def _temper(self, off_s: float) -> float:
        """Cut a difference to what is usual, and let what is usual follow."""
        tempered_s = _clamp(off_s, SURPRISES_MAX * self._usual_s)
        self._usual_s += SURPRISE_WEIGHT * (abs(tempered_s) - self._usual_s)
        self._usual_s = max(_NEAR_S, self._usual_s)
        return tempered_s

    def _move(self, peer: Coordinate, step_s: float, error: float) -> None:
        """Go a step away from the peer, or nearer if it is negative, and fall a little to the centre."""
        position_s = self.coordinate.position_s
        away = self._direction(position_s, peer.position_s)
        fall_s = GRAVITY**2 * math.dist(position_s, _CENTRE)  # times the position: the square of the distance
        moved = (
            _clamp(axis + step_s * part - fall_s * axis, RANGE_S)
            for axis, part in zip(position_s, away, strict=True)
        )
        x, y, z, w = moved
        height_s = self.coordinate.height_s + HEIGHT_SHARE * step_s
        self.coordinate = Coordinate((x, y, z, w), min(RANGE_S, max(HEIGHT_MIN_S, height_s)), error)

    def _direction(self, here: Position, there: Position) -> tuple[float, ...]:
        length = math.dist(here, there)
        if length > _NEAR_S:
            return tuple((a - b) / length for a, b in zip(here, there, strict=True))
        parts = [self._rng.gauss(0, 1) for _ in range(DIMENSIONS)]
        return tuple(part / math.hypot(*parts) for part in parts)


def _clamp(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))
