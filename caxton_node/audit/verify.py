"""Whether the log of a node is as it was written: walks the chain and says where it breaks. Reads files only.

What it can find: a line that was changed, removed, added or moved; a file that is missing; an end that was
cut off. What it cannot: that somebody who may write all files has calculated a whole new log. For that, keep
the last hash elsewhere from time to time (it is in every answer), and compare.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path

import msgspec

from caxton_node.audit.chain import GENESIS, BrokenLine, link, unseal
from caxton_node.audit.files import HEAD, Extent, Head, LogFile, ending_of, extent_of
from caxton_node.audit.record import BEGUN, CUT_SEQ, HEAD_GONE, LOST, REMOVED, AuditRecord, decode

FINDINGS_MAX = 1000


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the log is not as it was written.

    Attributes:
        file: Name of the file.
        line: Number of the line in it, from 1; 0 if it is about the whole file.
        seq: Number of the record there, if one can be read; else that which should be there.
        problem: changed, removed, moved, unreadable, cut-off.
        detail: One sentence.
    """

    file: str
    line: int
    seq: int
    problem: str
    detail: str


@dataclass(slots=True)
class Verdict:
    """What a walk through the log has shown.

    Attributes:
        files: How many there are.
        records: How many there are, those of the log itself included.
        first_seq: Number of the first; 0 if there is none.
        last_seq: Number of the last.
        last_hash: Its hash: whoever keeps it can tell later that nothing up to it was changed.
        lost: Records that the node could not write, as it has noted itself.
        torn: Tears by crashes, as the node has noted itself.
        findings: What is wrong, at most `FINDINGS_MAX`.
    """

    files: int = 0
    records: int = 0
    first_seq: int = 0
    last_seq: int = 0
    last_hash: str = GENESIS
    lost: int = 0
    torn: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.findings


def verify(folder: Path) -> Verdict:
    """Walk through the log of a node that does not run, or a copy of one.

    Args:
        folder: `<data>/audit`, or the copy.

    Raises:
        OSError: A file cannot be read.
    """
    return verify_extent(extent_of(folder))


def verify_extent(extent: Extent) -> Verdict:
    """Walk through a log up to where it went at one moment; it may be written to meanwhile.

    Raises:
        OSError: A file cannot be read.
    """
    walk, files = _Walk(extent.head), extent.files
    for file, following in zip_longest(files, files[1:]):
        walk.take_file(file, following, extent.last_bytes if following is None else None)
    walk.close()
    return walk.verdict


class _Walk:
    """The state on the way from line to line."""

    def __init__(self, head: Head | None) -> None:
        self.verdict = Verdict()
        self._removed_through = 0
        self._head = head

    def take_file(self, file: LogFile, following: LogFile | None, size_bytes: int | None) -> None:
        """Walk through one file, or its first bytes."""
        data = file.path.read_bytes()[:size_bytes]
        end = data.rfind(b"\n") + 1
        if self.verdict.files == 0:
            self._start(file, data[:end])
        self.verdict.files += 1
        for number, line in enumerate(_lines(data[:end]), 1):
            self._take_line(file, number, line)
        if end < len(data):
            self._judge_tear(file, data, following)

    def close(self) -> None:
        """Judge what only the whole shows: the end, and the beginning."""
        verdict, head = self.verdict, self._head
        if verdict.first_seq > 1 and self._removed_through < verdict.first_seq - 1:
            missing = f"records up to {verdict.first_seq - 1:,} are missing, and none says why"
            self._find("", 0, 1, "removed", missing)
        if head is None and verdict.records:
            self._find(HEAD, 0, 0, "removed", "it is missing, so that a cut at the end would not show")
        elif head is not None and head.seq > verdict.last_seq:
            cut = f"the log goes up to {verdict.last_seq:,}, and {head.seq:,} records were written"
            self._find(HEAD, 0, head.seq, "cut-off", cut)

    def _start(self, file: LogFile, data: bytes) -> None:
        """Take from the first record what was before it; from 1 on it can only be the beginning."""
        try:
            first = decode(unseal(data[: data.find(b"\n") + 1])[0])
        except (BrokenLine, msgspec.DecodeError, ValueError):
            return
        self.verdict.first_seq = first.seq
        self.verdict.last_seq = first.seq - 1
        if first.seq > 1:
            self.verdict.last_hash = first.detail.get("former", GENESIS)
        if file.first_seq != first.seq:
            self._find(
                file.path.name, 1, first.seq, "moved", f"the file says that it begins at {file.first_seq:,}"
            )

    def _take_line(self, file: LogFile, number: int, line: bytes) -> None:
        verdict, name, due = self.verdict, file.path.name, self.verdict.last_seq + 1
        verdict.records += 1
        try:
            body, written = unseal(line)
            record = decode(body)
        except (BrokenLine, msgspec.DecodeError, ValueError) as err:
            self._find(name, number, due, "unreadable", str(err))
            verdict.last_seq = due
            return
        former, verdict.last_hash = verdict.last_hash, written
        if link(former, body) != written:
            self._find(name, number, record.seq, *_explain(record, due))
        elif record.seq != due:
            self._find(name, number, record.seq, "moved", f"record {due:,} should stand here")
        verdict.last_seq = record.seq
        self._compare_head(name, number, record.seq, written)
        self._note(name, number, record)

    def _compare_head(self, name: str, number: int, seq: int, written: str) -> None:
        head = self._head
        if head is not None and head.seq == seq and head.hash != written:
            self._find(name, number, seq, "changed", f"{HEAD} has another hash for this record")

    def _note(self, name: str, number: int, record: AuditRecord) -> None:
        """Keep in mind what the log says of itself."""
        if record.operation == LOST:
            self.verdict.lost += _number(record, "count")
        elif record.operation == REMOVED:
            self._removed_through = max(self._removed_through, _number(record, "through"))
        elif record.operation == BEGUN:
            self.verdict.torn += "torn_sha256" in record.detail
            if HEAD_GONE in record.detail:
                gone = f"{HEAD} was missing when the node started, so that a cut before would not show"
                self._find(name, number, record.seq, "removed", gone)

    def _judge_tear(self, file: LogFile, data: bytes, following: LogFile | None) -> None:
        """Accept half a line at the end of a file if the next file tells of it."""
        told = _told_tear(following)
        torn = ending_of(data).torn_detail
        if told != {"torn_file": file.path.name, **torn}:
            number = data.count(b"\n") + 1
            due = self.verdict.last_seq + 1
            self._find(
                file.path.name, number, due, "cut-off", "the last line is not whole, and no crash was noted"
            )

    def _find(self, file: str, line: int, seq: int, problem: str, detail: str) -> None:
        if len(self.verdict.findings) < FINDINGS_MAX:
            self.verdict.findings.append(Finding(file, line, seq, problem, detail))


def _lines(data: bytes) -> Iterator[bytes]:
    """Yield the lines with their ends; only a line feed ends one."""
    start = 0
    while start < len(data):
        end = data.index(b"\n", start) + 1
        yield data[start:end]
        start = end


def _explain(record: AuditRecord, due: int) -> tuple[str, str]:
    """Say what a broken link means, by the record where it breaks."""
    seq = record.seq
    if record.operation == BEGUN and CUT_SEQ in record.detail and seq > due:
        return "cut-off", f"records {due:,} to {seq - 1:,} were missing at the end when the node started"
    if seq == due:
        return "changed", "this record, or the hash of the one before, is not as it was written"
    if seq > due:
        which = f"record {due:,} is" if seq == due + 1 else f"records {due:,} to {seq - 1:,} are"
        return "removed", f"{which} missing before it"
    return "moved", f"record {due:,} should stand here"


def _told_tear(following: LogFile | None) -> dict[str, str]:
    """Return what the first record of a file says about the file before."""
    if following is None:
        return {}
    data = following.path.read_bytes()
    try:
        record = decode(unseal(data[: data.find(b"\n") + 1])[0])
    except (BrokenLine, msgspec.DecodeError, ValueError):
        return {}
    return {name: value for name, value in record.detail.items() if name.startswith("torn_")}


def _number(record: AuditRecord, name: str) -> int:
    text = record.detail.get(name, "")
    return int(text) if text.isdecimal() else 0
