"""What nodes say to each other about modules: `modules.find` and `modules.read`, as MessagePack arrays."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec

from caxton_node.core.errors import InvalidArgument

FIND, READ = "modules.find", "modules.read"
SIZE_CAP = 2**40
PIECE_BYTES_MAX = 1024 * 1024

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")

Digest = Annotated[str, msgspec.Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Size = Annotated[int, msgspec.Meta(ge=0, le=SIZE_CAP)]


class Find(msgspec.Struct, array_like=True, frozen=True):
    """Do you have this module?"""

    sha256: Digest


class Held(msgspec.Struct, array_like=True, frozen=True):
    """The answer: whether it is there, sound, and how large."""

    is_here: bool
    size_bytes: Size = 0


class Piece(msgspec.Struct, array_like=True, frozen=True):
    """Give me these bytes of it; the answer is the bytes alone."""

    sha256: Digest
    offset: Size
    length: Annotated[int, msgspec.Meta(ge=1, le=PIECE_BYTES_MAX)]


encode = msgspec.msgpack.Encoder().encode
decode_find = msgspec.msgpack.Decoder(Find).decode
decode_held = msgspec.msgpack.Decoder(Held).decode
decode_piece = msgspec.msgpack.Decoder(Piece).decode


def check_digest(text: str) -> str:
    """Return a digest as it is; `sha256:` in front of it, and capitals, are for people.

    Raises:
        InvalidArgument: It is not 64 hexadecimal digits.
    """
    digest = text.removeprefix("sha256:").lower()
    if not _DIGEST.match(digest):
        raise InvalidArgument(
            f"{text!r} is not the digest of a module",
            why="it is 64 hexadecimal digits",
            hint="caxton agent get NAME -o json shows the module of an agent",
        )
    return digest
