"""Texts that are no message in FIPA's string representation."""

from __future__ import annotations

from typing import NamedTuple


class Text(NamedTuple):
    """A text that must be refused: where and why."""

    name: str
    text: bytes
    line: int
    column: int
    words: str


TEXTS = (
    Text("nothing", b"", 1, 1, "expected `(`"),
    Text("blanks", b"  \n\t", 2, 2, "expected `(`"),
    Text("a word", b"request", 1, 1, "expected `(` before the act, not `request`"),
    Text("JSON", b'{"performative": "request"}', 1, 1, "expected `(`"),
    Text("an open bracket", b"(", 1, 2, "expected an act, such as request, not the end"),
    Text("no act", b"()", 1, 2, "expected an act, such as request, not `)`"),
    Text("a string as act", b'("request")', 1, 2, "expected an act"),
    Text("an act that FIPA has not", b'(shout :content "x")', 1, 2, "FIPA has no act `shout`"),
    Text("an act with a slip", b"(infrom)", 1, 2, "did you mean inform?"),
    Text("two acts", b"(request inform)", 1, 10, "there is no parameter `inform`"),
    Text("a message in a message", b"((request))", 1, 2, "expected an act, such as request, not `(`"),
    Text("no closing bracket", b"(request", 1, 9, "not the end"),
    Text("two messages", b"(request)\n(request)", 2, 1, "expected the end of the text"),
    Text("a bracket too many", b"(request))", 1, 10, "expected the end of the text, not `)`"),
    Text("a parameter that FIPA has not", b"(request :priority 1)", 1, 10, "no parameter `:priority`"),
    Text("a parameter with a slip", b'(request\n  :contnet "x")', 2, 3, "did you mean :content?"),
    Text("an underscore", b"(cfp :reply_by x)", 1, 6, "did you mean :reply-by?"),
    Text("no colon", b'(request content "x")', 1, 10, "did you mean :content?"),
    Text("a colon alone", b"(request : x)", 1, 10, "there is no parameter `:`"),
    Text("no value at the end", b"(request :ontology)", 1, 19, "expected a word or a string, not `)`"),
    Text("no value in the middle", b'(request :ontology :content "x")', 1, 20, "not `:content`"),
    Text("the same twice", b'(inform :content "a" :CONTENT "b")', 1, 22, ":content is written twice"),
    Text("the same header twice", b"(inform :X-a 1 :x-a 2)", 1, 16, ":X-a is written twice"),
    Text("a header without a name", b"(inform :X- 1)", 1, 9, "a name of 0 characters"),
    Text("a header with a name too long",
         b"(inform :X-" + b"n" * 256 + b" 1)", 1, 9, "a name of 256 characters"),
    Text("a header with a broken name", b"(inform :X-%FF 1)", 1, 9, "not UTF-8"),
    Text("65 headers",
         b"(inform " + b" ".join(b":X-h%d 1" % n for n in range(65)) + b")", 1, 575, "more than 64"),
    Text("an open string", b'(inform :content "abc)', 1, 18, "does not end"),
    Text("a string that ends in a backslash", b'(inform :content "abc\\")', 1, 18, "does not end"),
    Text("a quote in a string", b'(inform :content "say "hi"")', 1, 24, 'there is no parameter `hi""`'),
    Text("a content that is a word",
         b"(inform :content hello)", 1, 18, "expected a string in quotes, not `hello`"),
    Text("a content in brackets",
         b"(inform :content (wall tall))", 1, 18, "expected a string in quotes, not `(`"),
    Text("a content in single quotes", b"(inform :content 'x')", 1, 18, "expected a string in quotes"),
    Text("a length too long",
         b'(inform :content #20"abc)', 1, 18, "a string of 20 bytes is promised, 4 are left"),
    Text("a length too short", b'(inform :content #1"abc")', 1, 22, 'there is no parameter `bc"`'),
    Text("no length", b'(inform :content #"abc")', 1, 18, "a byte-length string begins with #"),
    Text("a negative length", b'(inform :content #-3"abc")', 1, 18, "a byte-length string begins with #"),
    Text("an endless length", b"(inform :content #" + b"9" * 400 + b'"a)', 1, 18, "begins with #"),
    Text("a length without a quote",
         b"(inform :content #3abc)", 1, 18, "a byte-length string begins with #"),
    Text("an empty value", b'(inform :ontology "")', 1, 19, "a value of 0 characters"),
    Text("a value too long", b"(inform :ontology " + b"x" * 256 + b")", 1, 19, "a value of 256 characters"),
    Text("a value that is no text", b'(inform :ontology #1"\xff)', 1, 19, "not UTF-8"),
    Text("a word that is no text", b"(inform :ontology x\xff)", 1, 19, "not UTF-8"),
    Text("a control character", b"(inform \x01)", 1, 9, "not `\\x01`"),
    Text("no receiver in a set", b"(request :receiver (set))", 1, 24, "expected an agent"),
    Text("a set that is none",
         b"(request :receiver (bag (agent-identifier :name a)))", 1, 21, "agent-identifier, not `bag`"),
    Text("an open set", b"(request :receiver (set a", 1, 26, "expected an agent"),
    Text("a set in a set",
         b"(request :receiver (set (set a)))", 1, 26, "expected agent-identifier, not `set`"),
    Text("257 receivers", b"(request :receiver (set" + b" a" * 257 + b"))", 1, 537, "more than 256 agents"),
    Text("an agent without a name",
         b"(request :sender (agent-identifier))", 1, 18, "an agent needs a :name"),
    Text("an agent of two names",
         b"(request :sender (agent-identifier :name a :name b))", 1, 44, "no second one"),
    Text("an agent with an unknown parameter",
         b"(request :sender (agent-identifier :nam a))", 1, 36, "no `:nam`"),
    Text("an agent with an empty name",
         b'(request :sender (agent-identifier :name ""))', 1, 42, "a value of 0"),
    Text("two senders", b"(request :sender (set a b))", 1, 19, "expected agent-identifier, not `set`"),
    Text("two agents to reply to", b"(request :reply-to (set a b))", 1, 20, "one agent to reply to"),
    Text("a date alone", b"(cfp :reply-by 2026-11-25)", 1, 16, "a time is written as"),
    Text("a time without a zone", b"(cfp :reply-by 20261125T120000000)", 1, 16, "zone is not known"),
    Text("a month that is none", b"(cfp :reply-by 20261325T120000000Z)", 1, 16, "there is no month 13"),
    Text("a time before 1970", b"(cfp :reply-by 19691231T235959000Z)", 1, 16, "before 1970"),
    Text("a time in quotes", b'(cfp :reply-by "20261125T120000000Z")', 1, 16, "expected a time"),
    Text("a relative time without a clock",
         b"(cfp :reply-by +00000000T000030000)", 1, 16, "a relative time"),
    Text("brackets without end", b"(inform :ontology " + b"(" * 100_000, 1, 51, "nest deeper than 32"),
    Text("words without end", b"(inform :ontology (" + b"a " * 100_000, 1, 19, "more than 16,384 bytes"),
)  # fmt: skip
