"""From messages to JSON and to what the client takes."""

from __future__ import annotations

import gzip
import re

import msgspec
from google.protobuf.message import Message

from caxton_node.api.rest.proto_json import to_dict

GZIP_FROM_BYTES = 1400
GZIP_SAVES_MIN = 0.1
_LEVEL = 4
_Q_ZERO = re.compile(r"q=0(\.0{0,3})?")

_encode = msgspec.json.Encoder().encode


def to_json(message: Message) -> bytes:
    """Return a message as proto JSON, its names as in the proto, its defaults written out."""
    return _encode(to_dict(message))


def takes_gzip(accept_encoding: str) -> bool:
    """Tell whether a client takes gzip."""
    if not accept_encoding:
        return False
    offers = {}
    for part in accept_encoding.lower().split(","):
        name, _, parameters = part.partition(";")
        offers[name.strip()] = not _Q_ZERO.fullmatch(parameters.replace(" ", ""))
    return offers.get("gzip", offers.get("*", False))


def pack(body: bytes) -> bytes | None:
    """Return a body gzipped, or None if that would not pay."""
    if len(body) < GZIP_FROM_BYTES:
        return None
    packed = gzip.compress(body, _LEVEL, mtime=0)
    return packed if len(packed) <= len(body) * (1 - GZIP_SAVES_MIN) else None
