"""What a node says of itself in its membership record: a few bytes that every member carries.

MessagePack array: API address, version of the software, whether it signs certificates. A longer array is
accepted and the rest ignored, so that a later version can add.
"""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    api_address: str = ""
    version: str = ""
    signer: bool = False

    def pack(self) -> bytes:
        """Return the membership metadata, well below 128 bytes."""
        packed: bytes = msgpack.packb([self.api_address, self.version[:VERSION_CHARS_MAX], self.signer])
        return packed


def facts_of(member: Member) -> NodeFacts:
    """Read what a member says of itself; nothing from one whose metadata cannot be read."""
    try:
        api_address, version, signer, *_ = msgpack.unpackb(member.metadata)
    except (ValueError, TypeError, msgpack.UnpackException):
        return NodeFacts()
    return NodeFacts(str(api_address), str(version), bool(signer))
