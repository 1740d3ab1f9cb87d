"""What an agent is told that has lost its name: one INFORM of the platform, in a conversation of its own.

    {"event": "name-conflict", "name": "web", "action": "stop",
     "winner": {"version": "2.0.0", "module_sha256": "...", "node": "n4", "deployed_unix_ms": ...},
     "your": {"version": "1.0.0", ...}}

INFORM and not FAILURE: nothing that the agent has asked for failed, and nobody waits for an answer.
"""

from __future__ import annotations

from secrets import token_hex

import msgspec

from caxton_node.agents.claims import Claim
from caxton_node.core.ids import Address
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.replies import PLATFORM_SENDER

EVENT = "name-conflict"
ONTOLOGY = "fipa-agent-management"


def notice_of(name: str, node: str, *, mine: Claim, winner: Claim, stops: bool) -> Envelope:
    """Return the message to an agent of this node.

    Args:
        name: `tenant/name`.
        node: This node.
        mine: What the agent is.
        winner: What its name stands for now.
        stops: Whether it is going to be stopped.
    """
    content = {
        "event": EVENT,
        "name": str(Address(name)),
        "action": "stop" if stops else "keep",
        "winner": _facts(winner),
        "your": _facts(mine),
    }
    return Envelope(
        Performative.INFORM,
        sender=f"{PLATFORM_SENDER}@{node}",
        receivers=str(Address(name, node)),
        content=msgspec.json.encode(content),
        conversation_id=f"{EVENT}-{token_hex(8)}",
        ontology=ONTOLOGY,
    )


def reason_of(winner: Claim) -> str:
    """Return in a sentence what happened, for the agent's history."""
    return f"its name went to version {winner.version} of {winner.node}, deployed without knowledge of it"


def _facts(claim: Claim) -> dict[str, object]:
    return {
        "version": claim.version,
        "module_sha256": claim.module_sha256,
        "node": claim.node,
        "deployed_unix_ms": claim.deployed_unix_ms,
    }
