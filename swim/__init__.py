"""SWIM membership with Lifeguard, as a pure core: who is in the cluster, who is gone, and small rumours.

Owns the member table of one node, its failure detector, its gossip and the datagrams they travel in. Start
reading at `member.py` (the rule that decides between two claims), then `probe.py`, `view.py` and the hub
`membership.py`; DESIGN.md has the protocol and the wire format.

Does not own sockets, clocks, threads or logs: whoever drives a `Membership` feeds it datagrams and due
timers with the time of day and performs the effects that come back. Does not know what an agent is:
metadata and topics are bytes.
"""

from swim.effects import Effect, Notify, PingLink, Schedule, Send
from swim.errors import (
    BacklogFull,
    InvalidIdentity,
    InvalidKey,
    InvalidSettings,
    LocalError,
    RemoteError,
    SwimError,
    TooLarge,
)
from swim.events import (
    AddressClaimed,
    DatagramsBlocked,
    Event,
    IdentityClaimed,
    JoinCompleted,
    LeaveCompleted,
    MemberDied,
    MemberEvent,
    MemberJoined,
    MemberLeft,
    MemberRefuted,
    MemberSuspected,
    MemberUpdated,
    PingAnswered,
    TopicReceived,
    VersionRefused,
)
from swim.keyring import Encryption, Keyring
from swim.member import Address, Identity, Member, MemberState
from swim.membership import Membership
from swim.ring import Ring, key_id
from swim.settings import Pace, Settings
from swim.statistics import Drop, Statistics
from swim.timers import Timer

__all__ = [
    "Address",
    "AddressClaimed",
    "BacklogFull",
    "DatagramsBlocked",
    "Drop",
    "Effect",
    "Encryption",
    "Event",
    "Identity",
    "IdentityClaimed",
    "InvalidIdentity",
    "InvalidKey",
    "InvalidSettings",
    "JoinCompleted",
    "Keyring",
    "LeaveCompleted",
    "LocalError",
    "Member",
    "MemberDied",
    "MemberEvent",
    "MemberJoined",
    "MemberLeft",
    "MemberRefuted",
    "MemberState",
    "MemberSuspected",
    "MemberUpdated",
    "Membership",
    "Notify",
    "Pace",
    "PingAnswered",
    "PingLink",
    "RemoteError",
    "Ring",
    "Schedule",
    "Send",
    "Settings",
    "Statistics",
    "SwimError",
    "Timer",
    "TooLarge",
    "TopicReceived",
    "VersionRefused",
    "key_id",
]
