"""Messages as JSON for REST and programs: one object, with the names of the envelope's fields.

    {"performative": "request", "receivers": ["mason"], "content": {"task": "wall"}, "reply_with": "r1"}

The content stands under one of three keys, so that no content can be taken for another: `content` is a JSON
value, for the language `json` (or none); `content_text` is text in whatever language; `content_base64` is
bytes. A JSON value is carried as it is written, digit by digit, and never made into objects.

Headers are JSON values; those that JSON cannot hold (bytes, for instance) stand under `headers_msgpack`,
each as the base64 of its MessagePack. A key that is null counts as absent, but not `content`, where null is a
value.

Source: FIPA SC00061G (parameters); this form is our own, FIPA has none in JSON.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, get_type_hints

import msgspec

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa.content import DEPTH_SURE, is_json, is_sound
from caxton_node.fipa.headers import UNREADABLE, read_headers, read_packed_headers, write_headers
from caxton_node.fipa.instants import MS_PER_S, US_PER_S, read_rfc3339, write_rfc3339
from caxton_node.fipa.message import HEADERS_MAX, POSITIONS, Envelope, Instant
from caxton_node.fipa.performatives import parse_performative
from caxton_node.fipa.rules import CONTENT_BYTES_CAP

JSON_BYTES_MAX = 6 * CONTENT_BYTES_CAP + 1024 * 1024  # a content of control characters only, and the rest
CONTENT_KEYS = ("content", "content_text", "content_base64")
DEPTH_SPARE = 200
_encode = msgspec.json.Encoder().encode
_walk = msgspec.json.Decoder(msgspec.Raw).decode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class MalformedJson(InvalidMessage):
    """JSON that is no message; nothing of it was used.

    Args:
        reason: What was expected and what came instead.
        field: The key at fault, None when it is no JSON object at all.
    """

    code = "MALFORMED_JSON"

    def __init__(self, reason: str, field: str | None = None) -> None:
        self.reason = reason
        self.field = field
        place = f" at {field}" if field else ""
        super().__init__(
            f"malformed message{place}",
            why=reason,
            hint='for example {"performative": "request", "receivers": ["echo"], "content": {"a": 1}}',
        )


# -- writing ------------------------------------------------------------------------------------------------


def write_json(envelope: Envelope) -> bytes:
    """Write a message; fields that are absent are left out. Reading it gives the same envelope again."""
    return _encode(dict(_pairs(envelope)))


def _pairs(envelope: Envelope) -> Iterator[tuple[str, object]]:
    for field in POSITIONS:
        value = getattr(envelope, field)
        if value is None:
            continue
        match field:
            case "performative":
                yield field, value.word
            case "receivers":
                yield field, envelope.receiver_list()
            case "content":
                yield _write_content(envelope, value)
            case "reply_by":
                yield field, write_rfc3339(value, MS_PER_S) or value
            case "sent_at":
                yield field, write_rfc3339(value, US_PER_S)
            case "message_id" | "trace":
                yield field, value.hex()
            case "headers":
                yield from write_headers(value)
            case _:
                yield field, value


def _write_content(envelope: Envelope, content: bytes) -> tuple[str, object]:
    """Choose the first of the three keys that gives the same bytes back."""
    if is_json(envelope.language, envelope.encoding) and _is_carried(content):
        return "content", msgspec.Raw(content)
    try:
        return "content_text", content.decode()
    except UnicodeDecodeError:
        return "content_base64", b64encode(content).decode()


def _is_carried(content: bytes) -> bool:
    """Tell whether a reader finds these very bytes in a larger text: without blanks around, not too deep."""
    if not is_sound(content, None, None):
        return False
    nests = content.count(b"[") + content.count(b"{") > DEPTH_SURE
    spare = DEPTH_SPARE if nests else 0  # whoever reads it may stand deeper in its stack than we do
    try:
        _walk(b"[" * spare + content + b"]" * spare)
        return bytes(_object(b'{"content":%b}' % content)["content"]) == content
    except UNREADABLE:
        return False


# -- reading ------------------------------------------------------------------------------------------------


def read_json(data: bytes) -> Envelope:
    """Read one message.

    Args:
        data: A JSON object in UTF-8, at most `JSON_BYTES_MAX`.

    Raises:
        MalformedJson: It is no message; names the key. Rules and addresses are not checked.
    """
    if len(data) > JSON_BYTES_MAX:
        raise MalformedJson(f"a text of {len(data):,} bytes, {JSON_BYTES_MAX:,} are read")
    try:
        data.decode()  # the reader does not look into values that it only carries
        items = _object(data)
    except UNREADABLE as err:
        raise MalformedJson(f"not a JSON object: {_reason(err)}") from err
    unknown = next((key for key in items if key not in _READERS), None)
    if unknown is not None:
        raise MalformedJson(f"there is no key {unknown[:80]!r}{_meant(unknown)}", unknown[:80])
    found = {key: _read(key, raw) for key, raw in items.items() if key == "content" or bytes(raw) != b"null"}
    return _assemble(found)


def _read(key: str, raw: msgspec.Raw) -> Any:  # noqa: ANN401  whatever the key's reader makes
    try:
        return _READERS[key](raw)
    except InvalidMessage as err:
        raise MalformedJson(f"{err.what}: {err.hint}", key) from err
    except UNREADABLE as err:
        raise MalformedJson(_reason(err), key) from err


def _assemble(found: dict[str, Any]) -> Envelope:
    """Make the envelope of values that are within its bounds, each by itself."""
    if "performative" not in found:
        raise MalformedJson("a message needs a performative", "performative")
    if "receiver" in found and "receivers" in found:
        raise MalformedJson("either receiver or receivers, not both", "receiver")
    values = {key: value for key, value in found.items() if key in POSITIONS}
    receivers = found.get("receivers", found.get("receiver"))
    if isinstance(receivers, list) and len(receivers) == 1:
        receivers = receivers[0]
    headers = found.get("headers", {}) | found.get("headers_msgpack", {})
    if len(headers) > HEADERS_MAX:
        raise MalformedJson(f"{len(headers)} headers, {HEADERS_MAX} are allowed", "headers")
    given = "headers" in found or "headers_msgpack" in found
    values |= {"receivers": receivers, "content": _content_of(found), "headers": headers if given else None}
    return Envelope(**values)


def _content_of(found: dict[str, Any]) -> bytes | None:
    given = [key for key in CONTENT_KEYS if key in found]
    if len(given) > 1:
        raise MalformedJson(f"{given[0]} and {given[1]} at once; a message has one content", given[1])
    if given == ["content"] and not is_json(found.get("language"), found.get("encoding")):
        reason = "a JSON value, but language and encoding say otherwise; use content_text or content_base64"
        raise MalformedJson(reason, "content")
    return found[given[0]] if given else None


def _reader(field: str) -> Callable[[msgspec.Raw], Any]:
    """Return what reads a field whose JSON is like its MessagePack."""
    return msgspec.json.Decoder(_TYPES[field]).decode


def _read_hex(field: str) -> Callable[[msgspec.Raw], bytes]:
    def read(raw: msgspec.Raw) -> bytes:
        found: bytes = msgspec.convert(bytes.fromhex(_string(raw)), _TYPES[field])
        return found

    return read


def _read_instant(per_second: int) -> Callable[[msgspec.Raw], int]:
    def read(raw: msgspec.Raw) -> int:
        value: int | str = msgspec.json.decode(raw, type=Instant | str)
        return read_rfc3339(value, per_second) if isinstance(value, str) else value

    return read


def _string(raw: msgspec.Raw) -> str:
    found: str = msgspec.json.decode(raw, type=str)
    return found


def _reason(err: Exception) -> str:
    return "nested too deeply" if isinstance(err, RecursionError) else str(err)


def _meant(key: str) -> str:
    close = get_close_matches(key.lower().replace("-", "_"), _READERS, 1)
    return f"; did you mean {close[0]}?" if close else ""


_TYPES = get_type_hints(Envelope, include_extras=True)
_READERS: dict[str, Callable[[msgspec.Raw], Any]] = {
    "performative": lambda raw: parse_performative(_string(raw)),
    **{
        field: _reader(field)
        for field in (
            "sender", "receivers", "conversation_id", "reply_with", "in_reply_to",
            "ontology", "language", "encoding", "protocol", "reply_to",
        )
    },
    "receiver": _reader("receivers"),
    "content": bytes,
    "content_text": lambda raw: _string(raw).encode(),
    "content_base64": lambda raw: b64decode(_string(raw), validate=True),
    "reply_by": _read_instant(MS_PER_S),
    "message_id": _read_hex("message_id"),
    "sent_at": _read_instant(US_PER_S),
    "trace": _read_hex("trace"),
    "headers": read_headers,
    "headers_msgpack": read_packed_headers,
}  # fmt: skip
KEYS = tuple(_READERS)
"""Every key of a message, `receiver` as another word for `receivers`."""
