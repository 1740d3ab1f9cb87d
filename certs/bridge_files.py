"""The bridge from the authority before to the one that signs now, on disk beside the other certificates."""

from __future__ import annotations

from pathlib import Path

from certs import atomic
from certs.errors import MissingFile

BRIDGE = "bridge.crt"


def write_bridge(directory: Path, bridge_pem: bytes) -> None:
    """Replace the bridge; a reader sees the old one or the new one, whole.

    Raises:
        OSError: It cannot be written; the old one stays.
    """
    atomic.write(directory / BRIDGE, bridge_pem, atomic.PUBLIC)


def read_bridge(directory: Path) -> bytes:
    """Return the bridge as PEM, empty when there is none.

    Raises:
        UnreadableFile: This user may not read it.
    """
    try:
        return atomic.read(directory / BRIDGE)
    except MissingFile:
        return b""
