"""Good envelopes that break a rule, go nowhere, are too large, or whose content is not what it says."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.fipa.rules import HEADERS_BYTES_MAX, HEADERS_DEPTH_MAX
from tests.conformance.fipa.acts import ACTS
from tests.conformance.fipa.malformed import Case
from tests.conformance.fipa.malformed_bytes import QUESTION, TALK

CONTENT_BYTES_MAX = 1_000
"""What the sender of these may send."""


def message(act: Performative = Performative.INFORM, content: bytes | None = b"{}", **more: object) -> bytes:
    """Return a frame to `other`, in the conversation of all cases."""
    fields = {"receivers": "other", "conversation_id": TALK, "reply_with": QUESTION, **more}
    return encode(Envelope(act, content=content, **fields))  # type: ignore[arg-type]  # fields by name


def _rules() -> Iterator[Case]:
    for act in ACTS:
        if act.needs_content:
            data = message(Performative(act.code), None)
            yield Case(
                "rule", f"{act.word} without a content", data, f"{act.word} needs a content", "content"
            )
    for act in ("inform", "agree", "cancel", "request"):
        data = message(Performative[act.upper()], receivers=None)
        yield Case("rule", f"{act} to nobody", data, "needs a receiver", "receivers")
    for address in (
        "My Desk",
        "DESK",
        "@n1",
        "a/b/c",
        "desk@node_2",
        "x" * 64,
        "(",
        "desk\n",
        "-desk",
        "désk",
    ):
        data = message(reply_to=address, reply_by=4_000_000_000_000)
        yield Case("rule", f"answers to {address!r}", data, "nobody can answer to it", "reply_to")


def _headers() -> Iterator[Case]:
    deep = HEADERS_DEPTH_MAX + 1
    found = {
        "arrays too deep": (b"\x91" * deep + b"\xc0", "nest deeper"),
        "maps too deep": (b"\x81\x01" * deep + b"\xc0", "nest deeper"),
        "arrays much too deep": (b"\x91" * 900 + b"\xc0", "nest deeper"),
        "a text too large": (
            msgspec.msgpack.encode("x" * HEADERS_BYTES_MAX),
            "headers of more than",
        ),
        "a million empty maps": (
            b"\xdd" + (1_000_000).to_bytes(4, "big") + b"\x80" * 1_000_000,
            "headers of more than",
        ),
        "a map as the key of a map": (b"\x81\x80\x01", "cannot be read"),
        "a text that is none": (b"\xa1\xff", "cannot be read"),
    }
    for name, (value, words) in found.items():
        yield Case(
            "rule", f"header with {name}", message(headers={"h": msgspec.Raw(value)}), words, "headers"
        )
    many = {f"h{n}": msgspec.Raw(msgspec.msgpack.encode("x" * 300)) for n in range(60)}
    yield Case("rule", "headers too large together", message(headers=many), "headers of more than", "headers")


BROKEN_RULES = (*_rules(), *_headers())
"""Answered with NOT_UNDERSTOOD."""

NEVER_ANSWERED = (
    Case("rule", "failure to nobody", message(Performative.FAILURE, receivers=None), ""),
    Case("rule", "not-understood to nobody", message(Performative.NOT_UNDERSTOOD, receivers=None), ""),
)
"""Counted, but an answer to them could begin a loop."""

_NO_ADDRESSES = (
    "Other", "oth er", " other", "other ", "other\n", "-other", "other-", "oth_er ", "öther", "other@Node",
    "other@n_1", "other@-n", "other@a@b", "@node-1", "#1@node-1", "a/b/c", "/other", "acme/", "o" * 64,
    "other@" + "n" * 64, "other\x00", "(set other)",
)  # fmt: skip
_NOBODY = ("nobody", "acme/other", "nobody@node-1", "other2", "default/others")

ADDRESSES = (
    *(Case("address", repr(each)[:40], message(receivers=each), "is not a") for each in _NO_ADDRESSES),
    *(Case("address", each, message(receivers=each), "no agent") for each in _NOBODY),
)
"""Answered with FAILURE `no-such-agent`."""

OVERSIZE = (
    *(
        Case("oversize", f"{size} bytes", message(content=b"1" * size), f"content of {size} bytes", "content")
        for size in (CONTENT_BYTES_MAX + 1, 65_536, 2**20)
    ),
    Case("oversize", "and not JSON", message(content=b"x" * 5_000), "content of 5000 bytes", "content"),
    Case("oversize", "agree", message(Performative.AGREE, b"1" * 5_000), "content of 5000 bytes", "content"),
)
"""Answered with FAILURE `oversize`."""

_NO_JSON = {
    "words": (b"hello world", "invalid character (byte 0)"),
    "nothing but blanks": (b" \n", "ends too early (byte 2)"),
    "a text without quotes": (b"{a: 1}", "(byte 1)"),
    "single quotes": (b"{'a': 1}", "(byte 1)"),
    "Python's None": (b'{"a": None}', "invalid character (byte 6)"),
    "NaN": (b"NaN", "invalid character (byte 0)"),
    "infinity": (b"[Infinity]", "invalid character (byte 1)"),
    "minus infinity": (b"-Infinity", "invalid character (byte 1)"),
    "a leading zero": (b"01", "invalid number (byte 1)"),
    "a leading plus": (b"+1", "invalid character (byte 0)"),
    "a leading point": (b".5", "invalid character (byte 0)"),
    "a trailing point": (b"[5.]", "invalid number (byte 3)"),
    "an exponent without digits": (b"1e", "invalid number (byte 2)"),
    "a hexadecimal number": (b"0x1f", "trailing characters (byte 1)"),
    "a minus alone": (b"-", "invalid character (byte 1)"),
    "two values": (b"1 2", "trailing characters (byte 2)"),
    "an object twice": (b"{}{}", "trailing characters (byte 2)"),
    "a comment": (b"1 // one", "trailing characters (byte 2)"),
    "a comma at the end of an array": (b"[1,]", "trailing comma in array (byte 3)"),
    "a comma at the end of an object": (b'{"a": 1,}', "trailing comma in object (byte 8)"),
    "a comma alone": (b"[,]", "invalid character (byte 1)"),
    "two commas": (b"[1,,2]", "invalid character (byte 3)"),
    "no comma": (b"[1 2]", "expected ',' or ']' (byte 3)"),
    "no colon": (b'{"a" 1}', "expected ':' (byte 5)"),
    "no value": (b'{"a":}', "invalid character (byte 5)"),
    "a number as key": (b"{1: 2}", "(byte 1)"),
    "the wrong bracket": (b"[1}", "(byte 2)"),
    "an open array": (b"[1, 2", "ends too early (byte 5)"),
    "an open object": (b'{"a": {"b": 1}', "ends too early (byte 14)"),
    "an open text": (b'{"a": "b', "ends too early (byte 8)"),
    "half a word": (b"tru", "ends too early (byte 3)"),
    "a word with more": (b"nulls", "trailing characters (byte 4)"),
    "a word in capitals": (b"True", "invalid character (byte 0)"),
    "a raw line break in a text": (b'"a\nb"', "invalid character (byte 2)"),
    "a raw NUL in a text": (b'"a\x00b"', "invalid character (byte 2)"),
    "a raw tab in a key": (b'{"a\tb": 1}', "invalid character (byte 3)"),
    "an escape that JSON has not": (b'"\\x41"', "(byte 2)"),
    "an escape with too few digits": (b'"\\u12"', "content is not JSON"),
    "an escape with a letter": (b'"\\u12g4"', "unicode escape (byte 5)"),
    "an escape at the end": (b'"\\', "ends too early (byte 2)"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "invalid character (byte 0)"),
    "UTF-16": ('{"a":1}'.encode("utf-16-le"), "(byte 1)"),
    "Latin-1": ('{"name": "José"}'.encode("latin-1"), "not UTF-8: invalid continuation byte (byte 13)"),
    "half a surrogate pair in bytes": (b'"\xed\xa0\x80"', "not UTF-8: invalid continuation byte (byte 1)"),
    "an overlong character": (b'"\xc0\xaf"', "not UTF-8: invalid start byte (byte 1)"),
    "a character cut off": (b'"\xe2\x82"', "not UTF-8: invalid continuation byte (byte 1)"),
    "bytes in a key": (b'{"\xff": 1}', "not UTF-8: invalid start byte (byte 2)"),
    "MessagePack": (msgspec.msgpack.encode({"a": 1}), "not UTF-8: invalid start byte (byte 0)"),
    "gzip": (b"\x1f\x8b\x08\x00", "not UTF-8: invalid start byte (byte 1)"),
    "XML": (b"<a/>", "invalid character (byte 0)"),
    "FIPA SL": (b"((action me (go)))", "invalid character (byte 0)"),
    "a full-width digit": ("\uff11".encode(), "invalid character (byte 0)"),
    "a blank that JSON has not": (b"\x0c1", "invalid character (byte 0)"),
    "a no-break space": ("\u00a01".encode(), "invalid character (byte 0)"),
}
_BOMBS = {
    "arrays without end": b"[" * 100_000,
    "objects without end": b'{"a":' * 100_000,
    "arrays that end": b"[" * 50_000 + b"]" * 50_000,
    "both in turn": b'[{"a":' * 50_000,
}


def _contents() -> Iterator[Case]:
    """Yield contents that are not the JSON that they are said to be, as frames."""
    for name, (content, words) in _NO_JSON.items():
        yield Case("content", name, message(content=content), words, "content")
    for name, content in list(_NO_JSON.items())[:3]:
        data = message(content=content[0], language="json", encoding="utf-8")
        yield Case("content", f"{name}, said to be JSON", data, content[1], "content")
    for name, bomb in _BOMBS.items():
        yield Case("content", name, message(content=bomb), "nests too deeply", "content")


CONTENTS = tuple(_contents())
"""Answered with NOT_UNDERSTOOD by a node that checks contents."""
