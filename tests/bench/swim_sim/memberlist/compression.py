"""How small memberlist's LZW makes a packet or a table.

Every stream is compressed, a packet if that makes it smaller. Running the algorithm over every simulated
packet in Python would cost more time than everything else together, so a world measures it on the first
packet of each size class and on every sixteenth after that, and takes the mean of the class for the others.

Source: hashicorp/memberlist, util.go; Go's compress/lzw (LSB, 8 bits).
"""

from __future__ import annotations

from collections.abc import Sequence

WRAPPING_BYTES = 15
"""Message type and the map around compressed bytes."""
SAMPLE_EVERY = 16
CLASS_BYTES = 64
_CLEAR, _END, _CODES = 256, 257, 4096


def lzw_bytes(data: bytes) -> int:
    """Return the length of `data` after Go's LZW."""
    bits, width, highest = 9, 9, _END
    known: dict[tuple[int, int], int] = {}
    prefix = data[0]
    for byte in data[1:]:
        code = known.get((prefix, byte))
        if code is not None:
            prefix = code
            continue
        bits += width
        highest += 1
        if highest == _CODES - 1:
            bits, width, highest = bits + 12, 9, _END
            known.clear()
        else:
            known[prefix, byte] = highest
            width = max(width, highest.bit_length())
        prefix = byte
    return (bits + 2 * width + 7) // 8


class Compression:
    """What compression saves in one simulated world."""

    def __init__(self) -> None:
        self._seen: dict[int, int] = {}
        self._sampled: dict[int, tuple[int, int]] = {}

    def packet_bytes(self, parts: Sequence[bytes], plain_bytes: int) -> int:
        """Return the length of a packet, compressed if that is smaller.

        Args:
            parts: The messages in it.
            plain_bytes: Their length, with what holds them together.
        """
        size_class = plain_bytes // CLASS_BYTES
        seen = self._seen[size_class] = self._seen.get(size_class, -1) + 1
        if seen % SAMPLE_EVERY == 0:
            self._sample(size_class, parts, plain_bytes)
        plain_sum, packed_sum = self._sampled[size_class]
        return round(plain_bytes * packed_sum / plain_sum)

    def _sample(self, size_class: int, parts: Sequence[bytes], plain_bytes: int) -> None:
        lengths = b"".join(len(part).to_bytes(2, "big") for part in parts)
        packed = lzw_bytes(lengths + b"".join(parts)) + WRAPPING_BYTES
        plain_sum, packed_sum = self._sampled.get(size_class, (0, 0))
        self._sampled[size_class] = plain_sum + plain_bytes, packed_sum + min(plain_bytes, packed)
