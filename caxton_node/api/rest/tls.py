"""TLS of the port: 1.3 only, the node's certificate, and clients' certificates if they have one.

A certificate that is renewed, or a CA that is no longer believed, must count for the next connection, while
a listening socket keeps the context that it was opened with. So that one only leads on to the one in force.
"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from cryptography import x509

from caxton_node.api.rest.settings import Shown


class Tls:
    """Gives every new connection the context in force.

    Args:
        shown: What to show.

    Attributes:
        context: What to listen with.
    """

    def __init__(self, shown: Shown) -> None:
        self._current = make_context(shown)
        self.context = make_context(shown)
        self.context.sni_callback = self._lead_on

    def replace(self, shown: Shown) -> None:
        """Show another certificate to connections that begin from now on."""
        self._current = make_context(shown)

    def _lead_on(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._current


def names_of(chain_pem: bytes) -> frozenset[str]:
    """Return the host names in the first certificate of a chain, in lower case."""
    certificate = x509.load_pem_x509_certificates(chain_pem)[0]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(name.lower() for name in names.get_values_for_type(x509.DNSName))


def make_context(shown: Shown) -> ssl.SSLContext:
    """Return a context for servers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols(["http/1.1"])
    with tempfile.TemporaryDirectory(prefix="caxton-") as folder:  # ssl reads keys from files only
        path = Path(folder, "node.pem")
        path.touch(mode=0o600)
        path.write_bytes(shown.key_pem + b"\n" + shown.chain_pem)
        context.load_cert_chain(path)
    if shown.ca_pem:
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=shown.ca_pem.decode())
    return context
