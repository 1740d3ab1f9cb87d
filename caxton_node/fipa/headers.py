"""Headers in text and JSON: values are MessagePack, and not all of it can be said in either. Pure."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping

import msgspec

from caxton_node.fipa.message import Text

Headers = dict[str, msgspec.Raw]
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError, TypeError, OverflowError, RecursionError)
"""What decoding may raise for MessagePack or JSON from outside."""

_as_json = msgspec.json.Decoder(dict[Text, msgspec.Raw]).decode
_as_words = msgspec.json.Decoder(dict[Text, str]).decode


def text_header(text: str) -> msgspec.Raw:
    """Return the value of a header that is text."""
    return msgspec.Raw(msgspec.msgpack.encode(text))


def header_text(value: msgspec.Raw) -> str:
    """Return a header's value as text: itself if it is text, else its JSON, else its bytes in hexadecimal."""
    try:
        found = msgspec.msgpack.decode(value)
        return found if isinstance(found, str) else msgspec.json.encode(found).decode()
    except UNREADABLE:
        return bytes(value).hex()


def write_headers(headers: Mapping[str, msgspec.Raw]) -> Iterator[tuple[str, object]]:
    """Yield the keys of a message for its headers: those that JSON can hold, and the others in base64."""
    as_json, as_base64 = {}, {}
    for name, raw in headers.items():
        value = _value_as_json(raw)
        if value is None:
            as_base64[name] = b64encode(bytes(raw)).decode()
        else:
            as_json[name] = value
    if as_json or not as_base64:
        yield "headers", as_json
    if as_base64:
        yield "headers_msgpack", as_base64


def read_headers(data: msgspec.Raw) -> Headers:
    """Read an object of JSON values; raises one of `UNREADABLE`."""
    values = _as_json(data)
    return {
        name: msgspec.Raw(msgspec.msgpack.encode(msgspec.json.decode(value)))
        for name, value in values.items()
    }


def read_packed_headers(data: msgspec.Raw) -> Headers:
    """Read an object of MessagePack in base64; raises one of `UNREADABLE`."""
    found = {name: b64decode(value, validate=True) for name, value in _as_words(data).items()}
    for value in found.values():
        msgspec.msgpack.decode(value, type=msgspec.Raw)  # what is none would break the whole envelope
    return {name: msgspec.Raw(value) for name, value in found.items()}


def _value_as_json(raw: msgspec.Raw) -> msgspec.Raw | None:
    """Return the value in JSON if it comes back as the same bytes, else None."""
    try:
        written = msgspec.json.encode(msgspec.msgpack.decode(raw))
        same = msgspec.msgpack.encode(msgspec.json.decode(written)) == bytes(raw)
    except UNREADABLE:
        return None
    return msgspec.Raw(written) if same else None
