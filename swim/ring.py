"""The group keys of a node as a value: the first seals, any opens, and people see short ids only.

A change makes another ring with a higher revision, so whoever holds two rings knows which came later, and a
node that was away can tell that it is behind. The shell keeps a ring on disk before it hands it to the
`Keyring`.

Rejected: changing single keys in place. Two changes under way at once could then leave a node with a ring
that nobody ever wanted; of two rings one is simply refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import blake2b

from swim.errors import InvalidKey

GROUP_KEY_BYTES = 32
KEYS_MAX = 8
REVISION_MAX = 2**62
"""More than anybody changes keys; it fits every format on the way, and one more still does."""


@dataclass(frozen=True, slots=True)
class Ring:
    """One to eight group keys; never changed.

    Attributes:
        keys: 32 bytes each, the one that seals first; never shown.
        revision: Raised by every change; 0 for keys that were never changed.

    Raises:
        InvalidKey: No key, too many, one twice, one of the wrong length, or a revision that nobody reached.
    """

    keys: tuple[bytes, ...] = field(repr=False)
    revision: int = 0

    def __post_init__(self) -> None:
        """Refuse a ring that could not be used."""
        for key in self.keys:
            if len(key) != GROUP_KEY_BYTES:
                raise InvalidKey(f"a group key has {GROUP_KEY_BYTES} bytes, not {len(key)}")
        if not 1 <= len(self.keys) <= KEYS_MAX:
            raise InvalidKey(f"a key ring holds 1 to {KEYS_MAX} keys, not {len(self.keys)}; remove one first")
        if len(set(self.keys)) != len(self.keys):
            raise InvalidKey("a key ring holds each key once")
        if not 0 <= self.revision <= REVISION_MAX:
            raise InvalidKey(f"{self.revision} is no revision of a key ring")

    @property
    def ids(self) -> list[str]:
        """Return the ids of the keys, the one that seals first."""
        return [key_id(key) for key in self.keys]

    def find(self, wanted: str) -> bytes:
        """Return the key with an id.

        Raises:
            InvalidKey: The ring does not hold it.
        """
        for key in self.keys:
            if key_id(key) == wanted:
                return key
        raise InvalidKey(f"the ring does not hold key {wanted}; it holds {', '.join(self.ids)}")

    def adding(self, key: bytes) -> Ring:
        """Return the ring that opens `key` too; the same ring if it does already."""
        return self if key in self.keys else self._with((*self.keys, bytes(key)))

    def sealing_with(self, key: bytes) -> Ring:
        """Return the ring that seals with a key that it holds."""
        held = self._held(key)
        others = tuple(other for other in self.keys if other != held)
        return self if held == self.keys[0] else self._with((held, *others))

    def removing(self, key: bytes) -> Ring:
        """Return the ring that no longer opens a key; the one that seals cannot be removed."""
        if self._held(key) == self.keys[0]:
            raise InvalidKey("this key seals; use another before removing it")
        return self._with(tuple(other for other in self.keys if other != key))

    def _with(self, keys: tuple[bytes, ...]) -> Ring:
        return Ring(keys, self.revision + 1)

    def _held(self, key: bytes) -> bytes:
        if key not in self.keys:
            raise InvalidKey("the ring does not hold this key")
        return key


def key_id(key: bytes) -> str:
    """Return eight hexadecimal digits that name a key and give nothing of it away."""
    return blake2b(key, digest_size=4, person=b"swim key name").hexdigest()
