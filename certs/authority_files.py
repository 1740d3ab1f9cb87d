"""The CA keys that a node holds: one file, `ca.key`, who signs first.

Each key is followed by its certificate, so that a successor that nobody knows of yet is whole in one file and
one rename. A file with a key alone, as a new cluster has it, finds its certificate in `ca.crt`.

A key that nobody believes any more is set aside in `ca.key.unused`, never deleted: it may be the only copy.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from certs import atomic
from certs.authority import Authority
from certs.errors import MissingFile, UnreadableFile
from certs.trust_files import CA_CERTIFICATE

CA_KEY = "ca.key"
UNUSED_KEY = "ca.key.unused"
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


def keep_readable(directory: Path, authorities: Sequence[Authority]) -> None:
    """Write each key with its certificate, so that it can be read whatever `ca.crt` comes to hold.

    Raises:
        OSError: They cannot be written; the old file is still whole.
    """
    if authorities:
        write_authorities(directory, authorities)


def set_unused_aside(directory: Path, authorities: Sequence[Authority], trusted: Collection[str]) -> bool:
    """Move the keys of authorities that are not trusted to `ca.key.unused`; return whether there were any.

    Args:
        directory: Of the keys.
        authorities: All that lie there.
        trusted: Fingerprints of those to keep.

    Raises:
        OSError: They cannot be written; no key is lost.
    """
    unused = [each for each in authorities if each.fingerprint not in trusted]
    if not unused:
        return False
    place = directory / UNUSED_KEY
    known = place.read_bytes() if place.exists() else b""
    added = b"".join(each.key_pem + each.certificate_pem for each in unused if each.key_pem not in known)
    atomic.write(place, known + added, atomic.SECRET)
    write_authorities(directory, [each for each in authorities if each.fingerprint in trusted])
    return True


def read_authorities(directory: Path, *, also: bytes = b"") -> tuple[Authority, ...]:
    """Open every authority whose key lies in this directory.

    Args:
        directory: Of the keys.
        also: Certificates of authorities that are not in `ca.crt` yet.

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
    certificates = data + b"\n" + also + b"\n" + _known_certificates(directory)
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
