"""The files of the change log: `<first sequence>.log`, in the order of their names.

Segments are written by the node and read by a restore. A segment that begins where the one before it ended
continues its chain; any other begins a chain of its own, which needs a backup to stand on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from caxton_node.storage.change_record import (
    HEADER_BYTES,
    Change,
    SegmentHead,
    decode_changes,
    decode_head,
    encode_head,
)

_NAME = re.compile(r"\d{20}\.log\Z")


@dataclass(frozen=True, slots=True)
class Segment:
    """One file of the log.

    Attributes:
        path: Where it is.
        head: What it says of itself.
    """

    path: Path
    head: SegmentHead

    @property
    def size_bytes(self) -> int:
        """Return how large the file is; 0 when it was pruned."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0

    def changes(self) -> Iterator[Change]:
        """Yield its records; ends at the first that is not whole."""
        yield from decode_changes(self.path.read_bytes())


def list_segments(folder: Path) -> list[Segment]:
    """Return the segments of a folder in order; files that are none are left out."""
    if not folder.is_dir():
        return []
    found = []
    for path in sorted(entry for entry in folder.iterdir() if _NAME.match(entry.name)):
        with suppress(FileNotFoundError), path.open("rb") as file:  # else another thread has pruned it
            head = decode_head(file.read(HEADER_BYTES))
            if head is not None:
                found.append(Segment(path, head))
    return found


def create_segment(folder: Path, head: SegmentHead) -> Path:
    """Write a segment without records; what had its name cannot have held any that count."""
    path = folder / f"{head.after + 1:020}.log"
    path.write_bytes(encode_head(head))
    path.chmod(0o600)  # tokens' hashes and messages pass through it
    return path


def chain_start(segments: list[Segment]) -> int | None:
    """Return the sequence that a backup must have reached to carry the newest chain; None: there is none."""
    for number in range(len(segments) - 1, -1, -1):
        if segments[number].head.begins or number == 0:
            return segments[number].head.after
    return None


def newest_of(segments: list[Segment], changes: list[Change]) -> int:
    """Return the sequence of the last record; `changes` are those of the last segment."""
    if changes:
        return changes[-1].sequence
    return segments[-1].head.after if segments else 0


def newest_in(folder: Path) -> int:
    """Return the sequence of the last record in a folder; 0: there is none."""
    segments = list_segments(folder)
    return newest_of(segments, list(segments[-1].changes()) if segments else [])


def prune_before(folder: Path, sequence: int) -> int:
    """Remove segments that hold nothing after `sequence`; the newest always stays. Return how many went."""
    segments = list_segments(folder)
    gone = 0
    for segment, following in pairwise(segments):
        if following.head.after > sequence:
            break
        segment.path.unlink(missing_ok=True)
        gone += 1
    return gone


def prune_to_size(folder: Path, bytes_max: int) -> int:
    """Remove the oldest segments until the log fits; the newest always stays. Return how many went."""
    segments = list_segments(folder)
    total = sum(segment.size_bytes for segment in segments)
    gone = 0
    for segment in segments[:-1]:
        if total <= bytes_max:
            break
        total -= segment.size_bytes
        segment.path.unlink(missing_ok=True)
        gone += 1
    return gone
