"""Guests that do real work, and the messages that they get: 200 bytes of content each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from caxton_node.fipa import Envelope, Performative
from caxton_node.runtime import CompiledModule, Engine, Limits, Sandbox
from caxton_node.runtime.profile import STRICT, Profile
from tests.support.data_plane import NODE, Lines
from tests.support.guests import rust, tiny, wat

CONTENT_BYTES = 200
CONVERSATIONS = 64
MESSAGES = 2 * CONVERSATIONS
"""After so many the messages begin anew: every conversation has come to its end."""
AGENT = "agent"
_TEXT = b'"' + b"x" * (CONTENT_BYTES - 2) + b'"'


@dataclass(frozen=True)
class Workload:
    """One guest and its messages.

    Attributes:
        name: What is done.
        source: The module.
        envelope: The nth message, without sender.
        config: Configuration of the agent.
    """

    name: str
    source: str | bytes
    envelope: Callable[[int], Envelope]
    config: Mapping[str, object] = field(default_factory=dict)


def address(name: str) -> str:
    """Return the address of an agent of the bench."""
    return f"{name}@{NODE}"


def instance(name: str) -> str:
    """Return the instance of an agent of the bench."""
    return f"{name}#1.1@{NODE}"


def _plain(number: int) -> Envelope:
    return Envelope(Performative.INFORM, None, address(AGENT), _TEXT, _talk(number))


def _question(number: int) -> Envelope:
    return Envelope(Performative.REQUEST, None, address(AGENT), _TEXT, _talk(number), f"question-{number}")


def _order(number: int) -> Envelope:
    parts = [{"part": f"part-{part}", "price": 10.5 * part, "stock": True} for part in range(2)]
    content = _filled({"turn": number, "greeting": "hello", "parts": parts})
    return Envelope(
        Performative.REQUEST, None, address(AGENT), content, _talk(number), f"question-{number}",
        protocol="fipa-request",
    )  # fmt: skip


def _bargain(number: int) -> Envelope:
    """Call for proposals in all conversations, then accept those that were made."""
    act = Performative.ACCEPT_PROPOSAL if number // CONVERSATIONS % 2 else Performative.CFP
    task = _filled({"task": "paint the house", "capability": "painting", "budget": 1200.5, "rooms": ["hall"]})
    return Envelope(
        act, None, address(AGENT), task, _talk(number), f"bid-{number}", protocol="fipa-contract-net"
    )


def _talk(number: int) -> str:
    return f"talk-{number % CONVERSATIONS}"


def _filled(value: dict[str, object]) -> bytes:
    """Return JSON of exactly `CONTENT_BYTES`."""
    value["note"] = ""
    value["note"] = "n" * (CONTENT_BYTES - len(json.dumps(value)))
    data = json.dumps(value).encode()
    assert len(data) == CONTENT_BYTES
    return data


RELAY = Workload("relay", wat("relay"), _plain, config={"next": "sink"})
ECHO = Workload("echo", wat("echo"), _question)
JSON = Workload("json", rust("greeter"), _order)
CONTRACT = Workload("contract-net", rust("contractor"), _bargain)
MIX = (RELAY, ECHO, JSON, CONTRACT)
"""Forwarding, answering, JSON in and out, and a negotiation, in equal numbers."""

SMALLEST = tiny()
"""One page of memory and no code to speak of."""


def start(
    engine: Engine,
    module: CompiledModule | str | bytes,
    config: Mapping[str, object] | None = None,
    *,
    limits: Limits | None = None,
    profile: Profile = STRICT,
) -> Sandbox:
    """Return a sandbox that takes messages."""
    compiled = module if isinstance(module, CompiledModule) else engine.compile(module, profile)
    sandbox = Sandbox(engine, compiled, limits or Limits(), Lines())
    sandbox.start(introduction(AGENT, config or {}))
    return sandbox


def introduction(name: str, config: Mapping[str, object]) -> dict[str, object]:
    """Return what an agent of the bench is told when it starts."""
    return {"agent": name, "tenant": "default", "node": NODE, "config": dict(config)}
