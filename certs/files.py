"""A node's certificate on disk: `node.crt`, `node.key`, `ca.crt`, and what waits while one is asked for.

Keys are 0600 from the moment they exist. Every file is written beside its place and renamed into it, so a
reader never sees half of one. A renewal replaces two files; if the machine stops between the two renames, the
next read finishes what was begun, because the new certificate still lies beside its place as `node.crt.new`.

A certificate that is issued elsewhere (the CA key kept off line) takes days to come. Until then the new key
waits as `node.key.request`, and the node goes on with what it has.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from certs import atomic, pem
from certs.authority_files import (
    CA_KEY,
    has_authority,
    read_authorities,
    read_authority,
    write_authorities,
    write_authority,
)
from certs.bundle import NodeBundle, node_id_of
from certs.errors import UnreadableFile
from certs.trust_files import (
    CA_CERTIFICATE,
    TRUST_LIST,
    read_revocations,
    read_trust,
    write_revocations,
    write_trust,
)

__all__ = [
    "CA_CERTIFICATE",
    "CA_KEY",
    "NODE_CERTIFICATE",
    "NODE_KEY",
    "forget_request",
    "has_authority",
    "read_authorities",
    "read_authority",
    "read_bundle",
    "read_requested_key",
    "read_revocations",
    "read_trust",
    "write_authorities",
    "write_authority",
    "write_bundle",
    "write_request",
    "write_revocations",
    "write_trust",
]

NODE_CERTIFICATE = "node.crt"
NODE_KEY = "node.key"
REQUESTED_KEY = "node.key.request"
REQUEST = "node.csr"


def write_bundle(directory: Path, bundle: NodeBundle) -> None:
    """Write a node's three files; an older bundle in the same place is replaced.

    Raises:
        OSError: The directory cannot be made or written; the older bundle is still whole.
    """
    atomic.make_directory(directory)
    parts = [
        (directory / CA_CERTIFICATE, bundle.ca_pem, atomic.PUBLIC),
        (directory / NODE_KEY, bundle.key_pem, atomic.SECRET),
        (directory / NODE_CERTIFICATE, bundle.certificate_pem, atomic.PUBLIC),
    ]
    for place, data, mode in parts:
        atomic.write_beside(place, data, mode)
    # The certificate goes last: until then its .new file is what read_bundle needs to finish the swap.
    for place, _, _ in parts:
        atomic.beside(place).replace(place)
    atomic.sync_directory(directory)


def read_bundle(directory: Path) -> NodeBundle:
    """Read a node's three files; the node id is the one in the certificate.

    The authorities are those of the trust list, where there is one.

    Raises:
        MissingFile: One of the files is not there.
        UnreadableFile: One of them may not be read or does not hold what it should.
    """
    key_pem = atomic.read(directory / NODE_KEY)
    certificate_pem = _finish_swap(directory, key_pem) or atomic.read(directory / NODE_CERTIFICATE)
    node_id = node_id_of(pem.load_certificates(certificate_pem, str(directory / NODE_CERTIFICATE))[0])
    return NodeBundle(node_id, certificate_pem, key_pem, _read_ca_pem(directory))


def write_request(directory: Path, *, key_pem: bytes, csr_pem: bytes) -> None:
    """Keep a new key until its certificate comes; an older request is forgotten by that.

    Raises:
        OSError: It cannot be written.
    """
    atomic.make_directory(directory)
    atomic.write(directory / REQUESTED_KEY, key_pem, atomic.SECRET)
    atomic.write(directory / REQUEST, csr_pem, atomic.PUBLIC)


def read_requested_key(directory: Path) -> bytes:
    """Return the key whose certificate is awaited.

    Raises:
        MissingFile: None is.
        UnreadableFile: It may not be read.
    """
    return atomic.read(directory / REQUESTED_KEY)


def forget_request(directory: Path) -> None:
    """Remove what waited, once the certificate is in place."""
    atomic.remove(directory / REQUESTED_KEY)
    atomic.remove(directory / REQUEST)


def _read_ca_pem(directory: Path) -> bytes:
    if (directory / TRUST_LIST).exists():
        return read_trust(directory).ca_pem
    return atomic.read(directory / CA_CERTIFICATE)


def _finish_swap(directory: Path, key_pem: bytes) -> bytes | None:
    """Put a new certificate in place whose key already is.

    Return it, or None when nothing was left half done.
    """
    place = directory / NODE_CERTIFICATE
    left = atomic.beside(place)
    try:
        data = left.read_bytes()
    except FileNotFoundError:
        return None
    key = pem.load_key(key_pem, str(directory / NODE_KEY))
    try:
        fits = pem.same_key(pem.load_certificates(data, str(left))[0], key)
    except UnreadableFile:
        fits = False
    if not fits:
        return None
    with suppress(FileNotFoundError):  # the node itself was writing, and has done it meanwhile
        left.replace(place)
    return data
