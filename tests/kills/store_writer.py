"""The process that is killed: writes through the database of a node, and says what was acknowledged.

    python -m tests.kills.store_writer DATA_DIR FIRST

Each write is a batch: row n in two tables, and n added to a sum. So a batch that was stored in part shows.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import sys
from pathlib import Path

from caxton_node.storage import Database
from tests.support.stores import logged

WRITERS = 8
READY = b"ready\n"
BATCH = (
    "INSERT INTO spooled_messages (id, receiver, envelope, spooled_unix_ms) VALUES (?, 'default/book', ?, 0)",
    "INSERT INTO durable_outbox (copy, expires_unix_ms, envelope) VALUES (?, 0, ?)",
    "UPDATE cluster SET value = value + ? WHERE key = 'sum'",
)
CLEAR = (
    "DELETE FROM spooled_messages WHERE id < ?",
    "DELETE FROM durable_outbox WHERE copy < ?",
    "INSERT OR REPLACE INTO cluster SELECT 'sum', CAST(total(id) AS INTEGER) FROM spooled_messages",
)


def copy_of(number: int) -> bytes:
    """Return the key of a number in the second table."""
    return number.to_bytes(16, "big")


async def write_on(database: Database, numbers: itertools.count[int]) -> None:
    """Write batch after batch, each when the one before is acknowledged."""
    for number in numbers:
        envelope = bytes(number % 700)
        row, copy, add = BATCH
        await database.write_many(
            [(row, (number, envelope)), (copy, (copy_of(number), envelope)), (add, (number,))]
        )
        os.write(1, b"%d\n" % number)


async def main(data_dir: Path, first: int) -> None:
    """Forget what is older than this run, then write until somebody makes an end of it."""
    async with logged(data_dir, segment_bytes=256 * 1024) as database:
        await database.write_many([(CLEAR[0], (first,)), (CLEAR[1], (copy_of(first),)), (CLEAR[2], ())])
        os.write(1, READY)
        numbers = itertools.count(first)
        await asyncio.gather(*(write_on(database, numbers) for _ in range(WRITERS)))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
