"""Looking at the certificates that a seed shows, before anything is trusted or said.

A join token carries the fingerprint of the CA that its cluster had when it was printed. A seed shows the
certificates of all CAs that its cluster trusts behind its own; the newcomer finds the one with that
fingerprint, and from then on believes it and nobody else.
"""

from __future__ import annotations

import hashlib
import select
import socket
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from cryptography import x509
from OpenSSL import SSL, crypto

from caxton_node.core.errors import Forbidden, InvalidArgument, LocalError, Unavailable

GREETING_S = 10.0
SKEW_MAX_S = 300.0
"""As much before it was made does a certificate begin; clocks that differ by more are trouble."""


class ClockSkewed(LocalError):
    """The clock of this machine differs from that of the cluster; nothing was written."""

    code = "CLOCK_SKEWED"


def fetch_trusted_ca(seed: str, fingerprint: str, *, greeting_s: float = GREETING_S) -> bytes:
    """Return the CA certificate (PEM) in the chain that a seed shows, if it has the fingerprint.

    Nothing is trusted and nothing but a TLS greeting is sent before the fingerprint was compared.

    Args:
        seed: `host:port` of a member's gRPC.
        fingerprint: SHA-256 of the CA certificate (DER), hex.
        greeting_s: Seconds that connecting and the TLS greeting may each take.

    Raises:
        InvalidArgument: `seed` is not `host:port`.
        Forbidden: No certificate of the chain has the fingerprint.
        ClockSkewed: By this machine's clock the seed's certificate is not valid yet, or any more.
        Unavailable: The seed does not answer, or not with TLS.
    """
    host, port = _host_and_port(seed)
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_verify(SSL.VERIFY_NONE)
    try:
        with socket.create_connection((host, port), timeout=greeting_s) as raw:
            chain = _shown_chain(context, raw, greeting_s)
    except (OSError, SSL.Error) as err:
        raise Unavailable(
            f"the seed {seed} does not answer",
            why=str(err) or type(err).__name__,
            hint="a seed is host:port of a member's gRPC (50051 by default), reachable from here",
        ) from err
    for certificate in chain:
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate)
        if hashlib.sha256(der).hexdigest() == fingerprint:
            _check_dates(seed, chain[0].to_cryptography(), datetime.now(UTC))
            return crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)
    raise Forbidden(
        f"the seed {seed} is not of the cluster that the token is for",
        why="no certificate that it shows has the fingerprint in the token; nothing was sent to it",
        hint="check the address; if the cluster has changed its CA since, get a new token: caxton-node token",
    )


def check_clock(seed: str, *, theirs_unix_s: float, ours_unix_s: float) -> None:
    """Refuse to go on with a clock that differs too much.

    Raises:
        ClockSkewed: Says by how much, and which way.
    """
    ahead_s = ours_unix_s - theirs_unix_s
    if abs(ahead_s) > SKEW_MAX_S:
        raise _skewed(
            seed, f"it is {_span(abs(ahead_s))} {'ahead of' if ahead_s > 0 else 'behind'} the seed's"
        )


def _check_dates(seed: str, certificate: x509.Certificate, now: datetime) -> None:
    """See that the seed's certificate is valid now; a member with one that has run out would not be up."""
    since, until = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < since:
        early = _span((since - now).total_seconds())
        raise _skewed(seed, f"by it the seed's certificate begins only in {early}, so it is behind")
    if now > until:
        late = _span((now - until).total_seconds())
        raise _skewed(
            seed, f"by it the seed's certificate ended {late} ago, so it is ahead, or the seed's is wrong"
        )


def _skewed(seed: str, why: str) -> ClockSkewed:
    return ClockSkewed(
        f"the clock of this machine does not agree with the seed {seed}",
        why=why,
        hint="set the clock (timedatectl set-ntp true) and give the command again",
    )


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 180 else f"{minutes / 60:.0f} h"


def _shown_chain(context: SSL.Context, raw: socket.socket, greeting_s: float) -> Sequence[crypto.X509]:
    connection = SSL.Connection(context, raw)
    connection.set_connect_state()
    connection.set_alpn_protos([b"h2"])
    until = time.monotonic() + greeting_s
    while True:
        try:
            connection.do_handshake()
            return list(connection.get_peer_cert_chain() or [])
        except SSL.WantReadError:  # pyOpenSSL does not wait by itself on a socket with a time-out
            readable, _, _ = select.select([raw], [], [], max(0.0, until - time.monotonic()))
            if not readable:
                raise TimeoutError(f"no TLS greeting within {greeting_s:g} s") from None


def _host_and_port(seed: str) -> tuple[str, int]:
    host, _, port = seed.rpartition(":")
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65_536):
        raise InvalidArgument(f"{seed!r} is not a seed", why="a seed is host:port of a member's gRPC")
    return host.strip("[]"), int(port)
