"""Large modules sent up in pieces, and on from where they were when the connection broke."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from caxton_node.core.errors import CaxtonError, InternalError, NotFound, Unavailable

if TYPE_CHECKING:
    from caxton_node.client.channel import Channel
    from caxton_node.pb import uploads_pb2

LARGE_BYTES = 4 * 1024 * 1024
PIECE_BYTES = 512 * 1024
ATTEMPTS = 4
BYTES_PER_S_MIN = 256 * 1024
MAGIC = b"\0asm"

Progress = Callable[[int, int], None]
"""Told how many bytes of how many are there."""


def is_large(module: bytes) -> bool:
    """Return whether a module is sent in pieces: it is large, and WebAssembly in its binary form."""
    return len(module) > LARGE_BYTES and module.startswith(MAGIC)


def upload(
    channel: Channel, module: bytes, *, timeout_s: float, progress: Progress | None = None
) -> uploads_pb2.UploadModuleResponse:
    """Send a module up; it is deployed by its digest.

    Args:
        channel: The way to the node.
        module: WebAssembly in its binary form.
        timeout_s: What a call may take, on top of the time for the bytes.
        progress: Told as the pieces go out.

    Raises:
        InvalidModule: It is not WebAssembly.
        ResourceLimit: The node takes none so large, or not so many.
        Unavailable: The connection broke again and again; what has come is kept for an hour.
    """
    sha256 = hashlib.sha256(module).hexdigest()
    for attempt in range(ATTEMPTS):
        try:
            return _send(channel, module, sha256, timeout_s, progress or _ignore)
        except Unavailable:
            if attempt == ATTEMPTS - 1:
                raise
    raise AssertionError("the last attempt returns or raises")


def _send(
    channel: Channel, module: bytes, sha256: str, timeout_s: float, progress: Progress
) -> uploads_pb2.UploadModuleResponse:
    from caxton_node.pb import uploads_pb2 as pb  # noqa: PLC0415  only for large modules

    asked = pb.GetUploadRequest(sha256=sha256)
    found = channel.call("ModuleService/GetUpload", asked, pb.GetUploadResponse, timeout_s=timeout_s)
    begin = 0 if found.is_whole else found.received_bytes

    def requests() -> Iterator[pb.UploadModuleRequest]:
        yield pb.UploadModuleRequest(sha256=sha256, size_bytes=len(module), offset=begin)
        for offset in range(begin, len(module), PIECE_BYTES):
            progress(offset, len(module))
            yield pb.UploadModuleRequest(data=module[offset : offset + PIECE_BYTES])

    answer = channel.upload(
        "ModuleService/UploadModule",
        requests(),
        pb.UploadModuleResponse,
        timeout_s=timeout_s + len(module) / BYTES_PER_S_MIN,
    )
    progress(len(module), len(module))
    return answer


def sent_ahead(
    channel: Channel, module: bytes, module_sha256: str, *, timeout_s: float, progress: Progress | None
) -> tuple[bytes, str]:
    """Return what a deployment carries: a small module as it is, of a large one the digest alone.

    A node of before uploads gets it whole, as it always did.
    """
    sha256 = hashlib.sha256(module).hexdigest() if is_large(module) else ""
    # A digest that is not that of the module is the node's to refuse, as it does with small ones.
    if not sha256 or module_sha256.removeprefix("sha256:").lower() not in {"", sha256}:
        return module, module_sha256
    try:
        upload(channel, module, timeout_s=timeout_s, progress=progress)
    except (InternalError, NotFound) as err:
        if not _is_unknown(err):
            raise
        return module, module_sha256
    return b"", sha256


def _is_unknown(err: CaxtonError) -> bool:
    return "UNIMPLEMENTED" in err.what


def _ignore(_sent: int, _whole: int) -> None:
    """Tell nobody."""
