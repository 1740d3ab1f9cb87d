"""Trust on disk: `trust.list`, `revocations.list`, and `ca.crt` as everybody else reads it.

`trust.list` is what holds; `ca.crt` is made from it, for the API's TLS, for command lines and for people. If
the machine stops between the two, the next read writes `ca.crt` again. A node that has never seen a change of
authorities has no `trust.list`: then `ca.crt` is the truth, at revision 0.

Signatures are not looked at here: who can write these files has the node's key too.
"""

from __future__ import annotations

from pathlib import Path

from certs import atomic
from certs.errors import MalformedTrust, MissingFile, UnreadableFile
from certs.revocations import Revocations, decode_revocations
from certs.trust_list import TrustList, decode_trust_list

CA_CERTIFICATE = "ca.crt"
TRUST_LIST = "trust.list"
REVOCATIONS = "revocations.list"


def write_trust(directory: Path, trust: TrustList) -> None:
    """Keep a trust list, and `ca.crt` as it follows from it.

    Raises:
        OSError: It cannot be written; the old list is still whole.
    """
    atomic.make_directory(directory)
    atomic.write(directory / TRUST_LIST, trust.encode(), atomic.PUBLIC)
    atomic.write(directory / CA_CERTIFICATE, trust.ca_pem, atomic.PUBLIC)


def read_trust(directory: Path) -> TrustList:
    """Return the authorities in force.

    Raises:
        MissingFile: There is neither a list nor a `ca.crt`.
        UnreadableFile: What is there may not be read or holds something else.
        AuthorityMismatch: `ca.crt` is not that of a cluster.
    """
    try:
        data = atomic.read(directory / TRUST_LIST)
    except MissingFile:
        return TrustList.initial(atomic.read(directory / CA_CERTIFICATE))
    try:
        trust = decode_trust_list(data)
    except MalformedTrust as err:
        raise UnreadableFile(f"{directory / TRUST_LIST}: {err}") from err
    _follow(directory / CA_CERTIFICATE, trust.ca_pem)
    return trust


def write_revocations(directory: Path, revocations: Revocations) -> None:
    """Keep the denials.

    Raises:
        OSError: They cannot be written; the old ones are still whole.
    """
    atomic.make_directory(directory)
    atomic.write(directory / REVOCATIONS, revocations.encode(), atomic.PUBLIC)


def read_revocations(directory: Path) -> Revocations:
    """Return the denials that were kept; none where there is no file.

    Raises:
        UnreadableFile: The file may not be read or holds something else. The node must not start without:
            it would let in whoever was shut out.
    """
    try:
        return Revocations(decode_revocations(atomic.read(directory / REVOCATIONS)))
    except MissingFile:
        return Revocations()
    except MalformedTrust as err:
        raise UnreadableFile(f"{directory / REVOCATIONS}: {err}") from err


def _follow(place: Path, ca_pem: bytes) -> None:
    if not place.exists() or place.read_bytes() != ca_pem:
        atomic.write(place, ca_pem, atomic.PUBLIC)
