"""Certificates of clients of the API, made and made void with the CA key, from file to file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from caxton_node.cluster.offline_ca import signing
from caxton_node.core.errors import AlreadyExists, InvalidArgument
from certs import Revocation, revoke
from certs.pem import dump_key, load_certificates, new_key
from certs.trust_files import write_revocations

_PREFIX = "client-"
"""A revocation names whose certificate it is; this way it names no node."""


@dataclass(frozen=True, slots=True)
class IssuedClient:
    """A client's certificate and key, as they were written.

    Attributes:
        certificate: File with the certificate.
        key: File with the private key, for its owner alone.
        uri: Whom it is about.
    """

    certificate: Path
    key: Path
    uri: str


class ClientFileExists(AlreadyExists):
    """A file with this name is there; nothing was written."""

    code = "CLIENT_FILE_EXISTS"


def issue_client(ca_dir: Path, name: str, target: Path, *, lifetime_days: int) -> IssuedClient:
    """Make a key and a certificate for a client, and write both to a directory.

    Args:
        ca_dir: Directory with the CA key.
        name: The client, a DNS label.
        target: Where `<name>.crt` and `<name>.key` are written.
        lifetime_days: How long the certificate is good.

    Raises:
        CaKeyNotFound: The CA key is not there.
        ClientFileExists: One of the files is there already.
        InvalidArgument: The name cannot be one, or the directory cannot be written.
    """
    key = new_key()
    with signing(ca_dir, "the client's certificate cannot be made") as ca:
        certificate_pem = ca.signer.sign_client(name, key.public_key(), datetime.now(UTC), lifetime_days)
        written = IssuedClient(target / f"{name}.crt", target / f"{name}.key", _uri_of(certificate_pem))
        for path in (written.certificate, written.key):
            if path.exists():
                raise ClientFileExists(f"{path} is there already", hint="name another directory with --out")
        target.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(written.key, dump_key(key), 0o600)
        _write(written.certificate, certificate_pem, 0o644)
    return written


def revoke_client(ca_dir: Path, certificate_pem: bytes, *, reason: str) -> Revocation:
    """Sign that a client's certificate is void from now on, and keep that in the directory.

    Raises:
        CaKeyNotFound: The CA key is not there.
        InvalidArgument: It is no client's certificate, or the directory cannot be written.
    """
    now = datetime.now(UTC)
    with signing(ca_dir, "the revocation cannot be signed") as ca:
        certificate = load_certificates(certificate_pem, "the file")[0]
        uri = _uri_of(certificate_pem)
        if "/client/" not in uri:
            raise InvalidArgument(
                "this is no client's certificate",
                why=f"it is about {uri or 'nobody'}",
                hint="a node is revoked by its id: caxton security revoke NODE",
            )
        revocation = revoke(
            ca.signer,
            f"{_PREFIX}{uri.rpartition('/')[2]}"[:63].rstrip("-"),
            now,
            serial=certificate.serial_number,
            reason=reason,
            revision=ca.trust.revision,
            until=certificate.not_valid_after_utc,
        )
        write_revocations(ca_dir, ca.revocations.merge([revocation], ca.trust, now).revocations)
        return revocation


def _uri_of(certificate_pem: bytes) -> str:
    certificate = load_certificates(certificate_pem, "the certificate")[0]
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ""
    return next(iter(found.get_values_for_type(x509.UniformResourceIdentifier)), "")


def _write(path: Path, data: bytes, mode: int) -> None:
    # made with its mode, so that a key is never there for others to read, not even for a moment
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
