"""Bytes from a guest that are no envelope: cut, of wrong types, beyond bounds, in broken text, nested."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from caxton_node.fipa.message import POSITIONS
from tests.conformance.fipa.malformed import Case

TALK, QUESTION = "talk-1", "q-1"
EXT = msgspec.msgpack.Ext(5, b"abc")
GOOD: tuple[object, ...] = (
    0x13, None, "other", b'{"n": 1}', TALK, QUESTION, "q-0", 1_700_000_060_000, "things", "json", "utf-8",
    "x-trade", "desk@node-1", bytes(range(16)), 1_700_000_000_000_000, bytes(25), {"site": "here"},
)  # fmt: skip
"""A message that has everything and is good."""

SHORT = POSITIONS.index("message_id")
"""Positions that a guest writes."""

TEXTS = (
    "sender", "receivers", "conversation_id", "reply_with", "in_reply_to", "ontology", "language", "encoding",
    "protocol", "reply_to",
)  # fmt: skip
_SHOWN = {"conversation_id", "reply_with"}  # if one of these is broken, the answer cannot name it


def pack(*items: object) -> bytes:
    """Return an array."""
    return msgspec.msgpack.encode(items)


def with_field(field: str, value: object, count: int = len(GOOD)) -> bytes:
    """Return the good message with one field changed; `msgspec.Raw` puts bytes in as they are.

    Args:
        field: Which.
        value: What stands there instead.
        count: Positions that are written. A host reads short frames, as guests send them, in another way.
    """
    changed = [value if name == field else good for name, good in zip(POSITIONS, GOOD, strict=True)]
    return pack(*changed[:count])


def _both(family: str, name: str, field: str, value: object, words: str) -> Iterator[Case]:
    """Put a value into a whole message, and into a short one if it has the position."""
    known = field not in _SHOWN
    yield Case(family, f"{field} {name}", with_field(field, value), words, field, known)
    if POSITIONS.index(field) < SHORT:
        data = with_field(field, value, SHORT)
        yield Case(family, f"{field} {name}, short", data, words, field, known)


def _cuts() -> Iterator[Case]:
    """Cut the good message before and within each of its positions."""
    for count, start, form in (
        (len(GOOD), 3, ""),
        (SHORT, 1, ", short"),
    ):  # behind the array's type and count
        whole = pack(*GOOD[:count])
        for field, value in zip(POSITIONS, GOOD[:count], strict=False):
            size = len(msgspec.msgpack.encode(value))
            yield Case("cut", f"before {field}{form}", whole[:start], "truncated", known=False)
            if size > 1:
                half = whole[: start + size // 2]
                yield Case("cut", f"within {field}{form}", half, "truncated", known=False)
            start += size  # noqa: PLW2901  it walks along the frame
    whole = pack(*GOOD)
    yield Case("cut", "within the count", whole[:2], "truncated", known=False)


def _no_arrays() -> Iterator[Case]:
    found: Mapping[str, tuple[bytes, str]] = {
        "nothing": (b"", "truncated"),
        "a byte that MessagePack has not": (b"\xc1", "byte 0"),
        "a number": (b"\x05", "got `int`"),
        "a negative number": (b"\xff", "got `int`"),
        "nil": (b"\xc0", "got `None`"),
        "a boolean": (b"\xc3", "got `bool`"),
        "a float": (msgspec.msgpack.encode(1.5), "got `float`"),
        "NaN": (msgspec.msgpack.encode(float("nan")), "got `float`"),
        "text": (msgspec.msgpack.encode("inform"), "got `str`"),
        "bytes": (msgspec.msgpack.encode(b"inform"), "got `bytes`"),
        "an extension": (msgspec.msgpack.encode(EXT), "got `ext`"),
        "a map": (msgspec.msgpack.encode({"performative": 8}), "got `object`"),
        "JSON": (b'{"performative": "inform"}', "got `int`"),
        "FIPA's string form": (b'(inform :content "x")', "got `int`"),
        "an array that promises four billion elements": (b"\xdd\xff\xff\xff\xff\x08", "truncated"),
        "a text that promises four gigabytes": (b"\x93\x08\xc0\xdb\xff\xff\xff\xffabc", "truncated"),
        "bytes that promise four gigabytes": (b"\x94\x08\xc0\xa1a\xc6\xff\xff\xff\xffabc", "truncated"),
        "one byte behind it": (pack(*GOOD) + b"\x00", "trailing"),
        "two in one frame": (pack(*GOOD) * 2, "trailing"),
        "a nested array alone": (b"\x91" * 100_000, "got `array`"),
    }
    for name, (data, words) in found.items():
        field = "performative" if name == "a nested array alone" else None
        yield Case("no array", name, data, words, field, known=False)
    yield Case("no array", "an empty array", b"\x90", "at least length 1", "performative", known=False)


_NO_TEXT = {
    "number": 7,
    "bytes": b"x",
    "array": ["x"],
    "map": {"x": 1},
    "boolean": True,
    "float": 1.5,
    "ext": EXT,
}
_WRONG: dict[str, dict[str, object]] = {
    "performative": {
        "nil": None, "text": "inform", "bytes": b"\x08", "boolean": True, "float": 8.5, "array": [8],
        "map": {8: 8}, "ext": EXT,
    },
    **{field: {kind: _NO_TEXT[kind] for kind in kinds} for field, kinds in {
        "sender": ("number", "array"), "conversation_id": ("number", "map"), "reply_with": ("bytes", "ext"),
        "in_reply_to": ("float", "array"), "ontology": ("boolean", "map"), "language": ("bytes", "number"),
        "encoding": ("array", "number"), "protocol": ("map", "ext"), "reply_to": ("number", "array"),
    }.items()},
    "receivers": {"number": 7, "bytes": b"other", "map": {"other": 1}, "boolean": False, "ext": EXT,
                  "array of numbers": ["other", 7], "array with nil": [None], "array of arrays": [["other"]]},
    "content": {"text": "x", "number": 7, "array": [1], "map": {"n": 1}, "boolean": True, "ext": EXT},
    "reply_by": {"text": "2026-11-25T12:00:00Z", "float": 1.5, "NaN": float("nan"), "infinity": float("inf"),
                 "bytes": b"\x01", "boolean": True, "array": [1],
                 "timestamp": msgspec.Raw(b"\xd6\xff\x65\x00\x00\x00")},
    "message_id": {"text": "0" * 16, "number": 7, "array": [0] * 16, "ext": EXT},
    "sent_at": {"text": "now", "float": 0.5, "NaN": float("nan"), "bytes": b"\x01", "map": {}},
    "trace": {"text": "0" * 25, "number": 7, "map": {"trace": b""}, "boolean": False},
    "headers": {"text": "site", "number": 7, "array": ["site"], "bytes": b"site", "ext": EXT,
                "number as name": {1: "x"}, "bytes as name": {b"n": 1}, "nil as name": {None: 1}},
}  # fmt: skip


def _wrong_types() -> Iterator[Case]:
    for field, values in _WRONG.items():
        for kind, value in values.items():
            words = "Expected" if kind != "NaN" else "got `float`"
            yield from _both("wrong type", kind, field, value, words)


_BOUNDS: dict[str, dict[str, tuple[object, str]]] = {
    "performative": {
        "zero": (0, "enum value 0"), "23": (23, "enum value 23"), "200": (200, "enum value 200"),
        "negative": (-1, "enum value -1"), "enormous": (2**64 - 1, "enum value"),
    },
    "receivers": {
        "none of them": ([], "length >= 1"), "257 of them": (["other"] * 257, "length <= 256"),
        "65,536 of them": (["o"] * 65_536, "length <= 256"), "an empty one": (["other", ""], "length >= 1"),
        "one too long": (["other", "o" * 256], "length <= 255"),
    },
    "reply_by": {"negative": (-1, ">= 0"), "most negative": (-(2**63), ">= 0"), "beyond": (2**53 + 1, "<= "),
                 "enormous": (2**64 - 1, "<= ")},
    "sent_at": {"negative": (-1, ">= 0"), "beyond": (2**54, "<= ")},
    "message_id": {"empty": (b"", "length >= 16"), "15 bytes": (bytes(15), "length >= 16"),
                   "17 bytes": (bytes(17), "length <= 16"), "a megabyte": (bytes(2**20), "length <= 16")},
    "trace": {"empty": (b"", "length >= 25"), "24 bytes": (bytes(24), "length >= 25"),
              "26 bytes": (bytes(26), "length <= 25")},
    "headers": {"65 of them": ({f"h{n}": n for n in range(65)}, "length <= 64"),
                "an empty name": ({"": 1}, "length >= 1"),
                "a name too long": ({"h" * 256: 1}, "length <= 255")},
}  # fmt: skip


def _beyond_bounds() -> Iterator[Case]:
    for field in TEXTS:
        yield from _both("bounds", "empty", field, "", "length >= 1")
        yield from _both("bounds", "256 characters", field, "x" * 256, "length <= 255")
    yield Case("bounds", "a megabyte of ontology", with_field("ontology", "x" * 2**20), "<= 255", "ontology")
    for field, values in _BOUNDS.items():
        for name, (value, words) in values.items():
            yield from _both("bounds", name, field, value, words)


_BROKEN_TEXT = {
    "a lone byte": b"\xa1\xff",
    "a cut character": b"\xa2x\xc3",
    "half of a pair": b"\xa3\xed\xa0\x80",
    "an overlong slash": b"\xa2\xc0\xaf",
}


def _broken_texts() -> Iterator[Case]:
    for field in TEXTS:
        for name in ("a lone byte", "a cut character") if field != "receivers" else _BROKEN_TEXT:
            yield from _both("text", f"has {name}", field, msgspec.Raw(_BROKEN_TEXT[name]), "not UTF-8")
    listed = with_field("receivers", msgspec.Raw(b"\x92\xa5other\xa1\xff"))
    yield Case("text", "a receiver in a list", listed, "not UTF-8", "receivers")
    named = with_field("headers", msgspec.Raw(b"\x81\xa1\xff\x01"))
    yield Case("text", "the name of a header", named, "not UTF-8", "headers")


def _bombs() -> Iterator[Case]:
    for name, bomb in (("arrays", b"\x91" * 100_000 + b"\xc0"), ("maps", b"\x81\xa1h" * 100_000 + b"\xc0")):
        header = msgspec.Raw(b"\x81\xa1h" + bomb)
        yield Case(
            "bomb", f"{name} in a header", with_field("headers", header), "too deeply", "headers", False
        )
        for field in ("content", "receivers", "trace"):
            data = with_field(field, msgspec.Raw(bomb))
            words = "got `array`" if name == "arrays" else "got `object`"
            yield Case("bomb", f"{name} as {field}", data, words, field, known=False)


ENVELOPES = (
    *_cuts(),
    *_no_arrays(),
    *_wrong_types(),
    *_beyond_bounds(),
    *_broken_texts(),
    *_bombs(),
)
"""Answered with NOT_UNDERSTOOD; nothing of them is delivered."""
