"""Calls about certificates, the CA, and nodes that were cut off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import security_pb2 as pb

MEMBERS_S = 15.0
"""Longest time that a node waits for the members that it asks."""


class Security(Noun):
    """See and renew certificates, cut nodes off, change the CA."""

    service = "SecurityService"

    def certificates(self) -> Sequence[pb.NodeCertificate]:
        """List the certificate of every live member and whom it trusts, by id."""
        request = pb.ListCertificatesRequest()
        return self._call("ListCertificates", request, pb.ListCertificatesResponse, extra_s=MEMBERS_S).nodes

    def renew(self, *, node: str = "") -> pb.NodeCertificate:
        """Give a node a new certificate now; an empty id means the node that is asked.

        Raises:
            Unavailable: No member that signs can be reached; the old one stays in use.
        """
        request = pb.RenewCertificateRequest(node=node)
        answer = self._call("RenewCertificate", request, pb.RenewCertificateResponse, extra_s=MEMBERS_S)
        return answer.certificate

    def revoke(self, target: str = "", *, reason: str = "", revocation: bytes = b"") -> pb.RevokeNodeResponse:
        """Cut a node off: its certificates are void from now on, and gossip gets another key.

        Args:
            target: The node.
            reason: For the log and for people.
            revocation: One that was signed offline, in place of both.

        Raises:
            Unavailable: No member that signs can be reached; nothing was changed.
        """
        request = pb.RevokeNodeRequest(target=target, reason=reason, revocation=revocation)
        return self._call("RevokeNode", request, pb.RevokeNodeResponse, extra_s=MEMBERS_S)

    def revocations(self) -> Sequence[pb.Revocation]:
        """List what was revoked, by node."""
        request = pb.ListRevocationsRequest()
        return self._call("ListRevocations", request, pb.ListRevocationsResponse).revocations

    def authorities(self) -> pb.GetAuthoritiesResponse:
        """Tell which CAs are trusted, which one signs, and where a change of the CA stands."""
        request = pb.GetAuthoritiesRequest()
        return self._call("GetAuthorities", request, pb.GetAuthoritiesResponse, extra_s=MEMBERS_S)

    def rotate_authority(self, *, step: str = "", force: bool = False) -> Iterator[pb.AuthorityStep]:
        """Put another CA in the place of the one that signs; yields each step when it is taken.

        Args:
            step: Only this one: announce, switch, renew, retire, abandon. Empty: all that are left.
            force: Go on without members that do not answer, are away, or have not renewed.

        Raises:
            CaNotRetirable: Members would be cut off; the old CA stays trusted.
            Unavailable: Members have not confirmed a step.
        """
        request = pb.RotateAuthorityRequest(step=step, force=force)
        return self._stream("RotateAuthority", request, pb.AuthorityStep)
