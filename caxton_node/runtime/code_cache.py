"""Machine code on disk, so that a node that starts again need not compile what it has compiled before.

    <folder>/key                                       32 random bytes, this node's own
    <folder>/<sha256 of the module>.<profile>.<wasmtime version>.code
        "CAXCODE1", 32 bytes of digest, the code

wasmtime runs such code as it is, with the rights of the node. So a file is taken only if its keyed digest
says that this node wrote it, for this module, profile, version and settings: whoever can put a file into the
folder but not read the key gains nothing, and a file that was cut or swapped is no code.

It is a cache: whatever goes wrong with a file or the disk is counted, and costs a compile. Files that were
used least recently go first when there are too many; their time stamps remember the order.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import secrets
import threading
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from caxton_node.runtime.profile import Profile
from caxton_node.runtime.settings import EngineSettings

_MAGIC = b"CAXCODE1"
_DIGEST_BYTES = 32
_HEAD_BYTES = len(_MAGIC) + _DIGEST_BYTES
_KEY_BYTES = 32
_SUFFIX = f".{version('wasmtime')}.code"
_FRESH = ".new-"
_SHA256 = re.compile(r"[0-9a-f]{64}\Z")


@dataclass(slots=True)
class CacheCounts:
    """What a cache has done since it was opened.

    Attributes:
        hits: Code that was found and taken.
        misses: Code that was not there, or had to be rejected.
        rejected: Files removed since they were not what this node wrote, or not for this version.
        failed: Times the disk did not do its part, or code was larger than the whole cache.
        evicted: Files removed to make room.
    """

    hits: int = 0
    misses: int = 0
    rejected: int = 0
    failed: int = 0
    evicted: int = 0


class CodeCache:
    """Keeps machine code in a folder that only this node uses. Thread-safe; every call may block on the disk.

    Args:
        folder: Made if it is not there.
        settings: As of the engine that runs the code; code of other settings is rejected.
        bytes_max: What all files together may take.
    """

    def __init__(self, folder: Path, settings: EngineSettings, *, bytes_max: int = 1024**3) -> None:
        self.counts = CacheCounts()
        self._folder = folder
        self._settings = json.dumps(asdict(settings), sort_keys=True).encode()
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._key: bytes | None = None
        self._sizes: dict[str, int] = {}  # by name, in order of use
        with self._lock:
            self._open()

    def find(self, sha256: str, profile: Profile) -> bytes | None:
        """Return code that this node has kept, or None.

        Args:
            sha256: Digest of the module, in hex.
            profile: What the code was compiled for.
        """
        name = _name(sha256, profile)
        with self._lock:
            key = self._key if name in self._sizes else None
        code = self._read(name, key) if key else None
        with self._lock:
            if code is None:
                self.counts.misses += 1
                return None
            self.counts.hits += 1
            if name in self._sizes:
                self._sizes[name] = self._sizes.pop(name)
        with suppress(OSError):  # a disk that cannot be written to: the order of use is only known here
            os.utime(self._folder / name)
        return code

    def keep(self, sha256: str, profile: Profile, code: bytes) -> None:
        """Keep code, if there is room for it.

        Args:
            sha256: Digest of the module, in hex.
            profile: What the code was compiled for.
            code: What `wasmtime.Module.serialize` gave, in this node's own process or its compile server's.
        """
        name = _name(sha256, profile)
        with self._lock:
            key = self._key or self._open()
        size = _HEAD_BYTES + len(code)
        is_kept = key is not None and size <= self._bytes_max and self._write(name, key, code)
        with self._lock:
            if not is_kept:
                self.counts.failed += 1
                return
            self._sizes.pop(name, None)
            self._sizes[name] = size
            self._make_room()

    def forget(self, sha256: str, profile: Profile) -> None:
        """Drop code that the engine does not take, such as that of a processor with other instructions."""
        self._reject(_name(sha256, profile))

    def _open(self) -> bytes | None:
        """Take in what is there. Called with the lock held; again before each write as long as it fails."""
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._take_in()
            self._key = _find_key(self._folder / "key") or _make_key(self._folder / "key")
        except OSError:
            self.counts.failed += 1
        return self._key

    def _take_in(self) -> None:
        found = [(item.stat(), item.name) for item in _files(self._folder)]
        found.sort(key=lambda pair: pair[0].st_mtime_ns)
        self._sizes = {name: about.st_size for about, name in found if name.endswith(_SUFFIX)}
        for _, name in found:
            if name not in self._sizes:  # of another version, or half written
                self._remove(name)
                self.counts.rejected += not name.startswith(_FRESH)
        self._make_room()

    def _make_room(self) -> None:
        """Remove what was used least recently until the files fit. Called with the lock held."""
        total = sum(self._sizes.values())
        while total > self._bytes_max:
            name = next(iter(self._sizes))
            total -= self._sizes.pop(name)
            self._remove(name)
            self.counts.evicted += 1

    def _read(self, name: str, key: bytes) -> bytes | None:
        """Return the code of a file, or None if it is not what this node wrote; then it is gone."""
        try:
            head, code = _read_own(self._folder / name)
        except OSError:
            with self._lock:
                self._sizes.pop(name, None)
                self.counts.failed += 1
            return None
        if hmac.compare_digest(head, _MAGIC + self._digest(name, key, code)):
            return code
        self._reject(name)
        return None

    def _write(self, name: str, key: bytes, code: bytes) -> bool:
        # Not flushed to the disk: what a power cut leaves of it has a wrong digest.
        try:
            _write_new(self._folder / name, _MAGIC, self._digest(name, key, code), code)
        except OSError:
            return False
        return True

    def _digest(self, name: str, key: bytes, code: bytes) -> bytes:
        """Return the digest over all that must be right; the name holds module, profile and version."""
        digest = hmac.new(key, digestmod=hashlib.sha256)
        for part in (_MAGIC, name.encode(), self._settings):
            digest.update(len(part).to_bytes(8, "big") + part)
        digest.update(code)
        return digest.digest()

    def _reject(self, name: str) -> None:
        with self._lock:
            if self._sizes.pop(name, None) is not None:
                self.counts.rejected += 1
        self._remove(name)

    def _remove(self, name: str) -> None:
        with suppress(OSError):
            (self._folder / name).unlink(missing_ok=True)


def _name(sha256: str, profile: Profile) -> str:
    assert _SHA256.match(sha256), "a digest names a file, so nothing else may"
    return f"{sha256}.{profile.key}{_SUFFIX}"


def _files(folder: Path) -> list[Path]:
    """Return what is, or was to become, code; nothing else in the folder is touched."""
    return [item for item in folder.iterdir() if item.name.endswith(".code") or item.name.startswith(_FRESH)]


def _write_new(path: Path, *parts: bytes) -> None:
    """Write a file whole or not at all; only this user can read it."""
    fresh = path.with_name(f"{_FRESH}{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.writelines(parts)
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise


def _read_own(path: Path, head_bytes: int = _HEAD_BYTES) -> tuple[bytes, bytes]:
    """Return the beginning and the rest of a file; a link, pipe or folder in its place is an OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        return file.read(head_bytes), file.read()


def _find_key(path: Path) -> bytes | None:
    """Return the key, or None if there is none that only this user could read."""
    try:
        about = path.lstat()
        key, more = _read_own(path, _KEY_BYTES)
    except FileNotFoundError:
        return None
    is_private = not about.st_mode & 0o077 and about.st_uid == os.geteuid()
    return key if is_private and len(key) == _KEY_BYTES and not more else None


def _make_key(path: Path) -> bytes:
    """Write a new key; all code that was kept under another one will be rejected."""
    key = secrets.token_bytes(_KEY_BYTES)
    _write_new(path, key)
    return key
