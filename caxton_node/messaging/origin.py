"""A node that sends us mail: what of its mail is still kept here, and for whom it is asked to wait.

A peer has credit for so many bytes (`transport/window.py`). What its messages take up in mailboxes is *owed*
until their agents have handled it, whatever links come and go; so what one peer can make this node keep is
bounded. The credit is one for all agents here, and one slow agent must not use it up: when much of a peer's
mail waits for one agent, the peer is asked to *hold* what is for that agent. It then pauses those of its
agents that send there, as a full mailbox on its own node would.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable
from threading import Lock

WAKE_BYTES = 64 * 1024
"""Bytes handled that are worth waking the loop for; less waits for the router's tick."""

Release = Callable[[str, int], None]
AskToHold = Callable[[str, str, bool], None]


class Origin:
    """One peer, seen as a sender; mailboxes call it from any thread, `take_owed` belongs to the loop's.

    Args:
        node: The peer.
        loop: On whose thread the two below are called.
        release: Gives the peer its credit for bytes that were handled.
        ask_to_hold: Asks the peer to hold what is for an address, or to go on.
    """

    __slots__ = ("_ask_to_hold", "_awake", "_lock", "_loop", "_owed", "_release", "_repaid", "node")

    def __init__(self, node: str, loop: AbstractEventLoop, release: Release, ask_to_hold: AskToHold) -> None:
        self.node = node
        self._loop = loop
        self._release = release
        self._ask_to_hold = ask_to_hold
        self._lock = Lock()
        self._owed = self._repaid = 0
        self._awake = False

    def owe(self, size: int) -> None:
        """Note bytes that a mailbox keeps."""
        self._owed += size

    def take_owed(self) -> int:
        """Return the bytes that are kept since this was asked last."""
        owed, self._owed = self._owed, 0
        return owed

    def repay(self, size: int) -> None:
        """Note bytes that are kept no longer."""
        with self._lock:
            self._repaid += size
            wake = not self._awake and self._repaid >= WAKE_BYTES
            self._awake = self._awake or wake
        if wake and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.settle)

    def settle(self) -> None:
        """Give the peer its credit for what has been handled; on the loop's thread."""
        with self._lock:
            size, self._repaid, self._awake = self._repaid, 0, False
        if size:
            self._release(self.node, size)

    def hold(self, address: str) -> None:
        """Ask the peer to hold what is for an agent."""
        self._ask(address, held=True)

    def go_on(self, address: str) -> None:
        """Tell the peer that an agent has room again."""
        self._ask(address, held=False)

    def _ask(self, address: str, *, held: bool) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._ask_to_hold, self.node, address, held)
