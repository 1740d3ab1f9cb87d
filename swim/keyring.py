"""Seals and opens datagrams: AES-256-GCM under a ring of group keys.

    0        1       2            10       14          20
    | 0x11   | key   | sender     | epoch  | counter   | ciphertext ... | tag 16 |
    | version| id 1  | 8 bytes    | 4      | 6         |

Each sender encrypts under its own subkey, derived from the group key with HKDF over cluster, sender and
boot epoch, and counts its datagrams up. So a nonce cannot repeat between members or between lives,
AES-GCM's limit of 2**32 messages per key with random nonces is out of reach, and a receiver can tell a
replay from the counter. The cluster id and the whole header are associated data: clusters that share an
address space by accident never mix, and a header cannot be changed on the way.

Rejected: one key and random nonces (the limit is reached within weeks at a thousand nodes, and no replay
protection).

Source: NIST SP 800-38D section 8.3; RFC 5869; DESIGN.md, "Datagram".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from swim.errors import InvalidKey, Unopenable
from swim.statistics import Drop
from swim.window import Window

VERSION = 1
FIRST_BYTE = 0x10 | VERSION
"""Below 0x40, so that gossip and QUIC can share a UDP port."""
HEADER = struct.Struct(">BB8sI6s")
TAG_BYTES = 16
OVERHEAD_BYTES = HEADER.size + TAG_BYTES
GROUP_KEY_BYTES = 32
KEYS_MAX = 8
REPLAY_WINDOW = 1024
PEERS_MAX = 32_768
"""Replay windows and subkeys kept; beyond it the oldest goes, and its datagrams could be replayed."""
K = TypeVar("K")
V = TypeVar("V")
_COUNTER_BYTES = 6
_SALT_BYTES = 6


class Opened(NamedTuple):
    """A datagram that a member of this cluster sealed.

    Attributes:
        sender: Key of the member.
        epoch: Its boot when it sealed this.
        plaintext: What it said.
        is_stale: A later boot of it has been heard; nothing is remembered of this one, so it may be a replay.
    """

    sender: bytes
    epoch: int
    plaintext: bytes
    is_stale: bool


class _Subkey(NamedTuple):
    cipher: AESGCM
    salt: bytes


class Subkeys:
    """Derived keys of those who were heard; several rings of one process may share it."""

    def __init__(self) -> None:
        self._known: dict[tuple[bytes, bytes, bytes, int], _Subkey] = {}

    def derive(self, group_key: bytes, cluster: bytes, sender: bytes, epoch: int) -> _Subkey:
        """Return the subkey of one sender in one life."""
        known = self._known.get((group_key, cluster, sender, epoch))
        if known is not None:
            return known
        info = b"caxton swim 1\0" + sender + epoch.to_bytes(4, "big") + cluster
        material = HKDF(SHA256(), GROUP_KEY_BYTES + _SALT_BYTES, salt=None, info=info).derive(group_key)
        return _Subkey(AESGCM(material[:GROUP_KEY_BYTES]), material[GROUP_KEY_BYTES:])

    def keep(self, group_key: bytes, cluster: bytes, sender: bytes, epoch: int, subkey: _Subkey) -> None:
        """Remember a subkey that has opened something: forged senders must not fill the table."""
        place = (group_key, cluster, sender, epoch)
        if place not in self._known:
            _forget_oldest(self._known, PEERS_MAX - 1)
            self._known[place] = subkey


class Keyring:
    """The group keys of one node, its counter, and what it has already received.

    Args:
        cluster: Cluster id; datagrams of another cluster do not open.
        keys: One to eight keys of 32 bytes, the one to seal with first.
        subkeys: Table of derived keys to share between the rings of one process; its own by default.

    Raises:
        InvalidKey: No key, too many, or one of the wrong length.
    """

    def __init__(self, cluster: str, keys: Sequence[bytes], *, subkeys: Subkeys | None = None) -> None:
        self._cluster = cluster.encode()
        self._keys = [_checked(key) for key in keys]
        if not 1 <= len(self._keys) <= KEYS_MAX:
            raise InvalidKey(f"a key ring holds 1 to {KEYS_MAX} keys, not {len(self._keys)}")
        self._subkeys = subkeys or Subkeys()
        self._counter = 0
        self._windows: dict[bytes, tuple[int, Window]] = {}

    @property
    def keys(self) -> list[bytes]:
        """Return the keys, the one to seal with first."""
        return list(self._keys)

    def add(self, key: bytes) -> None:
        """Accept datagrams sealed with `key` too; a key that is already there changes nothing."""
        if key in self._keys:
            return
        if len(self._keys) == KEYS_MAX:
            raise InvalidKey(f"the ring is full ({KEYS_MAX} keys); remove one first")
        self._keys.append(_checked(key))

    def use(self, key: bytes) -> None:
        """Seal with `key` from now on; it must be in the ring."""
        self._keys.remove(self._held(key))
        self._keys.insert(0, key)

    def remove(self, key: bytes) -> None:
        """Stop accepting `key`; the one that seals cannot be removed."""
        if self._held(key) == self._keys[0]:
            raise InvalidKey("this key seals; use another before removing it")
        self._keys.remove(key)

    def seal(self, sender: bytes, epoch: int, plaintext: bytes) -> bytes:
        """Return the datagram: `OVERHEAD_BYTES` longer than the plaintext."""
        key = self._keys[0]
        subkey = self._subkeys.derive(key, self._cluster, sender, epoch)
        self._subkeys.keep(key, self._cluster, sender, epoch, subkey)
        self._counter += 1
        counter = self._counter.to_bytes(_COUNTER_BYTES, "big")
        header = HEADER.pack(FIRST_BYTE, _key_id(key), sender, epoch, counter)
        return header + subkey.cipher.encrypt(subkey.salt + counter, plaintext, self._cluster + header)

    def open(self, datagram: bytes) -> Opened:
        """Return sender, epoch and plaintext of a datagram that was not seen before.

        Raises:
            Unopenable: With the reason; nothing was remembered.
        """
        if len(datagram) < OVERHEAD_BYTES or datagram[0] != FIRST_BYTE:
            raise Unopenable(Drop.FOREIGN)
        _, key_id, sender, epoch, counter = HEADER.unpack_from(datagram)
        number = int.from_bytes(counter, "big")
        known_epoch, window = self._windows.get(sender, (-1, None))
        if epoch == known_epoch and window is not None and not window.is_new(number):
            raise Unopenable(Drop.REPLAYED)
        plaintext = self._decrypt(datagram, key_id, sender, epoch, counter)
        if epoch >= known_epoch:
            self._remember(sender, epoch, number, window if epoch == known_epoch else None)
        return Opened(sender, epoch, plaintext, epoch < known_epoch)

    def _remember(self, sender: bytes, epoch: int, number: int, window: Window | None) -> None:
        if window is None:
            window = Window(REPLAY_WINDOW)
            self._windows.pop(sender, None)
            _forget_oldest(self._windows, PEERS_MAX - 1)
            self._windows[sender] = (epoch, window)
        window.mark(number)

    def _decrypt(self, datagram: bytes, key_id: int, sender: bytes, epoch: int, counter: bytes) -> bytes:
        candidates = [key for key in self._keys if _key_id(key) == key_id]
        if not candidates:
            raise Unopenable(Drop.UNKNOWN_KEY)
        for key in candidates:
            subkey = self._subkeys.derive(key, self._cluster, sender, epoch)
            data, bound = datagram[HEADER.size :], self._cluster + datagram[: HEADER.size]
            try:
                plaintext = subkey.cipher.decrypt(subkey.salt + counter, data, bound)
            except InvalidTag:
                continue
            self._subkeys.keep(key, self._cluster, sender, epoch, subkey)
            return plaintext
        raise Unopenable(Drop.UNAUTHENTIC)

    def _held(self, key: bytes) -> bytes:
        if key not in self._keys:
            raise InvalidKey("the ring does not hold this key")
        return key


def _checked(key: bytes) -> bytes:
    if len(key) != GROUP_KEY_BYTES:
        raise InvalidKey(f"a group key has {GROUP_KEY_BYTES} bytes, not {len(key)}")
    return bytes(key)


def _key_id(key: bytes) -> int:
    return blake2b(key, digest_size=1, person=b"swim key id").digest()[0]


def _forget_oldest(table: dict[K, V], keep: int) -> None:
    while len(table) > keep:
        table.pop(next(iter(table)))
