"""What members and newcomers say about trust: read or refused, and believed only if the CA has said it."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple, TypeVar

from certs import (
    Authority,
    InvalidName,
    InvalidRequest,
    MalformedTrust,
    Revocation,
    Revocations,
    TrustList,
    UntrustedList,
    decode_revocation,
    decode_revocations,
    decode_trust_list,
    make_request,
    requested_node_id,
    revoke,
)
from certs.revocations import ENTRY_BYTES_MAX
from certs.rotation import announce, switch

EXAMPLES = 300
T = TypeVar("T")
NOW = datetime(2030, 1, 1, tzinfo=UTC)


class _Said(NamedTuple):
    """What the authority of this run has signed, and what is believed before that is heard."""

    believed: TrustList
    lists: tuple[TrustList, ...]
    entries: Revocations
    signer: Authority


@cache
def _said() -> _Said:
    old, new = Authority.create("home", NOW), Authority.create("home", NOW)
    first = TrustList.initial(old.certificate_pem)
    announced = announce(first, new, [old])
    entries = [revoke(old, "node-7", NOW, reason="stolen"), revoke(old, "node-8", NOW, serial=2**150)]
    return _Said(first, (announced, switch(announced, [old, new])), Revocations(entries), old)


def check(data: bytes) -> None:
    """Read an input as each kind; what was read is the same when it was written and read again."""
    _check_list(data)
    for entry in _read(decode_revocations, data) or []:
        _check_entry(entry)
    if (entry := _read(decode_revocation, data)) is not None:
        _check_entry(entry)
    _check_request(data)


def _check_list(data: bytes) -> None:
    trust = _read(decode_trust_list, data)
    if trust is None:
        return
    assert decode_trust_list(trust.encode()) == trust
    assert TrustList.initial(trust.ca_pem).primary == trust.primary
    said = _said()
    try:
        held = said.believed.accept(trust, NOW)
    except UntrustedList:
        return
    assert held is said.believed or trust.digest in {each.digest for each in said.lists}


def _check_entry(entry: Revocation) -> None:
    assert len(entry.encode()) <= ENTRY_BYTES_MAX
    assert decode_revocation(entry.encode()) == entry
    said = _said()
    merged = Revocations().merge([entry], said.believed, NOW)
    assert {each.id for each in merged.added} <= {each.id for each in said.entries}


def _check_request(data: bytes) -> None:
    request = b"-----BEGIN CERTIFICATE REQUEST-----\n%b\n-----END CERTIFICATE REQUEST-----\n"
    csr_pem = request % b64encode(data)
    try:
        node_id = requested_node_id(csr_pem)
        _said().signer.sign(csr_pem, node_id, (), NOW)
    except (InvalidRequest, InvalidName):
        return


def _read(decode: Callable[[bytes], T], data: bytes) -> T | None:
    try:
        return decode(data)
    except MalformedTrust:
        return None


def seeds() -> Iterator[bytes]:
    """Give one of each."""
    said = _said()
    for trust in said.lists:
        yield trust.encode()
    for entry in said.entries:
        yield entry.encode()
    yield said.entries.encode()
    _, csr_pem = make_request("node-a")
    yield b64decode(b"".join(csr_pem.splitlines()[1:-1]))
