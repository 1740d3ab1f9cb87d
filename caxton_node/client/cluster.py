"""Calls about the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import cluster_pb2 as pb


class Cluster(Noun):
    """See who is a member, and let nodes come and go."""

    service = "ClusterService"

    def members(self) -> Sequence[pb.Member]:
        """List the members that the node knows, itself included, by id."""
        return self._call("ListMembers", pb.ListMembersRequest(), pb.ListMembersResponse).members

    def status(self, *, node: str = "") -> pb.GetStatusResponse:
        """Tell how a node is: its view of the cluster, its links, its message counts."""
        return self._call("GetStatus", pb.GetStatusRequest(node=node), pb.GetStatusResponse)

    def watch(self) -> Iterator[pb.MemberEvent]:
        """Yield every present member, then each change as it happens."""
        return self._stream("WatchMembers", pb.WatchMembersRequest(), pb.MemberEvent)

    def leave(self, *, node: str = "") -> str:
        """Let a node say goodbye and stop; returns its id."""
        return self._call("Leave", pb.LeaveRequest(node=node), pb.LeaveResponse).node_id

    def create_join_token(self, *, lifetime_s: int = 0) -> pb.CreateJoinTokenResponse:
        """Make a token with which nodes may join, valid for `lifetime_s` seconds (0 means an hour)."""
        request = pb.CreateJoinTokenRequest(lifetime_s=lifetime_s)
        return self._call("CreateJoinToken", request, pb.CreateJoinTokenResponse)

    def join(self, token: str, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> pb.JoinResponse:
        """Ask a member to sign a new node's certificate and let it in.

        Args:
            token: Join token; the only credential of this call.
            node_id: Id that the new node wants.
            csr_pem: PKCS #10 request for that id.
            hosts: Host names and addresses at which the new node will be reached.

        Raises:
            Unauthorized: The token is unknown, used up or expired.
            AlreadyExists: Another member has this id.
        """
        request = pb.JoinRequest(token=token, node_id=node_id, csr_pem=csr_pem, hosts=hosts)
        return self._call("Join", request, pb.JoinResponse)
