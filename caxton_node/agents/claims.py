"""Whose a name is: one claim for each name in the registry, and when an agent has lost it.

    n1 deploys web 1.0     claim: web is 1.0
    n2 deploys web 1.0     a pool: the claim stays as it is
    n2 deploys web 2.0     an update, since n2 knew the claim: web is 2.0, after 1.0
    n1 goes on with 1.0    as long as it likes: the claim says that its writer knew of it

A claim lists the contents that its writer knew to run before. So an agent has lost its name if the claim
neither says what it is nor lists it: whoever wrote the claim did not know of it, which is what two halves of
a cluster do to each other. The registry settles which of two such claims holds, the same everywhere; each
node then needs nothing but that one claim to judge its own agents. It does not matter on which node the loser
was deployed, in which order news came, or whether a node was away when it came.

Rejected: acting on the registry's news of an overruled claim. Nodes that run the loser without having written
its claim, or that were down, would miss it.

Source: step 6 (one winner everywhere, the loser is told).
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Annotated

import msgspec

from caxton_node.agents.manifest import Manifest
from caxton_node.agents.store import Deployed
from caxton_node.agents.views import AgentView
from caxton_node.registry.conflicts import DIGEST_BYTES, Said
from caxton_node.registry.values import ValueReader

KIND = "name"
AFTER_MAX = 64
"""Contents that a claim lists. Beyond it the oldest go, and nobody is judged who could be one of them."""

_Word = Annotated[str, msgspec.Meta(max_length=128)]


class Claim(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a name stands for.

    Attributes:
        content: Digest of module, version and config.
        module_sha256: Hex of the module's hash.
        version: Version of the agent.
        config_digest: Of its config.
        node: Who deployed it first.
        deployed_unix_ms: When.
        on_conflict: What it does when it loses the name.
        after: Contents that were known to run before it, the oldest first.
    """

    content: _Word
    module_sha256: _Word
    version: _Word
    config_digest: _Word
    node: _Word
    deployed_unix_ms: int
    on_conflict: _Word
    after: Annotated[tuple[_Word, ...], msgspec.Meta(max_length=AFTER_MAX)] = ()

    def allows(self, content: str) -> bool:
        """Tell whether an agent of this content may go by the name."""
        return content == self.content or content in self.after or len(self.after) >= AFTER_MAX

    def follow(self, before: Claim | None) -> Claim:
        """Return this claim as one whose writer knows the claim before it."""
        if before is None or before.content == self.content:
            return self
        known = [one for one in (*before.after, before.content) if one != self.content]
        return msgspec.structs.replace(self, after=tuple(known[-AFTER_MAX:]))


def claim_of(view: AgentView) -> Claim:
    """Return what an agent says of its name."""
    return _claim(view.manifest, view.module_sha256, view.node, view.deployed_unix_ms)


def claim_of_row(row: Deployed, node: str) -> Claim:
    """Return what an agent says of its name that is deployed on a node."""
    return _claim(row.manifest, row.module_sha256, node, row.deployed_unix_ms)


def encode_claim(claim: Claim) -> bytes:
    """Return a claim as the registry keeps it: a MessagePack map."""
    return msgspec.msgpack.encode(claim)


def decode_claim(value: bytes) -> Claim:
    """Return a claim.

    Raises:
        UnreadableValue: It is none, or one of a later version.
    """
    return CLAIMS.read(value)


def say(value: bytes) -> Said:
    """Tell what a claim says, for the partition report."""
    return said_of(decode_claim(value))


def said_of(claim: Claim) -> Said:
    """Tell what a claim says, in words."""
    return Said(claim.content, f"version {claim.version}, module {claim.module_sha256[:12]}")


CLAIMS = ValueReader(Claim)


def _claim(manifest: Manifest, module_sha256: str, node: str, deployed_unix_ms: int) -> Claim:
    config = _digest(msgspec.json.encode(manifest.config, order="deterministic"))
    return Claim(
        content=_digest(f"{module_sha256}\0{manifest.version}\0{config}".encode()),
        module_sha256=module_sha256,
        version=manifest.version,
        config_digest=config,
        node=node,
        deployed_unix_ms=deployed_unix_ms,
        on_conflict=manifest.on_conflict.value,
    )


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=DIGEST_BYTES).hexdigest()
