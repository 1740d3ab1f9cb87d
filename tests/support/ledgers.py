"""Agents that number what they send, and agents that keep account of it: is it lost, doubled, in order?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from struct import Struct

from caxton_node.client import Client

_HERE = Path(__file__).parent / "wat"
_BENCH = Path(__file__).parents[1] / "bench"
_SHARED = (_BENCH / "mesh" / "wat" / "report.wat", _BENCH / "local_routing" / "wat" / "frames.wat")
_LEDGER = Struct("<4I")
CONTENT_BYTES = 200


def guest(name: str) -> bytes:
    """Return the text of `numbered` or `ledger`."""
    parts = [(_HERE / f"{name}.wat").read_text(), *(path.read_text() for path in _SHARED)]
    return "(module\n{}\n)\n".format("\n".join(parts)).encode()


@dataclass(frozen=True, slots=True)
class Account:
    """What a ledger has booked.

    Attributes:
        following: The number that comes next.
        again: Messages that came a second time, or after a later one.
        missing: Numbers that were passed over.
        handled: Messages.
    """

    following: int
    again: int
    missing: int
    handled: int


@dataclass(frozen=True, slots=True)
class Flow:
    """One numbered agent and its ledger.

    Attributes:
        source: Name of the agent that sends.
        sink: Name of the one that keeps account.
    """

    source: str
    sink: str

    def push(self, client: Client, count: int) -> None:
        """Let the source send so many messages more."""
        head = f'{{"more":"{count:08}","number":"{0:08}","pad":"'
        client.messages.send(self.source, f'{head:x<{CONTENT_BYTES - 2}}"}}'.encode(), wait=False)

    def sent(self, client: Client) -> int:
        """Return how many messages the source has sent."""
        return int.from_bytes(_ask(client, self.source), "little")

    def account(self, client: Client) -> Account:
        """Return what the sink has booked."""
        return Account(*_LEDGER.unpack(_ask(client, self.sink)))


def ring_of(clients: Sequence[Client], names: Sequence[str]) -> list[Flow]:
    """Deploy a source on every node, with its ledger on the next one; all of them run."""
    flows = []
    for index, client in enumerate(clients):
        following = (index + 1) % len(clients)
        flow = Flow(f"numbered-{names[index]}", f"ledger-{names[following]}")
        clients[following].agents.deploy(flow.sink, guest("ledger"))
        client.agents.deploy(flow.source, guest("numbered"), config={"peer": flow.sink})
        flows.append(flow)
    return flows


def _ask(client: Client, agent: str) -> bytes:
    answer = client.messages.send(agent, b'"?"', performative="query-ref", language="application/json")
    content: bytes = answer.reply.content
    return content
