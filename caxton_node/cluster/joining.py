"""How a node comes to be a member: it founds a cluster, or a member vouches for it.

    newcomer                                          seed (gRPC port)
    |-- read the chain it shows, send nothing ------->|
    |   the CA in it has the token's fingerprint?     |
    |-- Join(token, certificate request, hosts) ----->|  over TLS that trusts exactly this CA
    |                                                 |  token valid? id free? signed by a CA holder
    |<-- certificate, gossip keys, seeds -------------|

The newcomer's private key never leaves it, and the token is never shown to a server that has not proved to
belong to the cluster. This file is the newcomer's side; `sponsor.py` is the member's.

Source: design, section 9; ADR 6.
"""

from __future__ import annotations

import asyncio
import hashlib
import select
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

from OpenSSL import SSL, crypto

from caxton_node.client import Client, Endpoint
from caxton_node.cluster.agreement import Book
from caxton_node.cluster.identity import KEY_BYTES, NodeIdentity, refuse_if_initialised, write_identity
from caxton_node.cluster.store import ClusterStore
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import Forbidden, InvalidArgument, Unavailable
from caxton_node.core.ids import check_node_id
from caxton_node.security import Role, Tokens, parse_join_token
from caxton_node.storage import Database
from certs import Authority, CertificateError, NodeBundle, make_request
from certs.files import write_authority, write_bundle

GREETING_S = 10.0
DATABASE = "caxton.db"
CERTIFICATES = "certs"


@dataclass(frozen=True, slots=True)
class Founded:
    """What `found_cluster` made.

    Attributes:
        admin_token: Shown once; only its hash is kept.
        fingerprint: SHA-256 of the CA certificate, hexadecimal.
        node_id: The founder's id.
        cluster: Name of the cluster.
    """

    admin_token: str
    fingerprint: str
    node_id: str
    cluster: str


@dataclass(frozen=True, slots=True)
class Joined:
    """What the newcomer became.

    Attributes:
        node_id: Its id.
        cluster: Name of the cluster.
        seeds: Mesh addresses of members, for the first contact.
    """

    node_id: str
    cluster: str
    seeds: list[str]


def found_cluster(
    data_dir: Path, node_id: str, cluster: str, hosts: Sequence[str], *, env: str = "prod"
) -> Founded:
    """Make a cluster of one: authority, node certificate, gossip key, first admin token.

    Args:
        data_dir: Made if missing; it must not hold a node yet.
        node_id: Id of the founder.
        cluster: Name of the cluster; it is bound into certificates and gossip and cannot change.
        hosts: Host names and addresses at which the founder will be reached, beside loopback.
        env: Kind of installation, `dev` or `prod`; it is part of the token.

    Raises:
        AlreadyInitialised: The directory holds a node; nothing was changed.
        InvalidArgument: A name cannot stand in a certificate, or the directory cannot be written.
    """
    check_node_id(node_id)
    refuse_if_initialised(data_dir)
    now = datetime.now(UTC)
    try:
        authority = Authority.create(cluster, now)
        key_pem, csr_pem = make_request(node_id)
        certificate_pem = authority.sign(csr_pem, node_id, hosts, now)
    except CertificateError as err:
        raise InvalidArgument("the cluster cannot be made", why=str(err)) from err
    bundle = NodeBundle(node_id, certificate_pem, key_pem, authority.certificate_pem)
    with _writing_to(data_dir):
        write_bundle(data_dir / CERTIFICATES, bundle)
        write_authority(data_dir / CERTIFICATES, authority)
        admin_token = asyncio.run(_first_rows(data_dir, node_id, env))
        # Last, since this file is what says that the directory holds a node.
        write_identity(data_dir, NodeIdentity(node_id, cluster), [token_bytes(KEY_BYTES)])
    return Founded(admin_token, authority.fingerprint, node_id, cluster)


def join_cluster(data_dir: Path, seed: str, token: str, node_id: str, hosts: Sequence[str]) -> Joined:
    """Obtain a certificate and the gossip keys from a member, and write them to the data directory.

    Args:
        data_dir: Made if missing; it must not hold a node yet.
        seed: `host:port` of the gRPC of the member that printed the token.
        token: Join token, as `caxton-node token` prints it.
        node_id: Id that this node wants.
        hosts: Host names and addresses at which it will be reached, beside loopback.

    Raises:
        AlreadyInitialised: The directory holds a node; nothing was changed.
        InvalidArgument: The token or seed is malformed, or the directory cannot be written.
        Unauthorized: The token is expired, used up or unknown to the seed.
        Forbidden: The seed belongs to another cluster than the token; nothing was sent to it. Or it signed
            something else than was asked for; nothing was written.
        Unavailable: The seed does not answer.
    """
    check_node_id(node_id)
    refuse_if_initialised(data_dir)
    invitation = parse_join_token(token)
    ca_pem = fetch_trusted_ca(seed, invitation.ca_fingerprint)
    key_pem, csr_pem = make_request(node_id)
    with Client(Endpoint(seed, ca_pem=ca_pem)) as client:
        grant = client.cluster.join(token, node_id, csr_pem, hosts)
    # The CA that the token vouches for, whatever else the seed sends.
    bundle = NodeBundle(node_id, grant.certificate_pem, key_pem, ca_pem)
    try:
        bundle.check(datetime.now(UTC))
    except CertificateError as err:
        raise Forbidden(
            f"the seed {seed} signed something else than was asked for",
            why=str(err),
            hint="nothing was written; look at that node before trying again",
        ) from err
    with _writing_to(data_dir):
        write_bundle(data_dir / CERTIFICATES, bundle)
        identity = NodeIdentity(node_id, grant.cluster, tuple(grant.seeds), grant.sponsor)
        write_identity(data_dir, identity, grant.gossip_keys)
    return Joined(node_id, grant.cluster, list(grant.seeds))


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
            return crypto.dump_certificate(crypto.FILETYPE_PEM, certificate)
    raise Forbidden(
        f"the seed {seed} is not of the cluster that the token is for",
        why="no certificate that it shows has the fingerprint in the token; nothing was sent to it",
        hint="check the address, or get a new token from that cluster with `caxton-node token`",
    )


def _shown_chain(context: SSL.Context, raw: socket.socket, greeting_s: float) -> list[crypto.X509]:
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


@contextmanager
def _writing_to(data_dir: Path) -> Iterator[None]:
    """Make the data directory if it is missing; what it refuses is told as the argument's fault."""
    try:
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        yield
    except OSError as err:
        raise InvalidArgument(
            f"the data directory {data_dir} cannot be written",
            why=str(err),
            hint="choose another --data-dir, or make it writable for this user",
        ) from err


async def _first_rows(data_dir: Path, node_id: str, env: str) -> str:
    """Write down that the founder counts, which only a founder may say of itself, and make a token."""
    async with await Database.open(data_dir / DATABASE) as database:
        await ClusterStore(database).save_book(Book.of_founder(node_id).lines())
        tokens = Tokens(database, SystemClock())
        return await tokens.issue_api_token(env=env, client="admin", role=Role.ADMIN)
