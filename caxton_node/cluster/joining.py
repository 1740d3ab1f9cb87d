"""How a node comes to be a member: it founds a cluster, or a member vouches for it.

    newcomer                                          seed (gRPC port)
    |-- read the chain it shows, send nothing ------->|
    |   the CA in it has the token's fingerprint?     |
    |-- Join(token, certificate request, hosts) ----->|  over TLS that trusts exactly this CA
    |                                                 |  token valid? id free? signed by a CA holder
    |<-- certificate, gossip keys, seeds -------------|

The newcomer's private key never leaves it, and the token is never shown to a server that has not proved to
belong to the cluster. `invitation.py` is the newcomer's side of this and `sponsor.py` the member's; here is
what is left in the data directory.

Source: design, section 9; ADR 6.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_bytes

from caxton_node.cluster.agreement import Book
from caxton_node.cluster.files import CERTIFICATES
from caxton_node.cluster.identity import (
    KEY_BYTES,
    NodeIdentity,
    read_identity,
    refuse_if_initialised,
    write_identity,
)
from caxton_node.cluster.invitation import Admission, be_admitted
from caxton_node.cluster.store import ClusterStore
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import Forbidden, InvalidArgument, InvalidConfig
from caxton_node.core.ids import check_node_id
from caxton_node.observability.logs import get_logger
from caxton_node.security import Role, Tokens
from caxton_node.storage import Database, owned
from certs import Authority, CertificateError, NodeBundle, make_request
from certs.authority_files import (
    CA_KEY,
    UNUSED_KEY,
    keep_readable,
    read_authorities,
    set_unused_aside,
    write_authority,
)
from certs.files import read_bundle, write_bundle
from certs.hosts import hosts_of
from certs.trust_files import write_revocations, write_trust

DATABASE = "caxton.db"

_log = get_logger("cluster")


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
        seed: `host:port` of the gRPC of any member.
        token: Join token, as `caxton-node token` prints it.
        node_id: Id that this node wants.
        hosts: Host names and addresses at which it will be reached, beside loopback.

    Raises:
        AlreadyInitialised: The directory holds a node; nothing was changed.
        InvalidArgument: The token or seed is malformed, or the directory cannot be written.
        Unauthorized: The token is expired, used up, or no member that is alive printed it.
        Forbidden: The seed belongs to another cluster than the token; nothing was sent to it. Or it signed
            something else than was asked for; nothing was written.
        ClockSkewed: This machine's clock differs from the seed's by minutes; nothing was written.
        Unavailable: The seed does not answer.
    """
    check_node_id(node_id)
    refuse_if_initialised(data_dir)
    admission = be_admitted(seed, token, node_id, hosts)
    with _writing_to(data_dir):
        _write_trust(data_dir / CERTIFICATES, admission)
        identity = NodeIdentity(node_id, admission.cluster, admission.seeds, admission.sponsor)
        write_identity(data_dir, identity, admission.gossip_keys)
    return Joined(node_id, admission.cluster, list(admission.seeds))


def rejoin_cluster(data_dir: Path, seed: str, token: str, hosts: Sequence[str]) -> Joined:
    """Give a node that is here already a new certificate and whom to trust; all its other data stays.

    For a node whose certificate has run out or was revoked, or that missed a change of the CA. It must not
    run meanwhile: it would go on with what it has read.

    Args:
        data_dir: Of the node.
        seed: `host:port` of the gRPC of any member.
        token: Join token, as `caxton-node token` prints it.
        hosts: Host names and addresses at which it is reached; none takes those of the old certificate.

    Raises:
        NotInitialised: The directory holds no node.
        InvalidConfig: A CA key here cannot be read, so whether it is still needed cannot be said.
        Forbidden: The seed is of another cluster than the node; nothing was changed.
        CaxtonError: As `join_cluster`; nothing was changed.
    """
    identity = read_identity(data_dir)
    with owned(data_dir), _writing_to(data_dir):
        folder = data_dir / CERTIFICATES
        keys = _read_keys(folder)
        hosts = hosts or _old_hosts(folder)
        admission = be_admitted(seed, token, identity.node_id, hosts)
        if admission.cluster != identity.cluster:
            raise Forbidden(
                f"the seed {seed} is of cluster {admission.cluster}",
                why=f"this node belongs to {identity.cluster}; nothing was changed",
            )
        keep_readable(folder, keys)
        _write_trust(folder, admission)
        if set_unused_aside(folder, keys, admission.trust.fingerprints):
            _log.warning(
                "a CA key that is not believed any more was set aside", file=str(folder / UNUSED_KEY)
            )
        replaced = replace(identity, seeds=admission.seeds, sponsor=admission.sponsor)
        write_identity(data_dir, replaced, admission.gossip_keys)
    return Joined(identity.node_id, identity.cluster, list(admission.seeds))


def _write_trust(folder: Path, admission: Admission) -> None:
    """Write trust before the certificate: a certificate of a CA that is not trusted yet would not be read."""
    write_trust(folder, admission.trust)
    write_revocations(folder, admission.revocations)
    write_bundle(folder, admission.bundle)


def _read_keys(folder: Path) -> tuple[Authority, ...]:
    """Read the CA keys first: one that cannot be read may be the only copy there is."""
    try:
        return read_authorities(folder)
    except CertificateError as err:
        raise InvalidConfig(
            f"the CA keys in {folder / CA_KEY} cannot be read",
            why=f"{err}; nothing was changed",
            hint="make the file readable for this user, or move it away and put it back afterwards",
        ) from err


def _old_hosts(folder: Path) -> list[str]:
    try:
        return hosts_of(read_bundle(folder).certificate_pem)
    except CertificateError:
        return []


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
