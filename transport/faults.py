"""Why a link ended, or never came to be: one vocabulary for logs, counters, status and the wire.

The words travel (in GOAWAY and in QUIC's close), so a word never changes its meaning; a word that this node
does not know is read as `LOST`.
"""

from __future__ import annotations

from enum import StrEnum


class EndReason(StrEnum):
    """One word for each way a link can end."""

    # a certificate was refused: never a reason to try the other transport
    NO_CERTIFICATE = "no-certificate"
    UNKNOWN_AUTHORITY = "unknown-authority"
    EXPIRED = "certificate-expired"
    NOT_YET_VALID = "certificate-not-yet-valid"
    REVOKED = "certificate-revoked"
    WRONG_NODE = "wrong-node-id"
    OTHER_CLUSTER = "other-cluster"
    BAD_IDENTITY = "bad-identity"
    WRONG_USAGE = "wrong-usage"
    WEAK_KEY = "weak-key"
    CERTIFICATE_REFUSED = "certificate-refused"
    # a greeting was refused
    VERSION_MISMATCH = "version-mismatch"
    STALE_EPOCH = "stale-epoch"
    DOUBLE_DIAL = "double-dial"
    NOT_READY = "not-ready"
    # nothing came up
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    NOT_TLS = "not-tls"
    # it was up, and ended
    CLOSING = "closing"
    FORGOTTEN = "forgotten"
    REPLACED = "replaced"
    IDLE = "idle"
    SILENT = "silent"
    LOST = "connection-lost"
    PROTOCOL = "protocol-error"
    OVERLOADED = "overloaded"
    INTERNAL = "internal-error"

    @property
    def is_refusal(self) -> bool:
        """Say whether trust was denied: a security event, never retried over the other transport."""
        return self in _REFUSALS

    @property
    def sentence(self) -> str:
        """Return the words for a log line."""
        return _SENTENCES.get(self, self.value.replace("-", " "))


_REFUSALS = frozenset(
    {
        EndReason.NO_CERTIFICATE,
        EndReason.UNKNOWN_AUTHORITY,
        EndReason.EXPIRED,
        EndReason.NOT_YET_VALID,
        EndReason.REVOKED,
        EndReason.WRONG_NODE,
        EndReason.OTHER_CLUSTER,
        EndReason.BAD_IDENTITY,
        EndReason.WRONG_USAGE,
        EndReason.WEAK_KEY,
        EndReason.CERTIFICATE_REFUSED,
        EndReason.VERSION_MISMATCH,
        EndReason.STALE_EPOCH,
    }
)

_SENTENCES = {
    EndReason.NO_CERTIFICATE: "it showed no certificate",
    EndReason.UNKNOWN_AUTHORITY: "certificate signed by another authority",
    EndReason.WRONG_NODE: "wrong node id",
    EndReason.OTHER_CLUSTER: "certificate of another cluster",
    EndReason.BAD_IDENTITY: "certificate without a proper node identity",
    EndReason.WRONG_USAGE: "certificate not made for this use",
    EndReason.WEAK_KEY: "certificate with a key or signature that is too weak",
    EndReason.CERTIFICATE_REFUSED: "certificate refused without a reason",
    EndReason.STALE_EPOCH: "an older process of a node that has started again",
    EndReason.NOT_READY: "it is still starting",
    EndReason.NOT_TLS: "it does not speak TLS 1.3",
}


def read_reason(word: str) -> EndReason:
    """Return the reason for a word from the wire; one that is not known here is `LOST`."""
    try:
        return EndReason(word)
    except ValueError:
        return EndReason.LOST
