"""A histogram of waiting times that costs two additions per run of messages.

A bucket is the bit length of the time in units of 1024 ns: bucket 0 is below about 1 us, bucket b below 2**b
us (taking 1024 ns for a microsecond). Whoever shows it turns bit lengths into bounds.

There is no lock: two workers that count at the same instant may lose one count, which no reader of a
histogram sees.
"""

from __future__ import annotations

BUCKETS = 32


class Latency:
    """Counts of waiting times; shared by all mailboxes of a node, used from any thread.

    Attributes:
        cells: Counts by bit length; read them without a lock, they only grow.
        total_ns: Sum of all waiting times.
    """

    __slots__ = ("cells", "total_ns")

    def __init__(self) -> None:
        self.cells = [0] * BUCKETS
        self.total_ns = 0

    def observe(self, waited_ns: int, count: int) -> None:
        """Count messages that waited equally long."""
        bucket = (waited_ns >> 10).bit_length()
        if bucket >= BUCKETS:
            bucket = BUCKETS - 1
        self.cells[bucket] += count
        self.total_ns += waited_ns * count

    @property
    def count(self) -> int:
        """Return how many messages were counted."""
        return sum(self.cells)


def bucket_bound_s(bucket: int) -> float:
    """Return the upper bound of a bucket in seconds."""
    return (1 << bucket) * 1024 / 1e9
