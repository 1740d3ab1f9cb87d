"""How a line depends on all lines before it: a chain of hashes. Pure.

    hash(n) = SHA-256(hash(n-1) in hexadecimal, then the record as its bytes)

The hash stands at the end of its own line, so each line is JSON that any tool reads, and verification takes
the bytes as they are: there is no second way to write the same record. Whoever changes, removes or moves a
line breaks the chain there. Rejected: a Merkle tree, which proves single records to somebody who has not the
log; nobody here asks for that.
"""

from __future__ import annotations

from hashlib import sha256

GENESIS = "0" * 64
"""What stands before the first record of a node."""

_MARK = b',"hash":"'
_END = b'"}\n'
_HASH_CHARS = 64
_TAIL_BYTES = len(_MARK) + _HASH_CHARS + len(_END)


class BrokenLine(ValueError):
    """These bytes are no line of the log."""


def link(former: str, body: bytes) -> str:
    """Return the hash of a record.

    Args:
        former: Hash of the record before.
        body: The record, a JSON object that is not empty.
    """
    return sha256(former.encode() + body).hexdigest()


def seal(former: str, body: bytes) -> tuple[bytes, str]:
    """Return a record as a line, and its hash."""
    hash_hex = link(former, body)
    return body[:-1] + _MARK + hash_hex.encode() + _END, hash_hex


def unseal(line: bytes) -> tuple[bytes, str]:
    """Return the record in a line and the hash that stands there, which is not compared.

    Raises:
        BrokenLine: It does not end as lines do.
    """
    tail = line[-_TAIL_BYTES:]
    hash_bytes = tail[len(_MARK) : -len(_END)]
    if len(line) <= _TAIL_BYTES or not (tail.startswith(_MARK) and tail.endswith(_END)):
        raise BrokenLine("it does not end with a hash")
    if hash_bytes.strip(b"0123456789abcdef"):
        raise BrokenLine("its hash is none")
    return line[:-_TAIL_BYTES] + b"}", hash_bytes.decode()
