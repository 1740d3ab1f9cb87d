"""Every private name of aioquic that the mesh touches, and nothing else.

aioquic has no public mutual TLS for servers: `verify_mode` is silently ignored there, and its private switch
alone accepts clients without a certificate, of another authority, and expired ones. `arm` replaces the class
of a connection's TLS context by one that asks for a certificate, insists on it, and has `identity.judge`
decide.

Because these names are private, this file is checked against one minor version and refuses any other
(`check_version`), `proved_identity` fails closed after the handshake, a contract test covers each refusal,
and the start-up self-test runs them again on the machine itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn

import aioquic
from aioquic import tls
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated

from transport.errors import PeerRefused, UnsupportedQuic
from transport.faults import EndReason
from transport.identity import UNREADABLE, Identity, judge
from transport.links.contract import Path
from transport.trust import Trust

CHECKED_VERSION = "1.7."


class _CertificateRequired(tls.Alert):
    description = tls.AlertDescription.certificate_required


class _CertificateRevoked(tls.Alert):
    description = tls.AlertDescription.certificate_revoked


class _AccessDenied(tls.Alert):
    description = tls.AlertDescription.access_denied


_ALERTS: dict[EndReason, type[Any]] = {
    EndReason.NO_CERTIFICATE: _CertificateRequired,
    EndReason.UNKNOWN_AUTHORITY: tls.AlertBadCertificate,
    EndReason.EXPIRED: tls.AlertCertificateExpired,
    EndReason.NOT_YET_VALID: tls.AlertCertificateExpired,
    EndReason.REVOKED: _CertificateRevoked,
}


@dataclass(slots=True)
class Verdict:
    """What the judgement of one connection came to; empty until the peer's certificate was seen.

    Attributes:
        trust: What the certificate is measured against.
        expected: The node that was dialled, None on the accepting side.
        identity: The peer, once it is proved.
        refusal: Why it is refused.
    """

    trust: Trust
    expected: str | None
    identity: Identity | None = None
    refusal: PeerRefused | None = None


class _MeshContext(tls.Context):
    """aioquic's TLS with certificates on both sides."""

    verdict: Verdict

    def _server_handle_certificate(self, input_buf: Any) -> None:  # noqa: ANN401 - aioquic's buffer
        with self._refusing_what_cannot_be_read():
            super()._server_handle_certificate(input_buf)
        if self._peer_certificate is None:
            self._refuse(PeerRefused(EndReason.NO_CERTIFICATE))

    def _server_handle_certificate_verify(self, input_buf: Any) -> None:  # noqa: ANN401 - aioquic's buffer
        with self._refusing_what_cannot_be_read():
            super()._server_handle_certificate_verify(input_buf)  # proves that the peer holds the key
        self._judge(peer_dialled=True)

    def _client_handle_certificate(self, input_buf: Any) -> None:  # noqa: ANN401 - aioquic's buffer
        with self._refusing_what_cannot_be_read():
            super()._client_handle_certificate(input_buf)

    def _client_handle_certificate_verify(self, input_buf: Any) -> None:  # noqa: ANN401 - aioquic's buffer
        # Ours first, for its words; aioquic's own check of signature, chain and name must pass as well.
        self._judge(peer_dialled=False)
        with self._refusing_what_cannot_be_read():
            super()._client_handle_certificate_verify(input_buf)

    @contextmanager
    def _refusing_what_cannot_be_read(self) -> Iterator[None]:
        """Refuse a certificate at which aioquic stumbles: it minds only some of what can be wrong."""
        try:
            yield
        except (*UNREADABLE, KeyError, AttributeError) as err:  # the last two: a key of a kind it has not
            self._refuse(PeerRefused(EndReason.BAD_IDENTITY, f"it cannot be read: {err}"[:200]))

    def _judge(self, *, peer_dialled: bool) -> None:
        verdict, certificate = self.verdict, self._peer_certificate
        if certificate is None:
            self._refuse(PeerRefused(EndReason.NO_CERTIFICATE))
        try:
            verdict.identity = judge(
                certificate,
                verdict.trust,
                datetime.now(UTC),
                peer_dialled=peer_dialled,
                expected=verdict.expected,
            )
        except PeerRefused as err:
            self._refuse(err)

    def _refuse(self, error: PeerRefused) -> NoReturn:
        self.verdict.identity = None
        self.verdict.refusal = error
        # The peer gets the word alone: the detail would tell a stranger about our clock and our cluster.
        raise _ALERTS.get(error.reason, _AccessDenied)(error.reason.value)


def check_version() -> None:
    """Make sure that the installed aioquic is the one this file was checked with.

    Raises:
        UnsupportedQuic: It is another minor version; the mesh must not open.
    """
    if not aioquic.__version__.startswith(CHECKED_VERSION):
        raise UnsupportedQuic(
            f"aioquic {aioquic.__version__} is installed; the hook is checked with {CHECKED_VERSION}x only"
        )


def arm(connection: QuicConnection, trust: Trust, expected: str | None, *, paced: bool) -> Verdict:
    """Make a new connection ask for and judge certificates.

    Args:
        connection: One that has neither sent nor received anything.
        trust: What the peer's certificate is measured against.
        expected: The node that is dialled, None on the accepting side.
        paced: Whether packets are spread over a round trip. On a LAN that costs more than it gives: uvloop
            rounds the pacer's short timers to nothing and spins.

    Returns:
        The verdict, which fills while the handshake goes on.
    """
    verdict = Verdict(trust, expected)
    initialize = connection._initialize  # noqa: SLF001 - the hook; see the module

    def initialize_armed(peer_cid: bytes) -> None:
        # aioquic makes its TLS context here, at the first packet and again after a retry
        initialize(peer_cid)
        context: Any = connection.tls
        context.__class__ = _MeshContext
        context.verdict = verdict
        if expected is None:
            context._request_client_certificate = True  # noqa: SLF001 - the hook; see the module

    hooked: Any = connection
    hooked._initialize = initialize_armed  # noqa: SLF001 - the hook; see the module
    if not paced:
        hooked._loss._pacer.update_rate = _keep_rate  # noqa: SLF001 - the hook; see the module
    return verdict


def proved_identity(connection: QuicConnection, verdict: Verdict) -> Identity:
    """Return who the peer is, after the handshake.

    Raises:
        PeerRefused: The handshake is complete although nobody was proved: the hook did not work. Fails
            closed.
    """
    if (
        not isinstance(connection.tls, _MeshContext)
        or verdict.identity is None
        or verdict.refusal is not None
    ):
        raise PeerRefused(EndReason.NO_CERTIFICATE, "the handshake ended without a proved identity")
    return verdict.identity


def find_end(connection: QuicConnection) -> ConnectionTerminated | None:
    """Return how a connection is about to end, or None.

    The public event comes only when the closing period is over, 100 to 600 ms later.
    """
    end = getattr(connection, "_close_event", None)
    return end if isinstance(end, ConnectionTerminated) else None


def read_path(connection: QuicConnection) -> Path:
    """Return what a connection's recovery has measured, and what our congestion control has counted."""
    loss: Any = connection._loss  # noqa: SLF001 - see the module
    rtt_s = loss._rtt_smoothed if loss._rtt_initialized else None  # noqa: SLF001 - see the module
    control = loss._cc  # noqa: SLF001 - see the module
    return Path(rtt_s, control.sent_packets, control.lost_packets)


def _keep_rate(**_: object) -> None:
    """Leave the pacer without a rate, so that it never delays a packet."""
