"""The CA keys that a node holds: one file, `ca.key`, who signs first.

Each key is followed by its certificate, so that a successor that nobody knows of yet is whole in one file and
one rename. A file with a key alone, as a new cluster has it, finds its certificate in `ca.crt`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from certs import atomic
from certs.authority import Authority
from certs.errors import MissingFile, UnreadableFile
from certs.trust_files import CA_CERTIFICATE

CA_KEY = "ca.key"
_KEY = re.compile(rb"-----BEGIN ([A-Z ]*)PRIVATE KEY-----.+?-----END \1PRIVATE KEY-----", re.DOTALL)


def write_authorities(directory: Path, authorities: Sequence[Authority]) -> None:
    """Keep the CA keys of a node, all of them in one step; none removes the file.

    Raises:
        OSError: It cannot be written; the old file is still whole.
    """
    atomic.make_directory(directory)
    if not authorities:
        atomic.remove(directory / CA_KEY)
        return
    data = b"".join(each.key_pem + each.certificate_pem for each in authorities)
    atomic.write(directory / CA_KEY, data, atomic.SECRET)


def read_authorities(directory: Path) -> tuple[Authority, ...]:
    """Open every authority whose key lies in this directory.

    Returns:
        In the order in which they were written; empty when this node does not sign.

    Raises:
        UnreadableFile: A file may not be read, or there is no key in it.
        AuthorityMismatch: The certificate of a key is not there.
    """
    try:
        data = atomic.read(directory / CA_KEY)
    except MissingFile:
        return ()
    keys = [match[0] for match in _KEY.finditer(data)]
    if not keys:
        raise UnreadableFile(f"{directory / CA_KEY} holds no private key in PEM")
    certificates = data + b"\n" + _known_certificates(directory)
    return tuple(Authority.load(certificates, key) for key in keys)


def write_authority(directory: Path, authority: Authority) -> None:
    """Write the key and certificate of a cluster's first authority; only nodes that sign have the key.

    Raises:
        OSError: They cannot be written.
    """
    atomic.make_directory(directory)
    atomic.write(directory / CA_KEY, authority.key_pem, atomic.SECRET)
    atomic.write(directory / CA_CERTIFICATE, authority.certificate_pem, atomic.PUBLIC)


def read_authority(directory: Path) -> Authority:
    """Open the first authority whose key lies in this directory.

    Raises:
        MissingFile: This node does not sign: there is no CA key.
        UnreadableFile: A file may not be read or holds no PEM.
        AuthorityMismatch: Certificate and key do not belong together.
    """
    authorities = read_authorities(directory)
    if not authorities:
        raise MissingFile(f"{directory / CA_KEY} is not there")
    return authorities[0]


def has_authority(directory: Path) -> bool:
    """Say whether this node holds a CA key and so can sign."""
    return (directory / CA_KEY).exists()


def _known_certificates(directory: Path) -> bytes:
    try:
        return atomic.read(directory / CA_CERTIFICATE)
    except MissingFile:
        return b""
