"""How the links of the mesh are, peer by peer."""

from __future__ import annotations

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.addresses import host_port
from caxton_node.pb import cluster_pb2 as pb
from transport import PeerStatus


async def list_peers(services: Services, _request: pb.ListPeersRequest, _call: Call) -> pb.ListPeersResponse:
    """List this node's mesh peers."""
    peers = [peer_of(peer) for peer in services.cluster.peers()]
    return pb.ListPeersResponse(node_id=services.node_id, peers=peers)


def peer_of(peer: PeerStatus) -> pb.Peer:
    """Write one peer."""
    ends = peer.certificate_ends
    return pb.Peer(
        node_id=peer.node_id,
        address="" if peer.address is None else host_port(*peer.address),
        state=peer.state.value,
        kind=peer.kind,
        why=peer.why,
        rtt_ms=peer.rtt_ms or 0.0,
        loss=peer.loss,
        bytes_in=peer.bytes_in,
        bytes_out=peer.bytes_out,
        in_per_s=peer.in_per_s,
        out_per_s=peer.out_per_s,
        backlog_bytes=peer.backlog_bytes,
        unacked_batches=peer.unacked_batches,
        resent_batches=peer.resent_batches,
        clock_skew_s=peer.clock_skew_s,
        certificate_ends_unix_ms=round(ends.timestamp() * 1000) if ends is not None else 0,
        last_failure=peer.last_failure,
    )
