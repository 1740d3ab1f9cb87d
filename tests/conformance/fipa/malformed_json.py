"""JSON that is no message in our form of it."""

from __future__ import annotations

import json

from tests.conformance.fipa.malformed import Case


def _json(name: str, value: object, words: str, field: str | None = None) -> Case:
    return Case("JSON", name, json.dumps(value).encode(), words, field)


def _with(name: str, key: str, value: object, words: str, **more: object) -> Case:
    return _json(name, {"performative": "inform", key: value, **more}, words, key)


JSONS = (
    Case("JSON", "nothing", b"", "not a JSON object"),
    Case("JSON", "no JSON", b"{performative: inform}", "not a JSON object"),
    Case("JSON", "no UTF-8", b'{"performative": "inform", "ontology": "\xff"}', "not a JSON object"),
    Case("JSON", "no UTF-8 in a content",
         b'{"performative": "inform", "content": "\xff"}', "not a JSON object"),
    Case("JSON", "half a character",
         b'{"performative": "inform", "content": "\\ud800"}', "not a JSON object"),
    Case("JSON", "a bomb", b'{"performative": "inform", "content": ' + b"[" * 100_000, "nested too deeply"),
    Case("JSON", "text behind it", b'{"performative": "inform"} x', "trailing characters"),
    _json("an array", ["inform"], "got `array`"),
    _json("a text", "inform", "got `str`"),
    _json("null", None, "got `null`"),
    _json("an empty object", {}, "a message needs a performative", "performative"),
    _json("no act", {"receivers": ["a"]}, "a message needs a performative", "performative"),
    _json("null as act", {"performative": None}, "a message needs a performative", "performative"),
    _json("an act that FIPA has not",
          {"performative": "shout"}, "'shout' is not a performative", "performative"),
    _json("an act by number", {"performative": 8}, "got `int`", "performative"),
    _with("an unknown key", "priority", 1, "there is no key 'priority'"),
    _with("a key with a slip", "recievers", ["a"], "did you mean receivers?"),
    _with("a key in capitals", "Content", 1, "did you mean content?"),
    _with("a key with a hyphen", "reply-with", "r", "did you mean reply_with?"),
    _with("a key of FIPA's string form", ":content", "r", "did you mean content?"),
    _with("a number as receiver", "receivers", 7, "got `int`"),
    _with("no receiver in the list", "receivers", [], "length >= 1"),
    _with("257 receivers", "receivers", ["a"] * 257, "length <= 256"),
    _with("an empty receiver", "receivers", [""], "length >= 1"),
    _with("a number among receivers", "receivers", ["a", 1], "got `int`"),
    _with("receiver and receivers", "receiver", "a", "either receiver or receivers", receivers=["b"]),
    _with("a number as text", "ontology", 7, "got `int`"),
    _with("an empty text", "language", "", "length >= 1"),
    _with("a text too long", "conversation_id", "c" * 256, "length <= 255"),
    _with("a list as reply_to", "reply_to", ["a", "b"], "got `array`"),
    _with("two contents", "content_text", "x", "content and content_text at once", content=1),
    _with("bytes and text", "content_base64", "eA==", "content_text and content_base64", content_text="x"),
    _with("a value in another language",
          "content", 1, "language and encoding say otherwise", language="text"),
    _with("a value in another encoding",
          "content", 1, "language and encoding say otherwise", encoding="gzip"),
    _with("a number as content_text", "content_text", 7, "got `int`"),
    _with("no base64", "content_base64", "x", "base64"),
    _with("base64 of URLs", "content_base64", "_-8=", "base64"),
    _with("a date as deadline", "reply_by", "2026-11-25", "a time is written as"),
    _with("a deadline without a zone", "reply_by", "2026-11-25T12:00:00", "a time is written as"),
    _with("a deadline in FIPA's form", "reply_by", "20261125T120000000Z", "a time is written as"),
    _with("a deadline on no day", "reply_by", "2026-02-30T12:00:00Z", "month 2 of 2026 has no day 30"),
    _with("a deadline at no hour", "reply_by", "2026-02-20T25:00:00Z", "there is no time 25:00:00"),
    _with("a deadline before 1970", "reply_by", "1969-12-31T23:59:59Z", "before 1970"),
    _with("a negative deadline", "reply_by", -1, ">= 0"),
    _with("a deadline with a fraction", "reply_by", 1.5, "got `float`"),
    _with("a deadline beyond all", "reply_by", 2**54, "<= "),
    _with("an id too short", "message_id", "00", "length >= 16"),
    _with("an id that is not hexadecimal", "message_id", "z" * 32, "non-hexadecimal"),
    _with("a trace too long", "trace", "00" * 26, "length <= 25"),
    _with("headers in a list", "headers", ["a"], "got `array`"),
    _with("65 headers", "headers", {f"h{n}": 1 for n in range(65)}, "65 headers, 64 are allowed"),
    _with("a header without a name", "headers", {"": 1}, "length >= 1"),
    _with("a header beyond 64 bits", "headers", {"h": 2**70}, "ints"),
    _with("MessagePack that is none", "headers_msgpack", {"h": "wQ=="}, "malformed"),
    _with("two values in MessagePack", "headers_msgpack", {"h": "AQE="}, "trailing"),
    _with("MessagePack that is not base64", "headers_msgpack", {"h": "?"}, "base64"),
    _with("headers that are too many together", "headers", {f"h{n}": 1 for n in range(40)},
          "80 headers, 64 are allowed", headers_msgpack={f"m{n}": "AQ==" for n in range(40)}),
)  # fmt: skip
