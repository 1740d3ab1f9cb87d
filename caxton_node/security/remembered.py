"""Who was recognised a moment ago, so that the next call with the same credential costs a microsecond.

What is kept of a credential is its SHA-256, together with where it stood: the same text is another credential
as a bearer token than as an API key. An entry is good for `ttl_s`, never beyond the expiry of the credential,
and never after `forget` or `clear`; an answer that was being worked out meanwhile is not kept, which the
`age` of the table tells.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import sha256

from caxton_node.core.clock import Clock
from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import Principal

TTL_S = 60.0
ENTRIES_MAX = 10_000

Key = tuple[str, bytes | tuple[int, int] | None]
BEARER, API_KEY, CERTIFICATE, PEER = "bearer", "api-key", "certificate", "peer"


@dataclass(frozen=True, slots=True)
class _Entry:
    principal: Principal
    good_until: float
    expires_unix_us: int | None


class Remembered:
    """Principals by credential.

    Args:
        clock: Tells how old an entry is, and whether its credential has expired.
        ttl_s: How long an entry is good, seconds.

    Attributes:
        age: Raised whenever entries were made void.
    """

    def __init__(self, clock: Clock, ttl_s: float = TTL_S) -> None:
        self.age = 0
        self._clock = clock
        self._ttl_s = min(ttl_s, TTL_S)
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    def __len__(self) -> int:
        """Return how many entries there are."""
        return len(self._entries)

    def find(self, key: Key) -> Principal | None:
        """Return who shows a credential, if that is known and still true."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        expires = entry.expires_unix_us
        if self._clock.now() >= entry.good_until or (
            expires is not None and self._clock.unix_us() >= expires
        ):
            del self._entries[key]
            return None
        return entry.principal

    def keep(self, key: Key, principal: Principal, age: int) -> None:
        """Keep who shows a credential, unless entries were made void since it was looked at.

        Args:
            key: The credential.
            principal: Who shows it.
            age: Of the table when the look began.
        """
        if age != self.age or self._ttl_s <= 0:
            return
        expires = principal.expires_unix_s
        expires_us = None if expires is None else expires * 1_000_000
        self._entries[key] = _Entry(principal, self._clock.now() + self._ttl_s, expires_us)
        self._entries.move_to_end(key)
        if len(self._entries) > ENTRIES_MAX:
            self._entries.popitem(last=False)

    def forget(self, hash_hex: str) -> None:
        """Make void what is kept of one text, given as its SHA-256 in hex."""
        digest = bytes.fromhex(hash_hex)
        self.age += 1
        for place in (BEARER, API_KEY):
            self._entries.pop((place, digest), None)

    def clear(self) -> None:
        """Make everything void."""
        self.age += 1
        self._entries.clear()


def key_of(credentials: Credentials) -> Key:
    """Return what the one credential of a call is kept by."""
    if credentials.bearer:
        return BEARER, _digest(credentials.bearer)
    if credentials.api_key:
        return API_KEY, _digest(credentials.api_key)
    if credentials.certificate_der:
        return CERTIFICATE, sha256(credentials.certificate_der).digest()
    peer = credentials.peer
    return PEER, None if peer is None else (peer.uid, peer.gid)


def _digest(text: str) -> bytes:
    # not "replace": two texts must not become one
    return sha256(text.encode("utf-8", "surrogatepass")).digest()
