"""The cluster's PKI: who is believed, one certificate per node, and which of them are denied.

Owns how certificates are made, what they say, how they lie on disk and when they must be renewed; how the
authority is changed; and how a certificate is denied before its end. Start at `authority.py` (what a node
certificate says), then `bundle.py` (what a node holds), `trust_list.py` with `rotation.py` (whom nodes
believe, and how that changes) and `revocations.py`. Who may ask for a certificate is not decided here
(joining does that), and neither is who is let in (transport does).
"""

from certs.authority import Authority
from certs.bundle import NodeBundle, Validity, ValidityState
from certs.errors import (
    AuthorityEnded,
    AuthorityMismatch,
    BrokenBundle,
    CertificateError,
    InvalidName,
    InvalidRequest,
    MalformedTrust,
    MissingFile,
    NotASigner,
    UnreadableFile,
    UntrustedList,
    UntrustedRevocation,
    WrongStage,
)
from certs.request import make_request, requested_node_id
from certs.revocation import Revocation, decode_revocation, revoke
from certs.revocations import Merged, Revocations, decode_revocations
from certs.trust_list import TrustList, decode_trust_list, signer_of

__all__ = [
    "Authority",
    "AuthorityEnded",
    "AuthorityMismatch",
    "BrokenBundle",
    "CertificateError",
    "InvalidName",
    "InvalidRequest",
    "MalformedTrust",
    "Merged",
    "MissingFile",
    "NodeBundle",
    "NotASigner",
    "Revocation",
    "Revocations",
    "TrustList",
    "UnreadableFile",
    "UntrustedList",
    "UntrustedRevocation",
    "Validity",
    "ValidityState",
    "WrongStage",
    "decode_revocation",
    "decode_revocations",
    "decode_trust_list",
    "make_request",
    "requested_node_id",
    "revoke",
    "signer_of",
]
