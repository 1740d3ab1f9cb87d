"""The audit log of a running node: takes records at once, writes them behind, many with one sync.

Nobody waits for the disk: a record is queued when its call ends and is on disk some milliseconds later. What
a crash of the process or the machine can lose is what was queued within that time, at most `QUEUE_MAX`
records and ordinarily none. When the disk refuses, the node goes on: records wait for it up to that number,
further ones are counted as lost, health says so, and a record of the loss is what is written first then.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import islice

from caxton_node.audit.files import extent_of
from caxton_node.audit.flood import Flood
from caxton_node.audit.reading import AuditQuery, Page, search
from caxton_node.audit.record import FOLDED, LOST, AuditRecord, time_text
from caxton_node.audit.verify import Verdict, verify_extent
from caxton_node.audit.writer import AuditSettings, Writer
from caxton_node.core.clock import Clock
from caxton_node.observability import Reading
from caxton_node.observability.board import reading
from caxton_node.observability.logs import get_logger

QUEUE_MAX = 20_000
BATCH_MAX = 2_000
GATHER_S = 0.02
RETRY_S = 1.0
TEND_S = 3600.0
SETTLE_S = 2.0

_log = get_logger("audit")


class AuditLog:
    """Writes and reads the log of this node; `note` is for the event loop.

    Args:
        settings: Where the log is and how long it is kept.
        clock: Time.

    Attributes:
        written: Records on disk since the start.
        lost: Records that found no room since the start.
        folded: Refusals of strangers of which only the number was written.
        trouble: Why nothing can be written now; empty if all is well.
    """

    def __init__(self, settings: AuditSettings, clock: Clock) -> None:
        self.written = 0
        self.lost = 0
        self.folded = 0
        self.trouble = ""
        self._settings = settings
        self._clock = clock
        self._writer = Writer(settings)
        self._queue: deque[AuditRecord] = deque()
        self._untold = 0
        self._flood = Flood()
        self._pen = asyncio.Lock()
        self._desk = asyncio.Lock()  # one reader at a time: it takes a share of the processor while it reads
        self._wake = asyncio.Event()
        self._flushed = asyncio.Event()
        self._closing = False
        self._is_closed = False
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Begin to write behind."""
        self._task = asyncio.create_task(self._run(), name="audit")

    async def close(self) -> None:
        """Write what waits, once, and stop; safe to call twice."""
        self._closing = True
        self._wake.set()
        task, self._task = self._task, None
        if task is not None:
            await task
            self._writer.close()
            self._is_closed = True

    def now(self) -> str:
        """Return the present as records have it."""
        return time_text(self._clock.unix_us())

    def note(self, record: AuditRecord) -> bool:
        """Take a record, whose number is given when it is written; tell whether it was taken."""
        if self._flood.holds_back(record, self._clock.now()):
            self.folded += 1
            return False
        if len(self._queue) >= QUEUE_MAX or self._is_closed:
            self.lost += 1
            self._untold += 1
            return False
        self._queue.append(record)
        self._flushed.clear()
        self._wake.set()
        return True

    async def flush(self) -> None:
        """Return when all that was noted so far is on disk; never returns while the disk refuses."""
        if self._queue:
            await self._flushed.wait()

    async def search(self, query: AuditQuery) -> Page:
        """Return the latest records that fit, those included that were noted just now.

        Raises:
            OSError: A file cannot be read.
        """
        await self._settle()
        async with self._desk:
            return await asyncio.to_thread(search, self._settings.folder, query)

    async def verify(self) -> Verdict:
        """Walk through the whole log.

        Raises:
            OSError: A file cannot be read.
        """
        await self._settle()
        try:
            return await self._verify()
        except FileNotFoundError:  # it was old, and removed meanwhile
            return await self._verify()

    def readings(self) -> Iterable[Reading]:
        """Return the numbers for the metrics; safe on any thread."""
        yield reading("caxton_audit_records_total", self.written, outcome="written")
        yield reading("caxton_audit_records_total", self.lost, outcome="lost")
        yield reading("caxton_audit_records_total", self.folded, outcome="folded")

    async def _verify(self) -> Verdict:
        async with self._pen:
            extent = extent_of(self._settings.folder)
        async with self._desk:
            return await asyncio.to_thread(verify_extent, extent)

    async def _settle(self) -> None:
        """Let what was noted get to the disk first, if it gets there soon."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self.trouble else SETTLE_S):
                await self.flush()

    async def _run(self) -> None:
        """Write what waits, and once an hour look whether a day has ended and files are too old."""
        is_due = True  # a log that cannot be written is to be known before the first record
        while not self._closing or self._queue:
            while self._queue or is_due:
                if await self._write_some():
                    is_due = False
                elif self._closing:
                    return self._give_up()
                else:
                    await self._pause(RETRY_S)
            self._flushed.set()
            await self._pause(GATHER_S)
            is_due = not await self._woken(TEND_S)
        return None

    async def _woken(self, within_s: float) -> bool:
        """Wait for records, or for the end; tell whether there was either within this time."""
        if self._closing:  # its one ring may have been taken for that of a record
            return True
        try:
            async with asyncio.timeout(within_s):
                await self._wake.wait()
        except TimeoutError:
            return False
        self._wake.clear()
        return True

    async def _write_some(self) -> bool:
        batch = self._next_batch()
        try:
            async with self._pen:
                await asyncio.to_thread(self._writer.write, batch, self._clock.unix_us())
        except OSError as err:
            self._note_trouble(err)
            return False
        self._take_off(batch)
        self._tell_damage()
        return True

    def _tell_damage(self) -> None:
        damage, self._writer.damage = self._writer.damage, ""
        if damage:
            _log.error("the audit log is not as it was written", reason=damage)

    def _next_batch(self) -> Sequence[AuditRecord]:
        """Return what is written next; first of all how much will never be."""
        counts = {LOST: self._untold, FOLDED: self._flood.folded}
        own = [
            AuditRecord(0, self.now(), operation, node=self._settings.node, detail={"count": str(count)})
            for operation, count in counts.items()
            if count
        ]
        return [*own, *islice(self._queue, BATCH_MAX)]

    def _take_off(self, batch: Sequence[AuditRecord]) -> None:
        for record in batch:
            if record.operation == LOST:
                self._untold -= int(record.detail["count"])
            elif record.operation == FOLDED:
                self._flood.folded -= int(record.detail["count"])
            else:
                self._queue.popleft()
        self.written += len(batch)
        if self.trouble:
            _log.info("the audit log is written again", lost=self.lost)
            self.trouble = ""

    def _note_trouble(self, err: OSError) -> None:
        if not self.trouble:
            _log.error("the audit log cannot be written", reason=str(err))
        self.trouble = f"audit records wait, the disk refuses them: {err}"

    def _give_up(self) -> None:
        self.lost += len(self._queue)
        _log.error("audit records were lost", records=len(self._queue), reason=self.trouble)
        self._queue.clear()
        self._flushed.set()

    async def _pause(self, seconds: float) -> None:
        """Let records gather, or the disk recover; closing does not wait."""
        if not self._closing:
            await asyncio.sleep(seconds)
