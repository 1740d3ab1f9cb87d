"""What a node says of itself in its membership record: a few bytes that every member carries.

MessagePack array: API address, version of the software, whether it signs certificates, labels. A shorter
array leaves the rest at its default, of a longer one the rest is ignored, so that a later version can add.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgpack

from swim import Member

VERSION_CHARS_MAX = 16


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """What a member tells about itself.

    Attributes:
        api_address: `host:port` of its gRPC; empty when it serves none.
        version: Version of its software.
        signer: Whether it holds the CA key.
        labels: What an operator says of it, such as its zone; deployments choose by them.
    """

    api_address: str = ""
    version: str = ""
    signer: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)

    def pack(self) -> bytes:
        """Return the membership metadata: well below 128 bytes, and what the labels take."""
        facts: list[object] = [self.api_address, self.version[:VERSION_CHARS_MAX], self.signer]
        packed: bytes = msgpack.packb([*facts, dict(self.labels)] if self.labels else facts)
        return packed


def facts_of(member: Member) -> NodeFacts:
    """Read what a member says of itself; nothing from one whose metadata cannot be read."""
    try:
        api_address, version, signer, *rest = msgpack.unpackb(member.metadata)
    except (ValueError, TypeError, msgpack.UnpackException):
        return NodeFacts()
    labels = rest[0] if rest and isinstance(rest[0], dict) else {}
    labels = {str(name): str(value) for name, value in labels.items()}
    return NodeFacts(str(api_address), str(version), bool(signer), labels)
