"""What memberlist's members say to each other: values, never decoded from bytes.

Source: hashicorp/memberlist, net.go.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from swim.member import Address


class State(StrEnum):
    """What a member believes of another one; memberlist's LEFT is not needed here."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    DEAD = "dead"


class Ping(NamedTuple):
    """Asks a member, by name, for an ack."""

    sequence: int
    node: str
    source: str


class IndirectPing(NamedTuple):
    """Asks a helper to ping somebody."""

    sequence: int
    node: str
    source: str


class Ack(NamedTuple):
    """Answers a ping, also in a helper's name."""

    sequence: int


class Nack(NamedTuple):
    """Tells that the helper got no answer."""

    sequence: int


class Alive(NamedTuple):
    """Introduces a member, or refutes what was said of it."""

    incarnation: int
    node: str
    address: Address
    metadata: bytes


class Suspect(NamedTuple):
    """Accuses a member."""

    incarnation: int
    node: str
    accuser: str


class Dead(NamedTuple):
    """Declares a member dead."""

    incarnation: int
    node: str
    accuser: str


Claim = Alive | Suspect | Dead
"""What is spread by gossip."""


class Entry(NamedTuple):
    """One line of a table in a full exchange."""

    node: str
    address: Address
    metadata: bytes
    incarnation: int = 1
    state: State = State.ALIVE


class Table(NamedTuple):
    """One side of a full exchange.

    Attributes:
        members: How many entries it has on the wire.
        metadata_bytes: Metadata in each.
        entries: Those that are not as in the base that all simulated tables share.
        forgotten: Names of the base that it does not have.
    """

    members: int
    metadata_bytes: int
    entries: tuple[Entry, ...]
    forgotten: frozenset[str] = frozenset()


class StreamPing(NamedTuple):
    """A ping over TCP."""

    sequence: int


class StreamAck(NamedTuple):
    """Its answer."""

    sequence: int


StreamContent = Table | StreamPing | StreamAck


class Syn(NamedTuple):
    """Opens a TCP connection."""

    stream: int


class SynAck(NamedTuple):
    """Accepts it."""

    stream: int


class Request(NamedTuple):
    """What the opener of a connection sends."""

    stream: int
    content: StreamContent


class Reply(NamedTuple):
    """What it gets in return."""

    stream: int
    content: StreamContent


Segment = Syn | SynAck | Request | Reply
Message = Ping | IndirectPing | Ack | Nack | Alive | Suspect | Dead | Segment
