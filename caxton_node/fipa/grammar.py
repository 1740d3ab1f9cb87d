"""The grammar of FIPA's string representation: which parameters a message has and what each may hold.

Source: FIPA SC00070I section 2.2.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from typing import Any

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa.headers import Headers, text_header
from caxton_node.fipa.instants import read_fipa
from caxton_node.fipa.message import HEADERS_MAX, RECEIVERS_MAX, TEXT_CHARS_MAX, Envelope
from caxton_node.fipa.performatives import Performative, parse_performative
from caxton_node.fipa.scanner import Scanner

AGENT_BYTES_MAX = 4 * 1024
KEYWORDS = {
    ":sender": "sender",
    ":receiver": "receivers",
    ":reply-to": "reply_to",
    ":content": "content",
    ":language": "language",
    ":encoding": "encoding",
    ":ontology": "ontology",
    ":protocol": "protocol",
    ":conversation-id": "conversation_id",
    ":reply-with": "reply_with",
    ":in-reply-to": "in_reply_to",
    ":reply-by": "reply_by",
}
"""FIPA's parameters and the envelope's fields, in the order in which they are written."""

HEADER_PREFIX = ":x-"
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


class Reading:
    """One message, read from one scanner.

    Args:
        scanner: At its beginning.
        now_unix_ms: What a relative time counts from; None refuses one.
    """

    def __init__(self, scanner: Scanner, now_unix_ms: int | None) -> None:
        self._scanner = scanner
        self._now_unix_ms = now_unix_ms
        self._values: dict[str, Any] = {}
        self._headers: Headers = {}
        self._takers: dict[str, Callable[[], object]] = {
            "sender": self._take_agent,
            "receivers": self._take_receivers,
            "reply_to": self._take_reply_to,
            "content": lambda: self._scanner.take_string("a string in quotes"),
            "reply_by": self._take_instant,
        }

    def take_message(self) -> Envelope:
        """Read the message and nothing behind it.

        Raises:
            MalformedText: It is no message; says where and what was expected.
        """
        scanner = self._scanner
        scanner.take(b"(", "`(` before the act")
        act = self._take_act()
        while scanner.peek() != b")":
            self._take_parameter()
        scanner.at += 1
        if scanner.peek():
            scanner.refuse("the end of the text")
        return Envelope(act, **self._values, headers=self._headers or None)

    def _take_act(self) -> Performative:
        at = self._scanner.skip_blank()
        word = self._scanner.take_word("an act, such as request")
        try:
            return parse_performative(word)
        except InvalidMessage:
            meant = _meant(word.lower(), [act.word for act in Performative])
            self._scanner.fail(f"FIPA has no act `{word[:80]}`{meant}", at)

    def _take_parameter(self) -> None:
        scanner, at = self._scanner, self._scanner.at
        keyword = scanner.take_word("a parameter, such as :content, or `)`")
        if keyword[:3].lower() == HEADER_PREFIX:
            self._take_header(keyword[3:], at)
            return
        field = KEYWORDS.get(keyword.lower())
        if field is None:
            scanner.fail(f"there is no parameter `{keyword[:80]}`{_meant(keyword.lower(), [*KEYWORDS])}", at)
        if field in self._values:
            scanner.fail(f"{keyword.lower()} is written twice", at)
        take = self._takers.get(field)
        self._values[field] = take() if take else self._take_text("a word or a string")

    def _take_header(self, written: str, at: int) -> None:
        scanner = self._scanner
        name = scanner.text(_ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), written.encode()), at)
        if not 1 <= len(name) <= TEXT_CHARS_MAX:
            scanner.fail(f"a name of {len(name)} characters, 1 to {TEXT_CHARS_MAX} are allowed", at)
        if name in self._headers:
            scanner.fail(f":X-{name} is written twice", at)
        if len(self._headers) >= HEADERS_MAX:
            scanner.fail(f"more than {HEADERS_MAX} parameters :X-...", at)
        at = scanner.skip_blank()
        value = scanner.text(scanner.take_expression("a word or a string"), at)
        self._headers[name] = text_header(value)

    def _take_text(self, expected: str) -> str:
        scanner = self._scanner
        at = scanner.skip_blank()
        text = scanner.text(scanner.take_expression(expected), at)
        if not 1 <= len(text) <= TEXT_CHARS_MAX:
            scanner.fail(f"a value of {len(text)} characters, 1 to {TEXT_CHARS_MAX} are allowed", at)
        return text

    def _take_instant(self) -> int:
        scanner = self._scanner
        at = scanner.skip_blank()
        try:
            return read_fipa(scanner.take_word("a time, such as 20261125T120000000Z"), self._now_unix_ms)
        except ValueError as err:
            scanner.fail(str(err), at)

    # -- agents ---------------------------------------------------------------------------------------------

    def _take_receivers(self) -> str | list[str]:
        names = self._take_agents()
        return names[0] if len(names) == 1 else names

    def _take_reply_to(self) -> str:
        at = self._scanner.skip_blank()
        names = self._take_agents()
        if len(names) > 1:
            self._scanner.fail("a message has one agent to reply to", at)
        return names[0]

    def _take_agents(self) -> list[str]:
        """Read a set of agents, or one alone."""
        scanner = self._scanner
        if scanner.peek() != b"(":
            return [self._take_agent()]
        start = scanner.at
        scanner.at += 1
        if scanner.take_word("set or agent-identifier").lower() not in {"set", "sequence"}:
            scanner.at = start
            return [self._take_agent()]
        names: list[str] = []
        while scanner.peek() != b")" or not names:
            if len(names) >= RECEIVERS_MAX:
                scanner.fail(f"more than {RECEIVERS_MAX} agents")
            names.append(self._take_agent())
        scanner.at += 1
        return names

    def _take_agent(self) -> str:
        """Read an agent identifier, or the bare name of one."""
        scanner = self._scanner
        if scanner.peek() != b"(":
            return self._take_text("an agent, such as (agent-identifier :name echo)")
        start = scanner.at
        scanner.at += 1
        kind = scanner.take_word("agent-identifier")
        if kind.lower() != "agent-identifier":
            scanner.fail(f"expected agent-identifier, not `{kind[:80]}`", start + 1)
        name = None
        while scanner.peek() != b")":
            at = scanner.at
            keyword = scanner.take_word(":name or `)`").lower()
            if keyword == ":name" and name is None:
                name = self._take_text("a name")
            elif keyword in {":addresses", ":resolvers"} or keyword.startswith(HEADER_PREFIX):
                scanner.take_expression("a sequence")
            else:
                scanner.fail(f"an agent has no `{keyword[:80]}`, or no second one", at)
            scanner.bound(start, AGENT_BYTES_MAX)
        scanner.at += 1
        if name is None:
            scanner.fail("an agent needs a :name", start)
        return name


def _meant(word: str, known: Sequence[str]) -> str:
    """Return the end of a sentence that names what was probably meant."""
    close = get_close_matches(word, known, 1)
    return f"; did you mean {close[0]}?" if close else ""
