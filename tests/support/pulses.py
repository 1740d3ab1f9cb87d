"""Numbered messages from guest to guest at a steady pace, and what their receiver's own node says of them."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from typing import Self

from caxton_node.client import Client
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import DemoNode, wait_for
from tests.support.nodes import ROOT, caxton

RELAY = ROOT / "sdk" / "wat" / "relay.wat"
PROBE = "probe"
CONVERSATIONS = 4
_BUFFER_MAX = 100_000
_LISTEN_S = 20.0


def deploy_relay(node: DemoNode, name: str, *, next_agent: str = "") -> None:
    """Deploy an agent that sends everything on to another, or one that only takes."""
    config = ["--config", f"next={next_agent}"] if next_agent else []
    done = caxton(node, "agent", "deploy", RELAY, "--name", name, "--node", node.node_id, *config)
    assert done.returncode == 0, done.stderr


class Listener:
    """Follows one agent from entering to leaving: which numbers of which conversation it handled, in order.

    Args:
        node: Where it runs.
        agent: Its name.
    """

    def __init__(self, node: DemoNode, agent: str) -> None:
        self.agent = agent
        self._node = node
        self._handled: defaultdict[str, list[int]] = defaultdict(list)
        self._dropped = 0
        self._client = node.client()
        self._thread = threading.Thread(target=self._follow, name=f"listener-{agent}", daemon=True)

    def numbers(self, conversation: str) -> list[int]:
        """Return what it handled of one conversation, in the order in which it did."""
        return list(self._handled[conversation])

    def count(self, topic: str) -> int:
        """Count what it handled of all conversations of a topic."""
        return sum(len(self._handled[f"{topic}-{turn}"]) for turn in range(CONVERSATIONS))

    def check(self, topic: str, sent: int) -> None:
        """Check that all of a topic was handled: each once, in the order of its conversation."""
        assert not self._dropped, f"{self._dropped} events were not told: what was heard proves nothing"
        for turn in range(CONVERSATIONS):
            wanted = list(range(turn, sent, CONVERSATIONS))
            assert self.numbers(f"{topic}-{turn}") == wanted, f"{self.agent}: {topic}-{turn}"

    def __enter__(self) -> Self:
        self._thread.start()
        with self._node.client() as client:
            wait_for(f"{self.agent} to be followed", lambda: self._is_heard(client), within_s=_LISTEN_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._thread.join(_LISTEN_S)

    def _is_heard(self, client: Client) -> bool:
        probe = {"performative": "inform", "conversation_id": f"{PROBE}-0"}
        client.messages.send(self.agent, b"0", **probe, wait=False)
        return bool(self._handled[f"{PROBE}-0"])

    def _follow(self) -> None:
        try:
            for event in self._client.messages.subscribe([self.agent], buffer_max=_BUFFER_MAX):
                self._dropped += event.dropped
                if event.HasField("message"):
                    self._handled[event.message.conversation_id].append(int(event.message.content))
        except (CaxtonError, ValueError):
            return  # it was closed


class Pulse:
    """Sends numbered messages to an agent at a steady pace, from entering to leaving.

    Args:
        node: Through which.
        agent: To whom; it sends them on.
        topic: What its conversations are called.
        every_s: The pace.
    """

    def __init__(self, node: DemoNode, agent: str, topic: str, *, every_s: float = 0.005) -> None:
        self.sent = 0
        self.topic = topic
        self._node = node
        self._agent = agent
        self._every_s = every_s
        self._failure: CaxtonError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"pulse-{topic}", daemon=True)

    def wait_sent(self, more: int, within_s: float = 60.0) -> None:
        """Return when so many more have been sent."""
        goal = self.sent + more
        wait_for(f"{more} messages to leave", lambda: self._is_past(goal), within_s=within_s)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _is_past(self, goal: int) -> bool:
        assert self._failure is None, f"message {self.sent} of {self.topic} was refused: {self._failure}"
        return self.sent >= goal

    def _run(self) -> None:
        next_s = time.monotonic()
        with self._node.client() as client:
            while not self._stop.wait(max(0.0, next_s - time.monotonic())):
                next_s += self._every_s
                try:
                    self._send(client)
                except CaxtonError as err:
                    self._failure = err
                    return
                self.sent += 1

    def _send(self, client: Client) -> None:
        talk = f"{self.topic}-{self.sent % CONVERSATIONS}"
        words = {"performative": "inform", "conversation_id": talk}
        client.messages.send(self._agent, b"%d" % self.sent, **words, wait=False)
