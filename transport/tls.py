"""From credentials to what the TLS stacks want: an `ssl.SSLContext` pair and a QUIC configuration pair.

A context is built whole and then swapped, never changed in place: a failing `load_cert_chain` leaves a live
`SSLContext` broken for every later connection (measured; facts on rotation).
"""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

from aioquic.quic.configuration import QuicConfiguration
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import NameOID

from transport.credentials import Credentials
from transport.errors import InvalidCredentials
from transport.identity import dns_name
from transport.settings import Profile, Settings
from transport.trust import Trust, trust_of

ALPN = "caxton-mesh/1"
_NO_CHECK_TIME = 0x20_0000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, for which `ssl` has no name."""


@dataclass(frozen=True, slots=True)
class TlsState:
    """Everything that connections made from now on use; replaced whole when credentials change.

    Attributes:
        credentials: Where it comes from.
        trust: What peers' certificates are measured against.
        chain: The node's own certificate, parsed; empty when it shows none.
        key: Its private key, parsed.
        server: For accepted TCP connections.
        client: For dialled TCP connections.
    """

    credentials: Credentials
    trust: Trust
    chain: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes | None
    server: ssl.SSLContext
    client: ssl.SSLContext


def build(credentials: Credentials) -> TlsState:
    """Check credentials and make contexts of them.

    Credentials with an empty certificate make a client that shows none; only the self-test wants that.

    Raises:
        InvalidCredentials: A part is no PEM, or they do not belong together; nothing else happened.
    """
    trust = trust_of(credentials)
    chain, key = _parse(credentials) if credentials.certificate_pem else ((), None)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # identity.judge checks the name, after the handshake: only so can the peer be told what was wrong with it
    client.check_hostname = False
    for context in (server, client):
        _arm(context, credentials)
    return TlsState(credentials, trust, chain, key, server, client)


def quic_configuration(
    state: TlsState, settings: Settings, datagram_bytes: int, *, expected: str | None
) -> QuicConfiguration:
    """Return how one QUIC connection is made.

    Args:
        state: The credentials in use.
        settings: Profile, sizes, timeouts.
        datagram_bytes: What the path carries.
        expected: The node that is dialled; None for a connection that is accepted.
    """
    lan = settings.profile is Profile.LAN
    configuration = QuicConfiguration(
        is_client=expected is not None,
        alpn_protocols=[ALPN],
        server_name=dns_name(expected) if expected is not None else None,
        verify_mode=ssl.CERT_REQUIRED,
        cadata=state.credentials.ca_pem,
        idle_timeout=settings.silence_timeout_s,
        max_datagram_size=datagram_bytes,
        congestion_control_algorithm="mesh" if lan else "mesh-wan",
        initial_rtt=0.02 if lan else 0.1,  # a lost first flight then costs 77 ms instead of 224
    )
    if state.chain:
        configuration.certificate, configuration.certificate_chain = state.chain[0], list(state.chain[1:])
        configuration.private_key = state.key
    return configuration


def _parse(credentials: Credentials) -> tuple[tuple[x509.Certificate, ...], PrivateKeyTypes]:
    try:
        chain = tuple(x509.load_pem_x509_certificates(credentials.certificate_pem))
        key = load_pem_private_key(credentials.key_pem, password=None)
    except (ValueError, TypeError) as err:
        raise InvalidCredentials("certificate or key is not PEM") from err
    if chain[0].public_key() != key.public_key():
        raise InvalidCredentials("certificate and key do not belong together")
    names = [str(name.value) for name in chain[0].subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [credentials.node_id]:
        raise InvalidCredentials(f"the certificate is for {names}, this node is {credentials.node_id!r}")
    return chain, key


def _arm(context: ssl.SSLContext, credentials: Credentials) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    # identity.judge checks dates, of the authority too. It says by how much one is missed, and so whether the
    # clock is to blame, and the peer hears the same word on both kinds of link.
    context.verify_flags |= _NO_CHECK_TIME
    context.set_alpn_protocols([ALPN])
    if context.protocol is ssl.PROTOCOL_TLS_SERVER:
        context.num_tickets = 0  # resumption would skip the judgement of the certificate
    try:
        context.load_verify_locations(cadata=credentials.ca_pem.decode())
        if credentials.certificate_pem:
            _load_pair(context, credentials)
    except (ssl.SSLError, ValueError) as err:
        raise InvalidCredentials(f"TLS does not take the credentials: {err}") from err


def _load_pair(context: ssl.SSLContext, credentials: Credentials) -> None:
    """Load certificate and key by a file that exists in memory only: `ssl` knows no other way than a path."""
    descriptor = os.memfd_create("credentials", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, credentials.key_pem + b"\n" + credentials.certificate_pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)
