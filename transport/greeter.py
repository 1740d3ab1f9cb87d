"""The accepting side of the greeting: waits for HELLO, answers WELCOME, waits whether the link is kept.

A dialler may race two links and keep one, and two nodes may dial each other at once. So a WELCOME makes a
candidate only; the dialler's next frame (its first CREDIT) says that this is the one. Until then nothing is
sent on it.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from transport.errors import LinkFailed, MalformedFrame, PeerRefused
from transport.faults import EndReason
from transport.frames import Frame, FrameType
from transport.links.contract import CONTROL, NOBODY, Link
from transport.messages import Greeting, decode_greeting, encode_greeting


class Judge(Protocol):
    """Who decides on greetings and takes the links that are kept."""

    def judge_hello(self, link: Link, hello: Greeting) -> Greeting:
        """Return the greeting that answers a HELLO.

        Raises:
            PeerRefused: The greeting is not acceptable.
            LinkFailed: Another link is on its way (double dial).
        """
        ...

    def handle_kept(self, link: Link, hello: Greeting, welcome: Greeting) -> None:
        """Take a link that the dialler keeps, and what was said on it; set its receiver before returning."""
        ...

    def handle_dropped(self, candidate: Candidate, error: PeerRefused | LinkFailed) -> None:
        """Learn that an accepted link came to nothing."""
        ...


class Candidate:
    """The receiver of an accepted link until its dialler says that it keeps it.

    Args:
        link: Its peer is proved.
        judge: Decides.
        timeout_s: For the whole greeting.
    """

    def __init__(self, link: Link, judge: Judge, timeout_s: float) -> None:
        self.link = link
        self._judge = judge
        self._greeted: tuple[Greeting, Greeting] | None = None  # HELLO and WELCOME
        self._timer = asyncio.get_running_loop().call_later(timeout_s, self._give_up)

    @property
    def welcomed(self) -> bool:
        """Say whether the dialler was answered."""
        return self._greeted is not None

    @property
    def node_id(self) -> str:
        """Return who is there, as the certificate proves it."""
        return self.link.identity.node_id

    def handle_frame(self, link: Link, frame: Frame) -> None:
        """Take HELLO, then whatever comes first after WELCOME."""
        if self._greeted is not None:
            self._timer.cancel()
            self._judge.handle_kept(link, *self._greeted)
            link.receiver.handle_frame(link, frame)
            return
        if frame.type != FrameType.HELLO:
            raise MalformedFrame("something else than HELLO at first")
        hello = decode_greeting(frame.payload)
        try:
            welcome = self._judge.judge_hello(link, hello)
        except (PeerRefused, LinkFailed) as err:
            self._drop(err)
            return
        self._greeted = hello, welcome
        link.write(CONTROL, encode_greeting(FrameType.WELCOME, welcome))

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:  # noqa: ARG002 - it has one link
        """Learn that the dialler gave up, or refused us."""
        self._timer.cancel()
        by_peer = PeerRefused(reason, detail, by_peer=True)
        self._judge.handle_dropped(self, by_peer if reason.is_refusal else LinkFailed(reason, detail))

    def close(self, reason: EndReason) -> None:
        """Give the link up."""
        self._drop(LinkFailed(reason))

    def _give_up(self) -> None:
        self._drop(LinkFailed(EndReason.TIMEOUT, "no greeting in time"))

    def _drop(self, error: PeerRefused | LinkFailed) -> None:
        """Close without hearing of it again: the error that matters is this one."""
        self._timer.cancel()
        self.link.receiver = NOBODY
        self.link.close(error.reason)
        self._judge.handle_dropped(self, error)
