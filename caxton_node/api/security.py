"""Handlers about certificates, the CA that signs them, and nodes that were cut off."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from cryptography import x509

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import security_pb2 as pb
from caxton_node.trust.revoking import Revoked
from caxton_node.trust.steps import Step, read_step
from caxton_node.trust.survey import NodeTrust
from certs import CertificateError, Revocation, decode_revocation

SILENT = "silent"
REASON_BYTES_MAX = 200


async def list_certificates(
    services: Services, _request: pb.ListCertificatesRequest, _call: Call
) -> pb.ListCertificatesResponse:
    """List the certificate of every live member and whom it trusts, by id."""
    return pb.ListCertificatesResponse(nodes=_nodes_of(await services.trust.survey.show()))


async def renew_certificate(
    services: Services, _request: pb.RenewCertificateRequest, _call: Call
) -> pb.RenewCertificateResponse:
    """Give this node a new certificate now."""
    await services.trust.renewing.renew()
    shown = services.trust.survey.exchange.shown
    return pb.RenewCertificateResponse(certificate=_node_of(NodeTrust(services.node_id, shown)))


async def revoke_node(services: Services, request: pb.RevokeNodeRequest, call: Call) -> pb.RevokeNodeResponse:
    """Cut a node off: its certificates are void from now on, and gossip gets another key."""
    revoking = services.trust.revoking
    if request.revocation:
        return _revoked_of(await revoking.spread(_read(request)))
    if len(request.reason.encode()) > REASON_BYTES_MAX:
        raise InvalidArgument(f"a reason has at most {REASON_BYTES_MAX} bytes")
    by = call.principal.name
    return _revoked_of(await revoking.revoke(request.target, reason=request.reason, by=by))


async def list_revocations(
    services: Services, _request: pb.ListRevocationsRequest, _call: Call
) -> pb.ListRevocationsResponse:
    """List what was revoked, by node."""
    held = services.trust.held.revocations
    return pb.ListRevocationsResponse(revocations=[_revocation_of(each) for each in held])


async def get_authorities(
    services: Services, _request: pb.GetAuthoritiesRequest, _call: Call
) -> pb.GetAuthoritiesResponse:
    """Tell which CAs are trusted, which one signs, and where a change of the CA stands."""
    trust, nodes = services.trust.held.trust, await services.trust.survey.show()
    found = zip(trust.fingerprints, trust.authorities, strict=True)
    return pb.GetAuthoritiesResponse(
        authorities=[_authority_of(name, each, trust.primary, nodes) for name, each in found],
        stage=services.trust.succession.stage.value,
        trust_revision=trust.revision,
        nodes=_nodes_of(nodes),
    )


async def rotate_authority(
    services: Services, request: pb.RotateAuthorityRequest, _call: Call
) -> AsyncIterator[pb.AuthorityStep]:
    """Put another CA in the place of the one that signs, on every live member, step by step."""
    succession = services.trust.succession
    if request.step:
        steps = succession.take(read_step(request.step), force=request.force)
    else:
        steps = succession.rotate(force=request.force)
    async for step in steps:
        yield _step_of(step)


def _read(request: pb.RevokeNodeRequest) -> Revocation:
    try:
        revocation = decode_revocation(request.revocation)
    except CertificateError as err:
        raise InvalidArgument("this is no revocation", why=str(err)) from err
    if request.target and request.target != revocation.node_id:
        raise InvalidArgument(f"the revocation is about {revocation.node_id}, not about {request.target}")
    return revocation


def _step_of(step: Step) -> pb.AuthorityStep:
    return pb.AuthorityStep(
        step=step.name.value, primary=step.primary, trust_revision=step.revision, nodes=_nodes_of(step.nodes)
    )


def _revoked_of(revoked: Revoked) -> pb.RevokeNodeResponse:
    return pb.RevokeNodeResponse(
        revocation=_revocation_of(revoked.revocation),
        nodes=_nodes_of(revoked.nodes),
        held_ca_key=revoked.held_key,
    )


def _revocation_of(revocation: Revocation) -> pb.Revocation:
    return pb.Revocation(
        node=revocation.node_id,
        serial="" if revocation.serial is None else f"{revocation.serial:x}",
        since_unix_s=int(revocation.since.timestamp()),
        until_unix_s=int(revocation.until.timestamp()),
        reason=revocation.reason,
        authority=revocation.authority,
    )


def _authority_of(
    name: str, certificate: x509.Certificate, primary: str, nodes: Iterable[NodeTrust]
) -> pb.CertificateAuthority:
    found = list(nodes)
    return pb.CertificateAuthority(
        fingerprint=name,
        not_before_unix_s=int(certificate.not_valid_before_utc.timestamp()),
        not_after_unix_s=int(certificate.not_valid_after_utc.timestamp()),
        signs=name == primary,
        holders=[each.node for each in found if name in each.shown.keys],
        nodes=[each.node for each in found if each.shown.issuer == name],
    )


def _nodes_of(nodes: Iterable[NodeTrust]) -> list[pb.NodeCertificate]:
    return [_node_of(found) for found in nodes]


def _node_of(found: NodeTrust) -> pb.NodeCertificate:
    shown = found.shown
    return pb.NodeCertificate(
        node=found.node,
        error=found.error,
        subject=shown.subject,
        serial=shown.serial,
        issuer=shown.issuer,
        not_before_unix_s=shown.not_before_s,
        not_after_unix_s=shown.not_after_s,
        state=shown.state or SILENT,
        skew_s=found.skew_s,
        trust_revision=shown.revision,
        authorities=shown.authorities,
        primary=shown.primary,
        ca_keys=shown.keys,
        revocations=shown.revocations,
        trouble=shown.trouble,
    )
