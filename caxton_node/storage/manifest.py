"""What a backup says of itself: `manifest.json` in its folder, written last."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from caxton_node.storage.errors import BackupUnusable
from caxton_node.storage.layout import MANIFEST

FORMAT = 1


@dataclass(frozen=True, slots=True)
class BackupFile:
    """One file of a backup.

    Attributes:
        name: In the backup's folder.
        size_bytes: How large it is.
        sha256: Of its bytes, in hex.
    """

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """One backup.

    Attributes:
        id: Name of its folder, whatever somebody has called that: when it was made, at first.
        node: Whose it is.
        cluster: Name of that node's cluster.
        caxton: Version that made it.
        schema: Number of the last migration in it.
        created_unix_us: It holds what was committed before this moment.
        sequence: Of the last group of the change log that it holds; 0: nothing was ever logged.
        files: What it consists of.
    """

    id: str
    node: str
    cluster: str
    caxton: str
    schema: int
    created_unix_us: int
    sequence: int
    files: tuple[BackupFile, ...]

    @property
    def size_bytes(self) -> int:
        """Return the size of all files."""
        return sum(file.size_bytes for file in self.files)

    @property
    def stamp(self) -> int:
        """Return the moment as a hybrid logical clock writes it: unix ms << 16."""
        return self.created_unix_us // 1000 << 16


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest into a backup's folder."""
    data = {"format": FORMAT, **asdict(manifest), "stamp": manifest.stamp}
    (folder / MANIFEST).write_text(json.dumps(data, indent=2) + "\n", "utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read the manifest of a backup.

    Raises:
        BackupUnusable: There is none, it cannot be read, or it is of another format.
    """
    try:
        data = json.loads((folder / MANIFEST).read_text("utf-8"))
        return _manifest_of(folder.name, data)
    except OSError as err:
        raise _unusable(folder, err.strerror or str(err)) from err
    except (ValueError, TypeError, KeyError) as err:
        raise _unusable(folder, f"its manifest cannot be read: {err}") from err


def _manifest_of(backup_id: str, data: Mapping[str, Any]) -> Manifest:
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}, and this Caxton reads format {FORMAT}")
    texts = {name: str(data[name]) for name in ("node", "cluster", "caxton")}
    numbers = {name: int(data[name]) for name in ("schema", "created_unix_us", "sequence")}
    files = tuple(_file_of(file) for file in data["files"])
    return Manifest(id=backup_id, **texts, **numbers, files=files)  # type: ignore[arg-type]  # names and types are those above


def _file_of(data: Mapping[str, Any]) -> BackupFile:
    name = str(data["name"])
    if Path(name).name != name:
        raise ValueError(f"{name!r} is no name of a file")
    return BackupFile(name, int(data["size_bytes"]), str(data["sha256"]))


def _unusable(folder: Path, why: str) -> BackupUnusable:
    return BackupUnusable(
        f"{folder} is no usable backup", why=why, hint="see what there is: caxton-node backup list"
    )
