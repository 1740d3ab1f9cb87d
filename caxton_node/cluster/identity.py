"""Who this node is: the small files that `init` or `join` leaves in the data directory.

identity.json   {"version": 1, "node_id", "cluster", "seeds", "sponsor"}; seeds are mesh addresses to try
                first, sponsor is the id of the member at the first of them
gossip.key      one gossip key a line, hexadecimal, the one that seals first; mode 0600. Once the keys were
                changed, a line `# revision N` stands before them; without it they are at revision 0
certs/          ca.crt node.crt node.key, and ca.key where a signer runs: see certs/DESIGN.md
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from caxton_node.core.errors import AlreadyExists, InvalidConfig, NotFound
from swim import InvalidKey, Ring

FORMAT = 1
GOSSIP_KEYS = "gossip.key"
KEY_BYTES = 32


class NotInitialised(NotFound):
    """The data directory holds no node."""

    code = "NODE_NOT_INITIALISED"


class AlreadyInitialised(AlreadyExists):
    """The data directory holds a node already."""

    code = "NODE_ALREADY_INITIALISED"


@dataclass(frozen=True, slots=True)
class NodeIdentity:
    """What a node calls itself and whom it asks first.

    Attributes:
        node_id: The DNS label that is also the common name of its certificate.
        cluster: Name of the cluster, bound into certificates and gossip.
        seeds: Mesh addresses `host:port` learned on joining; empty for the founder.
        sponsor: Id of the member at the first seed, which let this node in; empty if it is not known.
    """

    node_id: str
    cluster: str
    seeds: tuple[str, ...] = ()
    sponsor: str = ""


def read_identity(data_dir: Path) -> NodeIdentity:
    """Read who this node is.

    Raises:
        NotInitialised: Neither `init` nor `join` has run here.
        InvalidConfig: The file is not what they wrote; it was left untouched.
    """
    path = data_dir / "identity.json"
    try:
        return _parse_identity(path.read_text())
    except FileNotFoundError:
        raise NotInitialised(
            f"{data_dir} holds no node",
            why="neither init nor join has run with this data directory",
            hint=f"caxton-node init --data-dir {data_dir}, or caxton-node join <seed> --token <token>",
        ) from None
    except (ValueError, KeyError, TypeError, AttributeError) as err:
        raise InvalidConfig(
            f"{path} cannot be read",
            why=str(err),
            hint="restore it from a backup, or join again with an empty directory",
        ) from err


def write_identity(data_dir: Path, identity: NodeIdentity, gossip_keys: Sequence[bytes]) -> None:
    """Leave the identity and the gossip keys in a directory that holds no node yet."""
    write_gossip_keys(data_dir, Ring(tuple(gossip_keys)))
    document = {"version": FORMAT, **asdict(identity)}
    # Renamed into its place, since half a file would be taken for a node that is broken.
    beside = data_dir / "identity.json.new"
    beside.write_text(json.dumps(document, indent=2) + "\n")
    beside.replace(data_dir / "identity.json")


def refuse_if_initialised(data_dir: Path) -> None:
    """Raise AlreadyInitialised rather than overwrite a node's identity."""
    if (data_dir / "identity.json").exists():
        taken = read_identity(data_dir)
        raise AlreadyInitialised(
            f"{data_dir} already holds node {taken.node_id} of cluster {taken.cluster}",
            hint=f"caxton-node run --data-dir {data_dir}, or choose another --data-dir",
        )


def read_gossip_keys(data_dir: Path) -> Ring:
    """Read the gossip keys.

    Raises:
        InvalidConfig: The file is missing, or is not a ring of 32-byte keys; it was left untouched.
    """
    return read_ring(data_dir / GOSSIP_KEYS)


def read_ring(path: Path) -> Ring:
    """Read gossip keys from any file that holds them as `write_gossip_keys` writes them.

    Raises:
        InvalidConfig: As `read_gossip_keys`.
    """
    try:
        return _parse_keys(path.read_text())
    except (OSError, ValueError, InvalidKey) as err:
        hint = "copy it from another node, as its owner and with mode 0600"
        raise InvalidConfig(f"{path} cannot be read", why=str(err), hint=hint) from err


def write_gossip_keys(data_dir: Path, ring: Ring) -> None:
    """Keep the gossip keys, durably: after a power cut the file holds the old keys or the new ones, whole."""
    path, beside = data_dir / GOSSIP_KEYS, data_dir / f"{GOSSIP_KEYS}.new"
    revision = [f"# revision {ring.revision}"] if ring.revision else []
    write_private(beside, "\n".join([*revision, *(key.hex() for key in ring.keys), ""]))
    beside.replace(path)
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, from its first byte on; an older one is replaced."""
    path.unlink(missing_ok=True)  # O_EXCL below: it would keep its own, perhaps wider, mode
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)


def _parse_identity(text: str) -> NodeIdentity:
    fields = json.loads(text)
    if fields["version"] != FORMAT:
        raise ValueError(f"its version is {fields['version']!r}, this program reads {FORMAT}")
    sponsor = fields.get("sponsor", "")  # files of earlier versions do not name it
    return NodeIdentity(fields["node_id"], fields["cluster"], tuple(fields["seeds"]), sponsor)


def _parse_keys(text: str) -> Ring:
    revision, keys = 0, []
    for line in filter(None, map(str.strip, text.splitlines())):
        if line.startswith("#"):
            word, _, number = line.lstrip("# ").partition(" ")
            revision = int(number) if word == "revision" else revision
        else:
            keys += [bytes.fromhex(word) for word in line.split()]
    return Ring(tuple(keys), revision)
