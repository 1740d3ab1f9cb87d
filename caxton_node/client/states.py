"""States as words, for callers that compare them; the wire has them as numbers."""

from __future__ import annotations

from enum import StrEnum
from typing import Self

from caxton_node.pb import cluster_pb2 as pb


class MemberState(StrEnum):
    """How a member is seen from the node that was asked."""

    ALIVE = "alive"
    SUSPECT = "suspect"
    DEAD = "dead"
    LEFT = "left"

    @classmethod
    def of(cls, member: pb.Member) -> Self:
        """Return the state of a member of an answer."""
        return cls(pb.MemberState.Name(member.state).removeprefix("MEMBER_STATE_").lower())
