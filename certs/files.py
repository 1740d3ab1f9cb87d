"""Certificates on disk: `ca.crt`, `node.crt`, `node.key`, and `ca.key` where a signer runs.

Keys are 0600 from the moment they exist. Every file is written beside its place and renamed into it, so a
reader never sees half of one. A renewal replaces two files; if the machine stops between the two renames, the
next read finishes what was begun, because the new certificate still lies beside its place as `node.crt.new`.
"""

from __future__ import annotations

import os
from pathlib import Path

from certs import pem
from certs.authority import Authority
from certs.bundle import NodeBundle, node_id_of
from certs.errors import MissingFile, UnreadableFile

CA_CERTIFICATE = "ca.crt"
CA_KEY = "ca.key"
NODE_CERTIFICATE = "node.crt"
NODE_KEY = "node.key"
_SECRET = 0o600
_PUBLIC = 0o644


def write_bundle(directory: Path, bundle: NodeBundle) -> None:
    """Write a node's three files; an older bundle in the same place is replaced.

    Raises:
        OSError: The directory cannot be made or written; the older bundle is still whole.
    """
    _make_directory(directory)
    parts = [
        (CA_CERTIFICATE, bundle.ca_pem, _PUBLIC),
        (NODE_KEY, bundle.key_pem, _SECRET),
        (NODE_CERTIFICATE, bundle.certificate_pem, _PUBLIC),
    ]
    for name, data, mode in parts:
        _write_beside(directory / name, data, mode)
    # The certificate goes last: until then its .new file is what read_bundle needs to finish the swap.
    for name, _, _ in parts:
        _beside(directory / name).replace(directory / name)
    _sync_directory(directory)


def read_bundle(directory: Path) -> NodeBundle:
    """Read a node's three files; the node id is the one in the certificate.

    Raises:
        MissingFile: One of the files is not there.
        UnreadableFile: One of them may not be read or holds no PEM.
    """
    key_pem = _read(directory / NODE_KEY)
    certificate_pem = _finish_swap(directory, key_pem) or _read(directory / NODE_CERTIFICATE)
    node_id = node_id_of(pem.load_certificates(certificate_pem, str(directory / NODE_CERTIFICATE))[0])
    return NodeBundle(node_id, certificate_pem, key_pem, _read(directory / CA_CERTIFICATE))


def write_authority(directory: Path, authority: Authority) -> None:
    """Write the CA's certificate and key; only nodes that sign have the key."""
    _make_directory(directory)
    for name, data, mode in (
        (CA_KEY, authority.key_pem, _SECRET),
        (CA_CERTIFICATE, authority.certificate_pem, _PUBLIC),
    ):
        _write_beside(directory / name, data, mode)
        _beside(directory / name).replace(directory / name)
    _sync_directory(directory)


def read_authority(directory: Path) -> Authority:
    """Open the authority whose key lies in this directory.

    Raises:
        MissingFile: This node does not sign: there is no CA key.
        UnreadableFile: A file may not be read or holds no PEM.
        AuthorityMismatch: Certificate and key do not belong together.
    """
    return Authority.load(_read(directory / CA_CERTIFICATE), _read(directory / CA_KEY))


def has_authority(directory: Path) -> bool:
    """Say whether this node holds the CA key and so can sign."""
    return (directory / CA_KEY).exists()


def _finish_swap(directory: Path, key_pem: bytes) -> bytes | None:
    """Put a new certificate in place whose key already is.

    Return it, or None when nothing was left half done.
    """
    place = directory / NODE_CERTIFICATE
    left = _beside(place)
    if not left.exists():
        return None
    data = left.read_bytes()
    key = pem.load_key(key_pem, str(directory / NODE_KEY))
    try:
        fits = pem.same_key(pem.load_certificates(data, str(left))[0], key)
    except UnreadableFile:
        fits = False
    if not fits:
        return None
    left.replace(place)
    return data


def _make_directory(directory: Path) -> None:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def _beside(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _write_beside(path: Path, data: bytes, mode: int) -> None:
    beside = _beside(path)
    beside.unlink(missing_ok=True)  # O_EXCL below: a left-over file would keep its own, perhaps wider, mode
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise MissingFile(f"{path} is not there") from err
    except OSError as err:
        raise UnreadableFile(f"{path} cannot be read: {err.strerror}") from err
