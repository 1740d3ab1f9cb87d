"""What a membership reports: facts in the past tense, each with the member as it is from then on.

For one member the events alternate: `MemberJoined` opens, `MemberDied` or `MemberLeft` closes; in between
`MemberSuspected` is followed by `MemberRefuted` or a close. A restart that was seen before the death was
noticed is told as both, `MemberDied` with the old epoch and then `MemberJoined` with the new one, because
whatever ran there is gone. No event of a member is about this node itself.
"""

from __future__ import annotations

from dataclasses import dataclass

from swim.member import Address, Member


@dataclass(frozen=True, slots=True)
class MemberEvent:
    """Something about one member; listeners usually take a subclass."""

    member: Member


@dataclass(frozen=True, slots=True)
class MemberJoined(MemberEvent):
    """The member is alive: new here, or back after it was held dead or had left."""


@dataclass(frozen=True, slots=True)
class MemberUpdated(MemberEvent):
    """The member changed its metadata or address."""


@dataclass(frozen=True, slots=True)
class MemberSuspected(MemberEvent):
    """Somebody could not reach the member; it still counts as live and can refute.

    Attributes:
        accusers: Node ids of those who could not reach it, as far as they are known here.
    """

    accusers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberRefuted(MemberEvent):
    """The member was suspected and has shown that it is alive."""


@dataclass(frozen=True, slots=True)
class MemberDied(MemberEvent):
    """The member did not refute in time.

    Attributes:
        accusers: Node ids of those who could not reach it, as far as they are known here; nobody if it was
            an earlier life that a restart ended.
    """

    accusers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberLeft(MemberEvent):
    """The member said that it was leaving."""


@dataclass(frozen=True, slots=True)
class TopicReceived:
    """A broadcast arrived for the first time.

    Attributes:
        origin: Node id of the member that broadcast it.
        topic: Its topic.
        payload: Its bytes.
    """

    origin: str
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class JoinCompleted:
    """The whole table of a seed has arrived.

    Attributes:
        members: Live members known at that moment, this node included.
    """

    members: int


@dataclass(frozen=True, slots=True)
class LeaveCompleted:
    """The leaver has said goodbye for long enough; the socket may be closed."""


@dataclass(frozen=True, slots=True)
class IdentityClaimed:
    """Another process, or an earlier life whose epoch was lost, claims this node's id with a higher epoch.

    The cluster believes the higher epoch. This node should start again with an epoch above the claim, or
    not at all.

    Attributes:
        claim: The record that the cluster holds.
    """

    claim: Member


@dataclass(frozen=True, slots=True)
class AddressClaimed(MemberEvent):
    """Two processes go by one id in the same life: the record says one address, somebody else another.

    The record that was there first stands.

    Attributes:
        address: The other address.
    """

    address: Address


@dataclass(frozen=True, slots=True)
class VersionRefused:
    """Somebody wants to be a member that speaks no version of the protocol that this node speaks.

    Attributes:
        node_id: Its id.
        versions: Oldest and newest version that it speaks.
    """

    node_id: str
    versions: tuple[int, int]


@dataclass(frozen=True, slots=True)
class DatagramsBlocked(MemberEvent):
    """The member answers over its link but not to datagrams: a firewall, or a path that loses UDP."""


@dataclass(frozen=True, slots=True)
class PingAnswered(MemberEvent):
    """A member has answered `Membership.ping`.

    Attributes:
        rtt_s: Round trip in seconds.
    """

    rtt_s: float


Event = MemberEvent | TopicReceived | JoinCompleted | LeaveCompleted | IdentityClaimed | VersionRefused
