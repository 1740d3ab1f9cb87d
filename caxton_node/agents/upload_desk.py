"""What clients upload: how far it has come, how much may lie about, and when it goes. Pure.

An upload is known by the digest of what it will be, so whoever sends the same module goes on where another
stopped. A newer sender of a module takes over from an older one, whose connection may be dead without this
node having noticed; the older one learns it with its next piece.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from caxton_node.core.errors import InvalidArgument, ResourceLimit, StateError

UNFINISHED_MAX = 16
KEPT_S = 3600.0
_MIB = 1024 * 1024


@dataclass(slots=True)
class Upload:
    """One module on its way, or here and not deployed yet.

    Attributes:
        sha256: Its digest.
        size_bytes: How large it will be; 0 if an earlier run of this node began it.
        received_bytes: How much is here.
        touched_at: Monotonic instant at which something came last.
        sender: Number of whoever sends it now.
        is_whole: Everything is here and has the digest.
    """

    sha256: str
    size_bytes: int
    received_bytes: int
    touched_at: float
    sender: int = 0
    is_whole: bool = False


class UploadDesk:
    """Keeps the books of uploads.

    Args:
        module_bytes_max: Largest module.
        bytes_max: What all of them together may take on disk.
        kept_s: How long an upload is kept that nobody goes on with or deploys.
    """

    def __init__(self, module_bytes_max: int, bytes_max: int, kept_s: float = KEPT_S) -> None:
        self.kept_s = kept_s
        self._module_bytes_max = module_bytes_max
        self._bytes_max = bytes_max
        self._uploads: dict[str, Upload] = {}
        self._senders = 0

    def find(self, sha256: str) -> Upload | None:
        """Return an upload, None if there is none of this digest."""
        return self._uploads.get(sha256)

    def remember(self, sha256: str, received_bytes: int, touched_at: float) -> None:
        """Take over what an earlier run has left on disk."""
        self._uploads.setdefault(sha256, Upload(sha256, 0, received_bytes, touched_at))

    def begin(self, sha256: str, size_bytes: int, now: float) -> int:
        """Let somebody send a module; returns the number of this sender.

        Raises:
            InvalidArgument: The size is none.
            ResourceLimit: The module is too large, or too much lies about already.
        """
        self._check_size(size_bytes)
        self._check_room(sha256, size_bytes)
        upload = self._uploads.setdefault(sha256, Upload(sha256, size_bytes, 0, now))
        self._senders += 1
        upload.size_bytes, upload.touched_at, upload.sender = size_bytes, now, self._senders
        return self._senders

    def check_offset(self, sha256: str, offset: int) -> None:
        """Make sure that a sender goes on where the upload stands.

        Raises:
            InvalidArgument: It does not.
        """
        upload = self._uploads[sha256]
        if offset != upload.received_bytes:
            raise InvalidArgument(
                f"the upload does not go on at byte {offset:,}",
                why=f"{upload.received_bytes:,} bytes of it are here",
                hint="GetUpload says where to go on; 0 begins anew",
            )

    def check_sender(self, sha256: str, sender: int) -> None:
        """Make sure that nobody else has taken over.

        Raises:
            StateError: Somebody has, or the upload has expired.
        """
        upload = self._uploads.get(sha256)
        if upload is None or upload.sender != sender:
            raise StateError(
                "this upload was taken over",
                why="another connection sends the same module now, or it took too long between two pieces",
                hint="GetUpload says how far it has come",
            )

    def check_piece(self, sha256: str, length: int) -> None:
        """Make sure that a piece fits.

        Raises:
            InvalidArgument: There would be more than the upload has promised.
        """
        upload = self._uploads[sha256]
        if upload.received_bytes + length > upload.size_bytes:
            raise InvalidArgument(
                "more bytes came than the module has",
                why=f"its first message says {upload.size_bytes:,} bytes",
                hint="nothing behind that was kept; send the module as it is",
            )

    def note(self, sha256: str, received_bytes: int, now: float) -> None:
        """Write down how far an upload has come."""
        upload = self._uploads[sha256]
        upload.received_bytes, upload.touched_at = received_bytes, now

    def finish(self, sha256: str, now: float) -> None:
        """Write down that a module is here, whole and sound."""
        upload = self._uploads[sha256]
        upload.is_whole, upload.touched_at = True, now

    def keep(self, sha256: str, now: float) -> None:
        """Let a module that is here anyway stay as long as one that was uploaded just now."""
        self._uploads.setdefault(sha256, Upload(sha256, 0, 0, now))
        self.finish(sha256, now)

    def forget(self, sha256: str) -> None:
        """Strike an upload."""
        self._uploads.pop(sha256, None)

    def keeps(self, sha256: str, now: float) -> bool:
        """Return whether a module is to stay on disk for somebody who will deploy it."""
        upload = self._uploads.get(sha256)
        return upload is not None and upload.is_whole and now < upload.touched_at + self.kept_s

    def expired(self, now: float) -> list[Upload]:
        """Return what was kept long enough."""
        return [upload for upload in self._uploads.values() if now >= upload.touched_at + self.kept_s]

    def unfinished(self) -> Iterator[Upload]:
        """Yield what is on its way."""
        return (upload for upload in self._uploads.values() if not upload.is_whole)

    def _check_size(self, size_bytes: int) -> None:
        if size_bytes <= 0:
            raise InvalidArgument(
                "an upload needs the size of the module",
                hint="the first message has sha256 and size_bytes",
            )
        if size_bytes > self._module_bytes_max:
            raise ResourceLimit(
                f"the module has {size_bytes:,} bytes",
                why=f"at most {self._module_bytes_max:,} are taken",
                hint="strip it (wasm-opt -Os, wasm-strip), or raise agents.module_bytes_max",
            )

    def _check_room(self, sha256: str, size_bytes: int) -> None:
        others = [upload for upload in self._uploads.values() if upload.sha256 != sha256]
        promised = sum(max(upload.size_bytes, upload.received_bytes) for upload in others)
        if sum(not upload.is_whole for upload in others) >= UNFINISHED_MAX:
            why = f"{UNFINISHED_MAX} uploads are unfinished"
        elif promised + size_bytes > self._bytes_max:
            why = f"uploads may take {self._bytes_max // _MIB:,} MiB, and {promised // _MIB:,} are taken"
        else:
            return
        raise ResourceLimit(
            "no more uploads are taken now",
            why=why,
            hint=f"one that nobody goes on with or deploys goes after {self.kept_s / 60:.0f} minutes",
        )
