"""TLS 1.3 without a socket: bytes in, bytes out, and the exact reason when a handshake fails.

asyncio's own TLS tells an accepting application nothing about a failed handshake: no address, no reason.
Driving OpenSSL through memory buffers gives both, behaves the same on asyncio and uvloop, and lets the alert
be sent before the connection goes.
"""

from __future__ import annotations

import re
import ssl

from cryptography import x509

from transport.errors import LinkFailed, PeerRefused, TransportError
from transport.faults import EndReason
from transport.tls import ALPN

_READ_BYTES = 256 * 1024

_VERIFY_CODES = {
    9: EndReason.NOT_YET_VALID,
    10: EndReason.EXPIRED,
    23: EndReason.REVOKED,
    26: EndReason.WRONG_USAGE,
    66: EndReason.WEAK_KEY,
    67: EndReason.WEAK_KEY,
    68: EndReason.WEAK_KEY,
}
_ALERTS = {
    "CERTIFICATE_REQUIRED": EndReason.NO_CERTIFICATE,
    "CERTIFICATE_EXPIRED": EndReason.EXPIRED,
    "CERTIFICATE_REVOKED": EndReason.REVOKED,
    "UNKNOWN_CA": EndReason.UNKNOWN_AUTHORITY,
    "ACCESS_DENIED": EndReason.CERTIFICATE_REFUSED,
    "BAD_CERTIFICATE": EndReason.CERTIFICATE_REFUSED,
    "CERTIFICATE_UNKNOWN": EndReason.CERTIFICATE_REFUSED,
    "UNSUPPORTED_CERTIFICATE": EndReason.WRONG_USAGE,
}
_ALERT = re.compile(r"ALERT_(\w+)")


class TlsPipe:
    """One TLS connection between a plaintext side and a ciphertext side.

    Args:
        context: Decides certificates and trust.
        server_name: The name asked of the server; None when this is the server.
    """

    def __init__(self, context: ssl.SSLContext, server_name: str | None) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_name is None, server_hostname=server_name
        )
        self.established = False

    def advance(self) -> bool:
        """Go on with the handshake; return whether it is complete.

        Raises:
            PeerRefused: A certificate was refused. `take_ciphertext` then has the alert for the peer. Or the
                peer speaks TLS, but something else than the mesh inside it.
            LinkFailed: The other side does not speak TLS 1.3.
        """
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLError as err:
            raise explain(err) from err
        self.established = True
        spoken = self._tls.selected_alpn_protocol()
        if spoken != ALPN:  # OpenSSL lets it pass when the two have none in common
            raise PeerRefused(EndReason.VERSION_MISMATCH, f"{spoken or 'nothing'} inside TLS, ours is {ALPN}")
        return True

    def put_ciphertext(self, data: bytes) -> None:
        """Take bytes from the network."""
        self._incoming.write(data)

    def take_ciphertext(self) -> bytes:
        """Return the bytes that must go to the network now."""
        return self._outgoing.read() if self._outgoing.pending else b""

    def write(self, data: bytes) -> None:
        """Encrypt plaintext; `take_ciphertext` has the result."""
        self._tls.write(data)

    def read(self) -> bytes | None:
        """Return decrypted bytes, empty when none are complete yet, None when the peer has ended the stream.

        Raises:
            PeerRefused: The peer refused our certificate: in TLS 1.3 the client learns it here.
            LinkFailed: The stream is broken.
        """
        try:
            return self._tls.read(_READ_BYTES) or None
        except ssl.SSLWantReadError:
            return b""
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return None
        except ssl.SSLError as err:
            raise explain(err) from err

    def peer_certificate(self) -> x509.Certificate:
        """Return the certificate of the other side.

        Raises:
            PeerRefused: There is none; the context should have seen to that, so this only fails closed.
        """
        der = self._tls.getpeercert(binary_form=True)
        if not der:
            raise PeerRefused(EndReason.NO_CERTIFICATE)
        return x509.load_der_x509_certificate(der)


def explain(err: ssl.SSLError) -> TransportError:
    """Translate an error of OpenSSL to whose fault it is and why."""
    if isinstance(err, ssl.SSLCertVerificationError):
        reason = _VERIFY_CODES.get(err.verify_code, EndReason.UNKNOWN_AUTHORITY)
        return PeerRefused(reason, err.verify_message)
    word = err.reason or ""
    if word == "PEER_DID_NOT_RETURN_A_CERTIFICATE":
        return PeerRefused(EndReason.NO_CERTIFICATE)
    alert = _ALERT.search(word)
    if alert is None:
        return LinkFailed(EndReason.NOT_TLS, word.replace("_", " ").lower())
    if alert[1] in _ALERTS:
        return PeerRefused(_ALERTS[alert[1]], by_peer=True)
    return LinkFailed(EndReason.LOST, word.replace("_", " ").lower())
