"""A member, and the one rule that decides between two claims about it.

The SWIM paper orders claims about a member by its incarnation, a number that only the member itself may
raise: at the same incarnation a suspicion beats "alive", a death beats a suspicion, and only a higher
incarnation beats a death. Two things are added. A boot epoch stands before the incarnation, so that a
restarted process (whose incarnation starts at zero again) wins at once, even over its own death. And "left"
stands above "dead", because whoever said goodbye did not fail.

That makes claims a total order, and merging them taking the maximum: commutative, idempotent, and the same
on every node whatever the order of arrival. The *profile* of a member (address and metadata) is a second
maximum, by epoch and revision, so that a suspicion can travel in a few bytes without repeating the
metadata. Rejected: one order for both, in which a short refutation would have to carry the metadata or make
others believe that they already have its newest version.

Source: Das, Gupta, Motivala, "SWIM", section 4.2; DESIGN.md, "Claims".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from ipaddress import ip_address

from swim.errors import InvalidIdentity

Address = tuple[str, int]
"""Host and UDP port."""

EPOCH_MAX = 2**32 - 1
INCARNATION_MAX = 2**31 - 1
"""Claims above it are refused as forged: no honest member refutes so often in one boot."""
REVISION_MAX = 2**31 - 1
REVISION_STALE = -1
"""The profile is from an earlier boot than the claim; any profile of this boot is newer."""
KEY_BYTES = 8
PROTOCOL_VERSIONS = (1, 1)
"""The oldest and the newest version of the messages that this code speaks."""
_SCOPE = re.compile(r"[A-Za-z0-9._-]{1,15}\Z")
_NODE_ID = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")


class MemberState(StrEnum):
    """What is believed of a member."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    DEAD = "dead"
    LEFT = "left"


RANK = {MemberState.ALIVE: 0, MemberState.SUSPECT: 1, MemberState.DEAD: 2, MemberState.LEFT: 3}


@dataclass(frozen=True, slots=True)
class Member:
    """One member as one node sees it.

    Attributes:
        node_id: DNS label, equal to the common name of its certificate.
        address: Where it receives datagrams.
        state: What is believed of it.
        incarnation: How often it has refuted an accusation in this boot.
        epoch: Its boot counter.
        metadata: Opaque bytes that it tells everybody.
        revision: How often it has changed its profile in this boot.
        key: Eight bytes that stand for the node id on the wire.
        content: Reference to metadata that is too large for a record, b"" for other metadata. While it is
            being fetched `metadata` is empty.
        versions: Oldest and newest version of the protocol that it speaks.
    """

    node_id: str
    address: Address
    state: MemberState
    incarnation: int
    epoch: int
    metadata: bytes
    revision: int
    key: bytes
    content: bytes = b""
    versions: tuple[int, int] = PROTOCOL_VERSIONS

    @property
    def is_incomplete(self) -> bool:
        """Tell whether its metadata is still being fetched."""
        return bool(self.content) and not self.metadata

    @property
    def is_live(self) -> bool:
        """Tell whether the member takes part: alive, or suspected but not yet given up."""
        return self.state is MemberState.ALIVE or self.state is MemberState.SUSPECT


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this node is for one life of its process.

    Attributes:
        node_id: DNS label of 1 to 63 of a-z, 0-9 and hyphen.
        address: Where others reach this node (never a wildcard address).
        epoch: Boot counter, 0 to 2**32 - 1. It must be higher in every life: max(stored + 1, seconds since
            1970) does. It also keeps AEAD nonces apart, so a repeated epoch is not only confusing but unsafe.
        metadata: First metadata.
        versions: Oldest and newest version of the protocol that it speaks.
    """

    node_id: str
    address: Address
    epoch: int
    metadata: bytes = b""
    versions: tuple[int, int] = PROTOCOL_VERSIONS

    def __post_init__(self) -> None:
        """Refuse what cannot go on the wire.

        Raises:
            InvalidIdentity: With the part that is wrong.
        """
        check_node_id(self.node_id)
        check_address(*self.address)
        if not 0 <= self.epoch <= EPOCH_MAX:
            raise InvalidIdentity(f"epoch {self.epoch} is not within 0 to {EPOCH_MAX}")


def supersedes(
    epoch: int, incarnation: int, state: MemberState, *, over: Member | tuple[int, int, MemberState]
) -> bool:
    """Tell whether a claim is newer than what is held: epoch first, then incarnation, then the graver state.

    Equal claims do not supersede each other, which is what ends gossip.
    """
    held = over if isinstance(over, tuple) else (over.epoch, over.incarnation, over.state)
    return (epoch, incarnation, RANK[state]) > (held[0], held[1], RANK[held[2]])


@lru_cache(maxsize=16_384)
def node_key(node_id: str) -> bytes:
    """Return the eight bytes that stand for a node id on the wire."""
    return blake2b(node_id.encode(), digest_size=KEY_BYTES).digest()


def check_node_id(node_id: str) -> None:
    """Raise InvalidIdentity unless the id can stand in a certificate and a DNS name."""
    if not _NODE_ID.match(node_id):
        raise InvalidIdentity(f"{node_id!r} is not a node id (1 to 63 of a-z, 0-9 and hyphen)")


def check_address(host: str, port: int) -> None:
    """Raise InvalidIdentity unless host and port can be sent to.

    The host is an IP address: a name would be looked up for each datagram, and the sender would wait.
    """
    try:
        address = ip_address(host)
    except ValueError:
        raise InvalidIdentity(f"{host!r} is not an IP address") from None
    if "%" in host and not _SCOPE.match(host.partition("%")[2]):
        raise InvalidIdentity(f"{host!r} has no network interface behind its %")
    if address.is_unspecified or address.is_multicast:
        raise InvalidIdentity(f"{host} is not the address of one host")
    if not 0 < port < 65_536:
        raise InvalidIdentity(f"{port} is not a UDP port")
