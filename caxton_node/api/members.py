"""How members are shown, what happened to them, and how far away they are."""

from __future__ import annotations

from collections.abc import Mapping

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.cluster.diary import PAGE_MAX, Entry
from caxton_node.cluster.facts import facts_of
from caxton_node.core.addresses import host_port
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.core.ids import check_node_id
from caxton_node.pb import cluster_pb2 as pb
from swim import Member
from transport import PeerState, PeerStatus

COUNT_MAX = 2**63 - 1
"""Largest number of SQLite; those of a request may be larger."""
PING_TIMEOUT_MS, PING_TIMEOUT_MS_MAX = 1000, 60_000


class MemberNotFound(NotFound):
    """This node knows no such member; nothing was done."""

    code = "MEMBER_NOT_FOUND"


def member_of(services: Services, member: Member, links: Mapping[str, PeerStatus] | None = None) -> pb.Member:
    """Write one member as this node sees it.

    Args:
        services: Of this node.
        member: Its record.
        links: Of the mesh, by node; looked up when they are not given.
    """
    host, port = member.address
    facts = facts_of(member)
    cluster = services.cluster
    known = cluster.news.acquaintances.find(member.node_id)
    shown = pb.Member(
        node_id=member.node_id,
        address=host_port(host, port),
        api_address=facts.api_address,
        state=f"MEMBER_STATE_{member.state.name}",
        incarnation=member.incarnation,
        epoch=member.epoch,
        is_self=member.node_id == services.node_id,
        version=facts.version,
        counts=cluster.sides.counts(member.node_id),
    )
    if shown.is_self:
        shown.since_unix_ms = services.clock.unix_us() // 1000 - round(services.uptime_s * 1000)
    if known is not None:
        shown.since_unix_ms = known.since_unix_ms
        shown.flaps = known.flaps(services.clock.now())
        shown.last_change = known.last_change
        shown.accusers.extend(known.accusers)
    _show_path(services, shown, (links_of(services) if links is None else links).get(member.node_id))
    return shown


def links_of(services: Services) -> dict[str, PeerStatus]:
    """Return the links of the mesh by node."""
    return {peer.node_id: peer for peer in services.cluster.peers()}


async def ping_member(
    services: Services, request: pb.PingMemberRequest, _call: Call
) -> pb.PingMemberResponse:
    """Measure one round trip to a member."""
    target = check_node_id(request.target)
    member = services.cluster.find(target)
    if member is None:
        raise MemberNotFound(f"no node {target}", hint="caxton cluster members shows which nodes there are")
    if target == services.node_id:
        raise InvalidArgument(
            f"{target} is the node that pings", hint="name another one, or let another one ping with --node"
        )
    timeout_ms = request.timeout_ms or PING_TIMEOUT_MS
    if timeout_ms > PING_TIMEOUT_MS_MAX:
        raise InvalidArgument(f"{timeout_ms:,} ms is too long for a ping", why="a minute is the most")
    pinger = services.cluster.pinger
    ask = pinger.over_link if request.over_link else pinger.over_gossip
    pong = await ask(target, timeout_ms / 1000)
    host, port = member.address
    return pb.PingMemberResponse(rtt_ms=pong.rtt_s * 1000, way=pong.way, address=host_port(host, port))


async def list_member_events(
    services: Services, request: pb.ListMemberEventsRequest, _call: Call
) -> pb.ListMemberEventsResponse:
    """List what happened to members as this node saw it."""
    entries = await services.diary.read(
        after=min(request.after, COUNT_MAX),
        since_unix_ms=min(request.since_unix_ms, COUNT_MAX),
        node=request.member,
        limit=request.limit or PAGE_MAX,
    )
    return pb.ListMemberEventsResponse(
        node_id=services.node_id, events=[_event_of(entry) for entry in entries]
    )


def _show_path(services: Services, shown: pb.Member, link: PeerStatus | None) -> None:
    if link is not None and link.state is PeerState.UP:
        shown.link = link.kind
        shown.rtt_ms = link.rtt_ms or 0.0
    if not shown.rtt_ms and not shown.is_self:
        shown.rtt_ms = 1000 * (services.cluster.membership.distance_s(shown.node_id) or 0.0)


def _event_of(entry: Entry) -> pb.HistoryEvent:
    return pb.HistoryEvent(
        number=entry.id,
        at_unix_ms=entry.at_unix_ms,
        what=entry.what,
        member=entry.node,
        epoch=entry.epoch,
        incarnation=entry.incarnation,
        address=entry.address,
        accusers=entry.accusers,
        detail=entry.detail,
    )
