"""The cluster's PKI: one authority per cluster, one certificate per node.

Owns how certificates are made, what they say, how they lie on disk and when they must be renewed. Start at
`authority.py` (what a node certificate says), then `bundle.py` (what a node holds) and `files.py` (how it is
kept). Who may ask for a certificate is not decided here (joining does that), and neither is who is let in
(transport does).
"""

from certs.authority import Authority
from certs.bundle import NodeBundle, Validity, ValidityState
from certs.errors import (
    AuthorityMismatch,
    BrokenBundle,
    CertificateError,
    InvalidName,
    InvalidRequest,
    MissingFile,
    UnreadableFile,
)
from certs.request import make_request

__all__ = [
    "Authority",
    "AuthorityMismatch",
    "BrokenBundle",
    "CertificateError",
    "InvalidName",
    "InvalidRequest",
    "MissingFile",
    "NodeBundle",
    "UnreadableFile",
    "Validity",
    "ValidityState",
    "make_request",
]
