"""Calls about the cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import cluster_pb2 as pb
from caxton_node.pb import keys_pb2

KEYS_S = 10.0
"""Longest time that a node waits for the members that it asks."""


class Cluster(Noun):
    """See who is a member, and let nodes come and go."""

    service = "ClusterService"

    def members(self) -> Sequence[pb.Member]:
        """List the members that the node knows, itself included, by id."""
        found: list[pb.Member] = []
        token = ""
        while True:
            request = pb.ListMembersRequest(page_token=token)
            page = self._call("ListMembers", request, pb.ListMembersResponse)
            found.extend(page.members)
            if not (token := page.next_page_token):
                return found

    def status(self, *, node: str = "") -> pb.GetStatusResponse:
        """Tell how a node is: its view of the cluster, its links, its message counts."""
        return self._call("GetStatus", pb.GetStatusRequest(node=node), pb.GetStatusResponse)

    def peers(self, *, node: str = "") -> Sequence[pb.Peer]:
        """List a node's mesh peers, by id: which link each has, why it is of its kind, and how it does."""
        return self._call("ListPeers", pb.ListPeersRequest(node=node), pb.ListPeersResponse).peers

    def watch(self) -> Iterator[pb.MemberEvent]:
        """Yield every present member, then each change as it happens."""
        return self._stream("WatchMembers", pb.WatchMembersRequest(), pb.MemberEvent)

    def leave(self, *, node: str = "") -> str:
        """Let a node say goodbye and stop; returns its id."""
        return self._call("Leave", pb.LeaveRequest(node=node), pb.LeaveResponse).node_id

    def partition(self, *, node: str = "") -> pb.GetPartitionResponse:
        """Tell which side of a split a node is on, who counts, and which splits have healed."""
        return self._call("GetPartition", pb.GetPartitionRequest(node=node), pb.GetPartitionResponse)

    def resolve_partition(
        self, *, forget: Sequence[str] = (), forget_all_dead: bool = False, node: str = ""
    ) -> pb.ResolvePartitionResponse:
        """Give up dead members that will not come back, on every node that is reached.

        Args:
            forget: Members to give up.
            forget_all_dead: Give up every one that counts and is not seen.
            node: Node that begins; empty means the one that is asked.

        Raises:
            StateError: One of them is alive; nothing was changed.
            NotFound: One of them does not count; nothing was changed.
        """
        request = pb.ResolvePartitionRequest(node=node, forget=forget, forget_all_dead=forget_all_dead)
        return self._call("ResolvePartition", request, pb.ResolvePartitionResponse)

    def ping(
        self, target: str, *, node: str = "", over_link: bool = False, timeout_s: float = 1.0
    ) -> pb.PingMemberResponse:
        """Measure one round trip from a node to a member.

        Raises:
            DeadlineExceeded: No answer in time.
        """
        request = pb.PingMemberRequest(
            node=node, target=target, over_link=over_link, timeout_ms=round(timeout_s * 1000)
        )
        return self._call("PingMember", request, pb.PingMemberResponse, extra_s=timeout_s)

    def events(
        self, *, node: str = "", member: str = "", since_unix_ms: int = 0, after: int = 0, limit: int = 0
    ) -> Sequence[pb.HistoryEvent]:
        """List what happened to members as a node saw it, oldest first, the latest 1,000 at most.

        Args:
            node: Whose history; empty means the node that is asked.
            member: Only about this one; empty means all.
            since_unix_ms: Only those not older than this.
            after: Only those with a higher number.
            limit: The latest so many; 0 means 1,000.
        """
        request = pb.ListMemberEventsRequest(
            node=node, member=member, since_unix_ms=since_unix_ms, after=after, limit=limit
        )
        return self._call("ListMemberEvents", request, pb.ListMemberEventsResponse).events

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

    def gossip_keys(self) -> Sequence[keys_pb2.NodeKeys]:
        """List the gossip keys of every live member, by id."""
        request = keys_pb2.ListKeysRequest()
        return self._call("ListKeys", request, keys_pb2.ListKeysResponse, extra_s=KEYS_S).nodes

    def install_key(self, key: bytes = b"", *, force: bool = False) -> Iterator[keys_pb2.KeysStep]:
        """Let every live member open another gossip key, a new one if none is given.

        This and the other changes of keys yield each step when it is done, and raise where they stop.

        Args:
            key: 32 bytes, or empty.
            force: Go on without members that cannot be reached.
        """
        request = keys_pb2.InstallKeyRequest(key=key, force=force)
        return self._stream("InstallKey", request, keys_pb2.KeysStep)

    def use_key(self, key_id: str, *, force: bool = False) -> Iterator[keys_pb2.KeysStep]:
        """Let every live member seal with a gossip key that all of them hold."""
        return self._stream("UseKey", keys_pb2.UseKeyRequest(key_id=key_id, force=force), keys_pb2.KeysStep)

    def remove_key(self, key_id: str, *, force: bool = False) -> Iterator[keys_pb2.KeysStep]:
        """Let no live member open a gossip key any more."""
        request = keys_pb2.RemoveKeyRequest(key_id=key_id, force=force)
        return self._stream("RemoveKey", request, keys_pb2.KeysStep)

    def rotate_keys(self, *, force: bool = False) -> Iterator[keys_pb2.KeysStep]:
        """Put a new gossip key in the place of all others, on every live member."""
        return self._stream("RotateKeys", keys_pb2.RotateKeysRequest(force=force), keys_pb2.KeysStep)
