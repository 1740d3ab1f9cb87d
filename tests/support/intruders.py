"""Nodes that do not keep to the rules: they show any certificate, by any TLS, and check nothing first.

`tls.build` would not let a node start with a weak key, a certificate that names another node, or TLS 1.2. So
an intruder's contexts are made here, by the TLS library alone.
"""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from tests.support.meshes import HOST, Cluster, Keeper, Node
from transport import Credentials, Mesh, Settings
from transport.tls import ALPN, TlsState
from transport.trust import trust_of


def lax_state(
    credentials: Credentials,
    *,
    version_max: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    alpn: str | None = ALPN,
) -> TlsState:
    """Return contexts that show these credentials, whatever they are worth."""
    chain: tuple[x509.Certificate, ...] = ()
    key = None
    if credentials.certificate_pem:
        chain = tuple(x509.load_pem_x509_certificates(credentials.certificate_pem))
        key = load_pem_private_key(credentials.key_pem, None)
    server, client = (
        _lax_context(protocol, credentials, version_max, alpn)
        for protocol in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT)
    )
    return TlsState(credentials, trust_of(credentials), chain, key, server, client)


class RawCertificate:
    """Bytes that are shown as a certificate over QUIC, whatever they are.

    Args:
        der: The bytes.
    """

    def __init__(self, der: bytes) -> None:
        self._der = der

    def public_bytes(self, encoding: Encoding) -> bytes:  # aioquic asks for nothing else
        assert encoding is Encoding.DER
        return self._der


def raw_state(credentials: Credentials, spoil: Callable[[bytes], bytes]) -> TlsState:
    """Return contexts that show a spoiled certificate over QUIC, and prove to hold its key."""
    state = lax_state(credentials)
    shown = RawCertificate(spoil(state.chain[0].public_bytes(Encoding.DER)))
    return replace(state, chain=(shown,))  # type: ignore[arg-type]  # a certificate that cannot be loaded


async def add_intruder(cluster: Cluster, state: TlsState, **settings: object) -> Node:
    """Open a node with such contexts; it answers to the id in its credentials, and to nobody's checks."""
    node_id = state.credentials.node_id
    chosen = Settings(**{"transport": cluster.kind, **settings})  # type: ignore[arg-type]  # as in Cluster.add
    keeper = Keeper()
    mesh = Mesh(cluster.pki.credentials(node_id), chosen, keeper, epoch=1)
    mesh._state = replace(state)
    node = Node(mesh, keeper, (HOST, await mesh.open(HOST, 0)), node_id)
    cluster.nodes.append(node)
    return node


def _lax_context(
    protocol: int, credentials: Credentials, version_max: ssl.TLSVersion, alpn: str | None
) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.check_hostname = False
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.maximum_version = version_max
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=credentials.ca_pem.decode())
    if alpn is not None:
        context.set_alpn_protocols([alpn])
    if credentials.certificate_pem:
        with tempfile.TemporaryDirectory() as directory:
            pair = Path(directory, "pair.pem")
            pair.write_bytes(credentials.key_pem + b"\n" + credentials.certificate_pem)
            context.load_cert_chain(pair)
    return context
