"""The numbers below `count` in random order, by arithmetic where a shuffled list would be large.

Multiplying by an odd number, adding, and folding the upper bits into the lower ones each permute the numbers
below a power of two, and a few rounds of them with random constants look like a shuffle. What comes out at
or above `count` goes through once more until it is below, which keeps it a permutation ("cycle walking").
So a round over ten thousand members costs a handful of integers instead of an array, and starts at once.

Small counts are shuffled for real: among few elements the bias of such arithmetic would show.

Source: Black and Rogaway, "Ciphers with Arbitrary Finite Domains" (2002), for the walk.
"""

from __future__ import annotations

import random
from array import array
from collections.abc import Sequence

SHUFFLED_MAX = 1024
_ROUNDS = 3


class Permutation:
    """A random order of the numbers 0 to `count` - 1."""

    __slots__ = ("_constants", "_count", "_mask", "_shift")

    def __init__(self, count: int, rng: random.Random) -> None:
        bits = max(2, (count - 1).bit_length())
        self._count = count
        self._mask = (1 << bits) - 1
        self._shift = bits // 2
        self._constants = tuple((rng.getrandbits(bits) | 1, rng.getrandbits(bits)) for _ in range(_ROUNDS))

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, place: int) -> int:
        if not 0 <= place < self._count:
            raise IndexError(place)
        number = self._mix(place)
        while number >= self._count:
            number = self._mix(number)
        return number

    def _mix(self, number: int) -> int:
        for factor, summand in self._constants:
            number = (number * factor + summand) & self._mask
            number ^= number >> self._shift
        return number


def shuffled(count: int, rng: random.Random) -> Sequence[int] | Permutation:
    """Return the numbers 0 to `count` - 1 in random order, in little memory."""
    if count > SHUFFLED_MAX:
        return Permutation(count, rng)
    order = array("H", range(count))
    rng.shuffle(order)
    return order
