"""Each sender's own key, derived from the group key with HKDF-SHA256 over cluster, sender and boot epoch.

HKDF is written out, because whoever sends junk under ever new sender ids makes a receiver derive a key for
each. The first step depends on the group key alone and is done once; so are the two inner states of the HMACs
of the second, which leaves a few blocks of SHA-256. What opens nothing is not kept, so forged senders fill no
table.

Source: RFC 5869, RFC 2104.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import NamedTuple, TypeVar

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SENDERS_MAX = 32_768
"""Subkeys kept; beyond it the oldest goes and is derived anew when it is needed."""
GROUP_KEYS_MAX = 64
SALT_BYTES = 6
_LABEL = b"caxton swim 1\0"
_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
K = TypeVar("K")
V = TypeVar("V")


class Subkey(NamedTuple):
    """What seals and opens the datagrams of one sender in one life.

    Attributes:
        cipher: AES-256-GCM under the derived key.
        salt: First half of every nonce.
    """

    cipher: AESGCM
    salt: bytes


class _Hmac:
    """HMAC-SHA256 under one key, ready to be used many times."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(padded.translate(_INNER))
        self._outer = hashlib.sha256(padded.translate(_OUTER))

    def digest(self, text: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(text)
        outer.update(inner.digest())
        return outer.digest()


class Subkeys:
    """Derived keys of those who were heard; several rings of one process may share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bytes, int], Subkey] = {}
        self._expanding: dict[bytes, _Hmac] = {}

    def derive(self, group_key: bytes, cluster: bytes, sender: bytes, epoch: int) -> Subkey:
        """Return the subkey of one sender in one life."""
        known = self._known.get((group_key, cluster, sender, epoch))
        if known is not None:
            return known
        expanding = self._expanding.get(group_key) or self._extract(group_key)
        info = _LABEL + sender + epoch.to_bytes(4, "big") + cluster
        first = expanding.digest(info + b"\x01")
        second = expanding.digest(first + info + b"\x02")
        return Subkey(AESGCM(first), second[:SALT_BYTES])

    def keep(self, group_key: bytes, cluster: bytes, sender: bytes, epoch: int, subkey: Subkey) -> None:
        """Remember a subkey that has opened something: forged senders must not fill the table."""
        place = (group_key, cluster, sender, epoch)
        if place not in self._known:
            forget_oldest(self._known, SENDERS_MAX - 1)
            self._known[place] = subkey

    def forget(self, group_key: bytes) -> None:
        """Drop what was derived from a key that is no longer held."""
        self._expanding.pop(group_key, None)
        for place in [place for place in self._known if place[0] == group_key]:
            del self._known[place]

    def _extract(self, group_key: bytes) -> _Hmac:
        forget_oldest(self._expanding, GROUP_KEYS_MAX - 1)
        expanding = _Hmac(hmac.digest(bytes(32), group_key, "sha256"))
        self._expanding[group_key] = expanding
        return expanding


def forget_oldest(table: dict[K, V], keep: int) -> None:
    """Shorten a table to its latest `keep` entries."""
    while len(table) > keep:
        table.pop(next(iter(table)))
