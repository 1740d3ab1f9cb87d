"""A new node's half of joining: its own key, which never leaves it, and a request to have it signed."""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from certs.errors import InvalidRequest
from certs.names import check_node_id
from certs.pem import UNREADABLE, dump_key, new_key


def make_request(node_id: str) -> tuple[bytes, bytes]:
    """Make a key and a signing request for it.

    The request names the node only. Hosts travel beside it, and who signs refuses patterns and names of the
    mesh; that a host is the node's own cannot be checked, so a join token is a thing to keep.

    Returns:
        (private key, signing request), both PEM.

    Raises:
        InvalidName: `node_id` is not a DNS label.
    """
    key = new_key()
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, check_node_id(node_id))])
    request = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return dump_key(key), request.public_bytes(serialization.Encoding.PEM)


def open_request(csr_pem: bytes, node_id: str) -> ec.EllipticCurvePublicKey:
    """Check a signing request and return the key it asks about.

    Args:
        csr_pem: The request as it came from the node.
        node_id: The node that may be named in it, known from elsewhere (the join token's holder).

    Raises:
        InvalidRequest: Malformed, not signed by its own key, no P-256, or another node's name.
    """
    request = _load(csr_pem)
    try:
        valid, key = request.is_signature_valid, request.public_key()
    except UNREADABLE as err:
        raise InvalidRequest("the signing request is about a key of an unknown kind") from err
    if not valid:
        raise InvalidRequest("the signing request is not signed by the key that it names")
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise InvalidRequest("the signing request is about a key that is not P-256")
    names = _names(request)
    if names != [node_id]:
        raise InvalidRequest(f"the signing request names {names or 'nobody'} but {node_id!r} is to be signed")
    return key


def requested_node_id(csr_pem: bytes) -> str:
    """Return the node that a signing request names, for a person to agree to; nothing else is checked.

    Raises:
        InvalidRequest: It is malformed, or does not name exactly one node.
    """
    names = _names(_load(csr_pem))
    if len(names) != 1:
        raise InvalidRequest(f"the signing request names {names or 'nobody'}, and must name one node")
    return names[0]


def _load(csr_pem: bytes) -> x509.CertificateSigningRequest:
    try:
        return x509.load_pem_x509_csr(csr_pem)
    except UNREADABLE as err:
        raise InvalidRequest("the signing request is not PEM") from err


def _names(request: x509.CertificateSigningRequest) -> list[str]:
    try:
        return [str(name.value) for name in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    except UNREADABLE as err:
        raise InvalidRequest("the name in the signing request cannot be read") from err
