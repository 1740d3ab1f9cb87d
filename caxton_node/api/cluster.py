"""Handlers about the cluster."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import asdict
from operator import attrgetter

from caxton_node import __version__
from caxton_node.agents.lifecycle import State
from caxton_node.api.call import Call
from caxton_node.api.feed import Feed
from caxton_node.api.members import links_of, member_of
from caxton_node.api.pages import page_of
from caxton_node.api.services import Services
from caxton_node.cluster.changes import MemberChanged
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import cluster_pb2 as pb
from swim import Member, MemberState
from transport import PeerStatus

WATCH_DEPTH = 1000
JOIN_LIFETIME_S, JOIN_LIFETIME_S_MIN, JOIN_LIFETIME_S_MAX = 3600, 60, 604_800
PRESENT = "present"
ANSWER_S = 0.2


async def list_members(
    services: Services, request: pb.ListMembersRequest, _call: Call
) -> pb.ListMembersResponse:
    """List every member that this node knows."""
    page, following = page_of(
        services.cluster.members(),
        attrgetter("node_id"),
        of="members",
        size=request.page_size,
        token=request.page_token,
    )
    links = links_of(services)
    members = [member_of(services, member, links) for member in page]
    return pb.ListMembersResponse(members=members, next_page_token=following)


async def get_status(services: Services, _request: pb.GetStatusRequest, _call: Call) -> pb.GetStatusResponse:
    """Tell how this node is."""
    states = Counter(member.state for member in services.cluster.members())
    running = sum(view.state is State.RUNNING for view in services.agents.views())
    gossip_in, gossip_out = services.daemon.gossip_bytes()
    membership, at = services.cluster.membership, services.cluster.sides.standpoint
    rates = services.cluster.traffic.rates()
    return pb.GetStatusResponse(
        node_id=services.node_id,
        cluster=services.cluster_name,
        version=__version__,
        uptime_s=services.uptime_s,
        members_alive=states[MemberState.ALIVE],
        members_suspect=states[MemberState.SUSPECT],
        members_dead=states[MemberState.DEAD],
        members_left=states[MemberState.LEFT],
        agents_running=running,
        links=[_link_of(peer) for peer in services.cluster.peers()],
        messages=pb.MessageCounts(**asdict(services.router.counts())),
        gossip_bytes_in=gossip_in,
        gossip_bytes_out=gossip_out,
        health_score=services.daemon.health_score(),
        listening=services.daemon.listening(),
        partition_view=at.view.value,
        agreed=len(at.agreed),
        agreed_seen=at.seen,
        on_minority=services.config.cluster.on_minority,
        gossip_in_per_s=rates.bytes_in_per_s,
        gossip_out_per_s=rates.bytes_out_per_s,
        suspicions_per_min=rates.suspicions_per_min,
        gossip_dropped={
            reason.value: count for reason, count in membership.statistics.dropped.items() if count
        },
        gossip_loss=membership.loss,
        stalls=services.cluster.stalls,
        encryption=services.keys.encryption,
        conflicts=services.conflicts.count(),
    )


async def watch_members(
    services: Services, _request: pb.WatchMembersRequest, _call: Call
) -> AsyncIterator[pb.MemberEvent]:
    """Send every present member, then each change."""
    feed: Feed[MemberChanged] = Feed(WATCH_DEPTH)
    # Before the snapshot, so that nothing is missed in between.
    unfollow = services.member_changes.follow(feed.offer)
    try:
        for member in services.cluster.members():
            yield _event(services, PRESENT, member)
        while True:
            event, dropped = await feed.take()
            yield _event(services, event.change.value, event.member, dropped, event.accusers)
    finally:
        unfollow()


async def leave(services: Services, _request: pb.LeaveRequest, _call: Call) -> pb.LeaveResponse:
    """Tell the others goodbye and stop this node."""
    # An answer that is to be forwarded must be on its way before the goodbye ends the links it takes.
    asyncio.get_running_loop().call_later(ANSWER_S, services.daemon.leave)
    return pb.LeaveResponse(node_id=services.node_id)


async def join(services: Services, request: pb.JoinRequest, _call: Call) -> pb.JoinResponse:
    """Let a newcomer in if its join token is good."""
    grant = await services.sponsor.admit(
        token=request.token, node_id=request.node_id, csr_pem=request.csr_pem, hosts=list(request.hosts)
    )
    return pb.JoinResponse(
        cluster=grant.cluster,
        certificate_pem=grant.certificate_pem,
        ca_pem=grant.ca_pem,
        gossip_keys=grant.gossip_keys,
        seeds=grant.seeds,
        sponsor=services.node_id,
        trust_list=grant.trusted.trust_list,
        revocations=grant.trusted.revocations,
        clock_unix_ms=services.clock.unix_us() // 1000,
    )


async def create_join_token(
    services: Services, request: pb.CreateJoinTokenRequest, _call: Call
) -> pb.CreateJoinTokenResponse:
    """Make a token with which nodes may join through any member while this node is up."""
    lifetime_s = request.lifetime_s or JOIN_LIFETIME_S
    if not JOIN_LIFETIME_S_MIN <= lifetime_s <= JOIN_LIFETIME_S_MAX:
        raise InvalidArgument(
            f"a join token cannot live for {lifetime_s} s",
            why=f"it may live from {JOIN_LIFETIME_S_MIN} to {JOIN_LIFETIME_S_MAX} s",
            hint="for example --lifetime 1h",
        )
    token = await services.tokens.issue_join_token(
        ca_fingerprint=services.trust.held.trust.primary, lifetime_s=float(lifetime_s)
    )
    return pb.CreateJoinTokenResponse(
        token=token.text,
        expires_unix_ms=token.expires_unix_s * 1000,
        seed=services.daemon.listening().get("grpc", ""),
    )


def _event(
    services: Services, change: str, member: Member, dropped: int = 0, accusers: tuple[str, ...] = ()
) -> pb.MemberEvent:
    return pb.MemberEvent(
        change=change,
        member=member_of(services, member),
        at_unix_ms=services.clock.unix_us() // 1000,
        dropped=dropped,
        accusers=accusers,
    )


def _link_of(peer: PeerStatus) -> pb.Link:
    return pb.Link(
        peer=peer.node_id,
        kind=peer.kind,
        state=peer.state.value,
        rtt_ms=peer.rtt_ms or 0.0,
        bytes_in=peer.bytes_in,
        bytes_out=peer.bytes_out,
        last_failure=peer.last_failure,
    )
