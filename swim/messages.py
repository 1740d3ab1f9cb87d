"""What members say to each other: the parts of a packet.

Claims (`Alive` to `Left`) are rumours and travel with anything; the others are a conversation between two
members. Members are named by their eight-byte key except in `Alive`, which introduces one.
"""

from __future__ import annotations

from typing import NamedTuple

from swim.member import PROTOCOL_VERSIONS, Address, Member, MemberState


class Ping(NamedTuple):
    """Are you there? `target` is half a key, so that whoever has taken over the address does not answer."""

    sequence: int
    target: bytes
    digest: bytes


class Ack(NamedTuple):
    """I am; or, from a helper: the member that you asked about is.

    The coordinate is that of whoever answers, or empty.
    """

    sequence: int
    digest: bytes
    coordinate: bytes = b""


class PingRequest(NamedTuple):
    """Please probe `target` for me."""

    sequence: int
    target: bytes


class Nack(NamedTuple):
    """I could not reach the member that you asked about, but I am here myself."""

    sequence: int


class Alive(NamedTuple):
    """The full record of a live member: its claim, its profile, and the protocol versions that it speaks.

    Metadata too large for a record is left out, and `content` refers to it.
    """

    node_id: str
    host: str
    port: int
    epoch: int
    incarnation: int
    revision: int
    metadata: bytes
    content: bytes = b""
    version_min: int = PROTOCOL_VERSIONS[0]
    version_max: int = PROTOCOL_VERSIONS[1]


class Refute(NamedTuple):
    """A claim that a known member is alive, without its profile."""

    key: bytes
    epoch: int
    incarnation: int


class Suspect(NamedTuple):
    """A claim that a member could not be reached; `accusers` holds four bytes of the key of each."""

    key: bytes
    epoch: int
    incarnation: int
    accusers: bytes


class Dead(NamedTuple):
    """A claim that a suspicion was not refuted in time; `accusers` are those who had raised it."""

    key: bytes
    epoch: int
    incarnation: int
    accusers: bytes


class Left(NamedTuple):
    """A claim that a member said goodbye."""

    key: bytes
    epoch: int
    incarnation: int


class Topic(NamedTuple):
    """A broadcast; `number` counts those of one origin in one life."""

    origin: bytes
    epoch: int
    number: int
    topic: str
    payload: bytes


class Pull(NamedTuple):
    """Please send your live members with a key above `after`."""

    after: bytes


class Page(NamedTuple):
    """The end of an answer to `Pull`: ask again after `next`, or nothing is left if it is empty."""

    next: bytes


class Buckets(NamedTuple):
    """Digests of the parts of my table, to be compared with yours."""

    digests: bytes


class Listing(NamedTuple):
    """All my live members with keys from `low` to `high`, as packed entries of `sync.ENTRY`."""

    low: bytes
    high: bytes
    entries: bytes


class Want(NamedTuple):
    """Please send your records of these members; keys one after the other."""

    keys: bytes


class ContentWant(NamedTuple):
    """Please send the content with this reference, from `offset` on."""

    reference: bytes
    offset: int


class ContentPiece(NamedTuple):
    """A piece of the content with this reference."""

    reference: bytes
    offset: int
    data: bytes


Claim = Alive | Refute | Suspect | Dead | Left
Probing = Ping | Ack | PingRequest | Nack
Syncing = Pull | Page | Buckets | Listing | Want | ContentWant | ContentPiece
Talk = Probing | Syncing | Topic
Message = Claim | Talk


class Packet(NamedTuple):
    """The plaintext of one datagram.

    The sender's incarnation stands in every packet, so that anything it says refutes an older suspicion.
    """

    incarnation: int
    messages: list[Message]


def introduce(member: Member) -> Alive:
    """Return the full record of a live member."""
    host, port = member.address
    return Alive(
        member.node_id,
        host,
        port,
        member.epoch,
        member.incarnation,
        member.revision,
        b"" if member.content else member.metadata,
        member.content,
        *member.versions,
    )


def version_of(record: Member | Alive) -> tuple[int, int, int]:
    """Return what tells two records of one member apart: epoch, incarnation and revision."""
    return record.epoch, record.incarnation, record.revision


def address_of(alive: Alive) -> Address:
    """Return the address in a full record."""
    return alive.host, alive.port


STATE_OF: dict[type[Claim], MemberState] = {
    Alive: MemberState.ALIVE,
    Refute: MemberState.ALIVE,
    Suspect: MemberState.SUSPECT,
    Dead: MemberState.DEAD,
    Left: MemberState.LEFT,
}
"""Which state each claim asserts."""
