"""SWIM membership with Lifeguard, as a pure core: who is in the cluster, who is gone, and small rumours.

Owns the member table of one node, its failure detector, its gossip and the datagrams they travel in. Start
reading at `member.py` (the rule that decides between two claims), then `probe.py`, `view.py` and the hub
`membership.py`; DESIGN.md has the protocol and the wire format.

Does not own sockets, clocks, threads or logs: whoever drives a `Membership` feeds it datagrams and due
timers with the time of day and performs the effects that come back. Does not know what an agent is:
metadata and topics are bytes.
"""

from swim.effects import Effect, Notify, Schedule, Send
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
    TopicReceived,
)
from swim.keyring import Keyring
from swim.member import Address, Identity, Member, MemberState
from swim.membership import Membership
from swim.settings import Settings
from swim.statistics import Drop, Statistics
from swim.timers import Timer

__all__ = [
    "Address",
    "BacklogFull",
    "Drop",
    "Effect",
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
    "RemoteError",
    "Schedule",
    "Send",
    "Settings",
    "Statistics",
    "SwimError",
    "Timer",
    "TooLarge",
    "TopicReceived",
]
