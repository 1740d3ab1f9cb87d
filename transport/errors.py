"""What can go wrong in the mesh, and whose fault it is.

TransportError
+-- LocalError             we misused it, or our surroundings are wrong; nothing was taken
|   +-- PortInUse              another process holds the UDP or TCP port
|   +-- InvalidCredentials     certificate, key, CA and node id do not belong together
|   +-- PeerUnknown            no address was learned for this node
|   +-- BacklogFull            the bound of undelivered bytes for this peer is reached
|   +-- TooLarge               an envelope or request is over its limit
|   +-- MeshClosed             the mesh is not open
|   +-- UnsupportedQuic        the installed aioquic is not the version that the hook was checked with
|   +-- SelfTestFailed         a certificate that must be refused got in, or a good one did not
+-- RemoteError            the peer or the path to it
    +-- PeerRefused            a certificate or a greeting was refused (reason says why)
    +-- MalformedFrame         the peer broke the format; its link is closed
    +-- LinkFailed             no link, or it ended before the answer came
    +-- RequestRefused         the peer's handler answered with an error
    +-- RequestTimeout         no answer in time; the work may still be going on
"""

from __future__ import annotations

from transport.faults import EndReason


class TransportError(Exception):
    """Base of everything that this package raises."""


class LocalError(TransportError):
    """We misused the mesh or our surroundings are wrong; nothing was taken."""


class PortInUse(LocalError):
    """Another process holds the UDP or TCP port; nothing is open."""


class InvalidCredentials(LocalError):
    """Certificate, key, CA and node id do not belong together; those in use stay in use."""


class PeerUnknown(LocalError):
    """The node's address was never learned, or it was forgotten; nothing was taken."""


class BacklogFull(LocalError):
    """The bound of undelivered bytes for this peer is reached; nothing was taken."""


class TooLarge(LocalError):
    """An envelope, a request or an answer is over its limit; nothing was taken."""


class MeshClosed(LocalError):
    """The mesh was not opened or is closed already; nothing was taken."""


class UnsupportedQuic(LocalError):
    """The installed aioquic is not of the minor version that the certificate hook was checked with."""


class SelfTestFailed(LocalError):
    """A certificate that must be refused got in, or a good one was refused; the node must not start."""


class RemoteError(TransportError):
    """The peer, or the path to it, did not do its part."""


class PeerRefused(RemoteError):
    """A certificate or a greeting was refused, by us or by the peer.

    Args:
        reason: Which rule.
        detail: What was found; for people, never parsed.
        by_peer: The peer refused us; else we refused the peer.
    """

    def __init__(self, reason: EndReason, detail: str = "", *, by_peer: bool = False) -> None:
        super().__init__(reason.sentence + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail
        self.by_peer = by_peer


class MalformedFrame(RemoteError):
    """The peer broke the format or the protocol; its link is closed, the session survives."""


class LinkFailed(RemoteError):
    """There is no link to the peer, or it ended before the answer came; whether work was done is not known.

    Args:
        reason: How the link, or the attempt to make one, ended.
        detail: What was found; for people, never parsed.
    """

    def __init__(self, reason: EndReason, detail: str = "") -> None:
        super().__init__(reason.sentence + (f" ({detail})" if detail else ""))
        self.reason = reason
        self.detail = detail


class RequestRefused(RemoteError):
    """The peer's handler answered with an error; a `Handler` raises it to give that answer."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class RequestTimeout(RemoteError):
    """No answer came in time; the work may still be going on at the peer."""
