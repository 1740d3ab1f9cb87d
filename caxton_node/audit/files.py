"""How the files of the log are called, and where one ends that was torn. Names and bytes only.

One after the other, `audit-<number of its first record>-<day>.jsonl`; beside them `head.json` with the last
record that is surely on disk.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import msgspec

from caxton_node.audit.chain import GENESIS, BrokenLine, unseal
from caxton_node.audit.record import decode

HEAD = "head.json"
SEQ_END = 10**12
"""No record has this number: names of files have twelve digits."""
_NAME = re.compile(r"audit-(\d{12})-(\d{4}-\d{2}-\d{2})\.jsonl\Z")


class Head(msgspec.Struct):
    """The last record that is on disk: a log that ends before it was cut. Number 0: none yet."""

    seq: Annotated[int, msgspec.Meta(ge=0, lt=SEQ_END)]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


@dataclass(frozen=True, slots=True, order=True)
class LogFile:
    """One file of the log.

    Attributes:
        first_seq: Number of its first record.
        day: When it was begun, UTC.
        path: Where it is.
    """

    first_seq: int
    day: str
    path: Path


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a log goes at one moment; what is written afterwards is not looked at.

    Attributes:
        files: In their order.
        last_bytes: Of the last file.
        head: What `head.json` says.
    """

    files: tuple[LogFile, ...]
    last_bytes: int
    head: Head | None


@dataclass(frozen=True, slots=True)
class Ending:
    """How a file ends.

    Attributes:
        seq: Its last whole record; 0 if there is none.
        hash: Of that record.
        whole_bytes: Up to its end.
        torn: What follows and is no record.
    """

    seq: int = 0
    hash: str = GENESIS
    whole_bytes: int = 0
    torn: bytes = b""

    @property
    def torn_detail(self) -> dict[str, str]:
        """Return the tear as a record tells it; empty if there is none."""
        if not self.torn:
            return {}
        return {"torn_bytes": str(len(self.torn)), "torn_sha256": sha256(self.torn).hexdigest()}


def name_of(first_seq: int, day: str) -> str:
    """Return the name of a file."""
    return f"audit-{first_seq:012d}-{day}.jsonl"


def log_files(folder: Path) -> list[LogFile]:
    """Return the files of a log in their order; other files are passed over."""
    if not folder.is_dir():
        return []
    found = ((match, path) for path in folder.iterdir() if (match := _NAME.match(path.name)))
    return sorted(LogFile(int(match[1]), match[2], path) for match, path in found)


def extent_of(folder: Path) -> Extent:
    """Return how far a log goes now; nobody may be writing a line at this moment."""
    files = tuple(log_files(folder))
    return Extent(files, files[-1].path.stat().st_size if files else 0, read_head(folder))


def ending_of(data: bytes) -> Ending:
    """Return how the bytes of a file end: a process that dies while it writes leaves half a line."""
    end = len(data)
    while end:
        start = data.rfind(b"\n", 0, end - 1) + 1
        line = data[start:end]
        try:
            body, hash_hex = unseal(line)
            return Ending(decode(body).seq, hash_hex, end, data[end:])
        except (BrokenLine, msgspec.DecodeError, ValueError):
            end = start
    return Ending(torn=data)


def read_head(folder: Path) -> Head | None:
    """Return what `head.json` says; None if it is not there or cannot be read."""
    try:
        return msgspec.json.decode((folder / HEAD).read_bytes(), type=Head)
    except (OSError, ValueError, msgspec.DecodeError):
        return None


def write_head(folder: Path, head: Head) -> None:
    """Put `head.json` in the place of the one before, whole or not at all, a loss of power included."""
    fresh = folder / f"{HEAD}.new"
    with fresh.open("wb") as file:
        file.write(msgspec.json.encode(head))
        file.flush()
        os.fdatasync(file.fileno())
    fresh.replace(folder / HEAD)
