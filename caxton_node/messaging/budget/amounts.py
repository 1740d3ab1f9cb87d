"""The five amounts of a budget: what may be used, and what has been.

An amount that is None has no limit. It stays so however it is divided, and what is used of it is only noted.
All are integers, so that a budget can be divided and put together again without a rest that nobody has.
"""

from __future__ import annotations

from typing import Annotated, NamedTuple

from msgspec import Meta

AMOUNT_MAX = 2**53
"""More than anybody means, and what every language of a guest can count exactly."""

Amount = Annotated[int, Meta(ge=0, le=AMOUNT_MAX)]


class Usage(NamedTuple):
    """How much of each was used.

    Attributes:
        fuel: Units, about one per WebAssembly instruction.
        time_us: Microseconds inside guests.
        messages: Messages sent; one to three receivers is three.
        bytes: Bytes of their contents.
        cost: Tool cost, in millionths of whatever the operator counts in.
    """

    fuel: Amount = 0
    time_us: Amount = 0
    messages: Amount = 0
    bytes: Amount = 0
    cost: Amount = 0

    def plus(self, more: Usage) -> Usage:
        """Add."""
        return Usage(*(a + b for a, b in zip(self, more, strict=True)))

    def writable(self) -> Usage:
        """Return what can be written down: beyond `AMOUNT_MAX` only a forged header brings anybody."""
        return Usage(*(min(amount, AMOUNT_MAX) for amount in self))

    def minus(self, less: Usage) -> Usage:
        """Subtract what is no larger."""
        return Usage(*(a - b for a, b in zip(self, less, strict=True)))

    def joined(self, other: Usage) -> Usage:
        """Return the larger of each."""
        return Usage(*map(max, self, other))


NOTHING = Usage()


class Amounts(NamedTuple):
    """How much of each there is; the fields are those of `Usage`, and None is without limit."""

    fuel: int | None = None
    time_us: int | None = None
    messages: int | None = None
    bytes: int | None = None
    cost: int | None = None

    def emptied(self) -> Amounts:
        """Return nothing of what is limited, and all of what is not."""
        return Amounts(*(None if amount is None else 0 for amount in self))

    def plus(self, more: Amounts) -> Amounts:
        """Add; what is without limit on either side is so in the sum."""
        pairs = zip(self, more, strict=True)
        return Amounts(*(None if a is None or b is None else min(a + b, AMOUNT_MAX) for a, b in pairs))

    def minus(self, usage: Usage) -> Amounts:
        """Take away what is there; see `first_lacking`."""
        return Amounts(*(None if a is None else a - used for a, used in zip(self, usage, strict=True)))

    def first_lacking(self, usage: Usage) -> str | None:
        """Return the name of the first amount of which there is less than this, or None."""
        for name, amount, used in zip(self._fields, self, usage, strict=True):
            if amount is not None and amount < used:
                return name
        return None

    def part_of(self, usage: Usage) -> Usage:
        """Return as much of this as there is."""
        pairs = zip(self, usage, strict=True)
        return Usage(*(used if amount is None else min(amount, used) for amount, used in pairs))

    def limited_part(self, usage: Usage) -> Usage:
        """Return what of this was used of amounts with a limit."""
        pairs = zip(self, usage, strict=True)
        return Usage(*(0 if amount is None else used for amount, used in pairs))

    def counted(self) -> Usage:
        """Return the limited amounts as numbers, 0 for the others."""
        return Usage(*(amount or 0 for amount in self))
