"""Messages that keep flowing while a node dies, and an account of what became of each."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Self

from caxton_node.client import Client
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import DemoNode

TIMEOUT_S = 5.0
_REASONS = {"AGENT_NOT_FOUND": "no such agent now", "UNAVAILABLE": "its node died"}
PAUSE_S = 0.01


@dataclass(slots=True)
class Account:
    """What became of the messages to one agent.

    Attributes:
        sent: Messages sent.
        outcomes: `answered by <node>` or `FAILURE (<reason>)`, with their counts.
        slowest_s: The longest that any sender waited for its outcome, seconds.
    """

    sent: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0

    @property
    def hanging(self) -> int:
        """Count messages whose sender never heard anything."""
        return self.sent - self.outcomes.total()


class Traffic:
    """Sends one message after the other to an agent, from entering to leaving it as a context manager.

    The connection is the thread's own: an interrupt may come between its start and the entering of the block,
    and then nobody waits for it.

    Args:
        node: The node through which to send.
        agent: Name of the agent.
    """

    def __init__(self, node: DemoNode, agent: str) -> None:
        self.agent = agent
        self.account = Account()
        self._node = node
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"traffic-{agent}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop after the message that is under way; the account is complete then."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self._node.client() as client:
            while not self._stop.is_set():
                self.account.sent += 1
                began = time.monotonic()
                outcome = self._one(client)
                self.account.outcomes[outcome] += 1
                self.account.slowest_s = max(self.account.slowest_s, time.monotonic() - began)
                self._stop.wait(PAUSE_S)

    def _one(self, client: Client) -> str:
        try:
            answer = client.messages.send(self.agent, b'{"ping": true}', timeout_s=TIMEOUT_S)
        except CaxtonError as err:
            return f"FAILURE ({_REASONS.get(err.code, err.code)})"
        return f"answered by {answer.reply.sender.partition('@')[2] or answer.reply.sender}"
