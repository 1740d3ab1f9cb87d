"""News of members: counted, remembered and logged before they go to whoever listens."""

from __future__ import annotations

from caxton_node.cluster.acquaintance import Acquaintances
from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.core.clock import Clock
from caxton_node.observability.logs import get_logger
from swim import events as swim_events

_log = get_logger("cluster")


class News:
    """What has happened to members so far.

    Args:
        clock: When it was.

    Attributes:
        acquaintances: What is remembered of each member beside its record.
        counts: How often each change was seen.
    """

    def __init__(self, clock: Clock) -> None:
        self.acquaintances = Acquaintances()
        self.counts = dict.fromkeys(Change, 0)
        self._clock = clock

    def note(self, changed: MemberChanged) -> None:
        """Note one change."""
        member, change, accusers = changed.member, changed.change, changed.accusers
        self.counts[change] += 1
        host, port = member.address
        said = {"accusers": list(accusers)} if accusers else {}
        _log.info(
            f"member {change}", member=member.node_id, address=f"{host}:{port}", epoch=member.epoch, **said
        )
        if change is not Change.UPDATED:
            now, unix_ms = self._clock.now(), self._clock.unix_us() // 1000
            self.acquaintances.note(member.node_id, change.value, accusers=accusers, unix_ms=unix_ms, now=now)


def warn_of(event: object) -> None:
    """Tell the operator of what only an operator can put right; other events are passed over."""
    match event:
        case swim_events.IdentityClaimed(claim):
            hint = "stop the other process, then restart this node"
            _log.error("another process goes by this node's id", epoch=claim.epoch, hint=hint)
        case swim_events.AddressClaimed(member, address):
            other, hint = "{}:{}".format(*address), "two processes go by one id: stop one of them"
            _log.error("a member is at two addresses", member=member.node_id, other=other, hint=hint)
        case swim_events.VersionRefused(node_id, versions):
            _log.warning(
                "a node speaks no version of the protocol that this one speaks",
                member=node_id,
                versions=list(versions),
                hint="upgrade the older of the two",
            )
        case swim_events.DatagramsBlocked(member):
            hint = "open UDP between the two, or look for loss: caxton cluster ping, with and without --link"
            _log.warning("a member answers over its link only", member=member.node_id, hint=hint)
