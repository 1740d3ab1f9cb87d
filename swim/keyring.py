"""Seals and opens datagrams: AES-256-GCM under a ring of group keys.

    0        1       2            10      14          20
    | 0x11   | key   | sender     | epoch  | counter   | ciphertext ... | tag 16 |
    | 0x21   | 0     | sender     | epoch  | counter   | check 8 | plaintext ... |
    | kind,  | id 1  | 8 bytes    | 4      | 6         |
    | version|

Each sender encrypts under its own subkey (`subkeys.py`) and counts its datagrams up. So a nonce cannot repeat
between members or between lives, AES-GCM's limit of 2**32 messages per key with random nonces is out of
reach, and a receiver can tell a replay from the counter. The cluster id and the whole header are associated
data: clusters that share an address space by accident never mix, and a header cannot be changed on the way.

The second form is for a cluster that was told to do without encryption, or is on its way to it. Its check is
a hash over cluster id, header and contents: it keeps accidents apart (another cluster, a flipped bit, a
datagram that came twice) and stops nobody who means it.

Rejected: one key and random nonces (the limit is reached within weeks at a thousand nodes, and no replay
protection).

Source: NIST SP 800-38D section 8.3; RFC 5869; DESIGN.md, "Datagram".
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from enum import StrEnum
from hashlib import blake2b
from hmac import compare_digest
from typing import NamedTuple

from cryptography.exceptions import InvalidTag

from swim.errors import Unopenable
from swim.ring import Ring
from swim.statistics import Drop
from swim.subkeys import Subkeys, forget_oldest
from swim.window import Window

__all__ = ["OVERHEAD_BYTES", "Encryption", "Keyring", "Opened", "Subkeys"]

VERSION = 1
FIRST_BYTE = 0x10 | VERSION
"""Below 0x40, so that gossip and QUIC can share a UDP port."""
PLAIN_BYTE = 0x20 | VERSION
HEADER = struct.Struct(">BB8sI6s")
TAG_BYTES = 16
CHECK_BYTES = 8
OVERHEAD_BYTES = HEADER.size + TAG_BYTES
PLAIN_OVERHEAD_BYTES = HEADER.size + CHECK_BYTES
REPLAY_WINDOW = 1024
PEERS_MAX = 32_768
"""Replay windows kept; beyond it the oldest goes, and its datagrams could be replayed."""
_COUNTER_BYTES = 6


class Encryption(StrEnum):
    """What a node sends and what it takes; a cluster changes by one step at a time, node after node."""

    REQUIRED = "required"  # seals, and takes only what is sealed
    ACCEPT_PLAIN = "accept-plain"  # seals, and takes both
    OFF = "off"  # sends plain, and takes both


class Opened(NamedTuple):
    """A datagram that a member of this cluster sent.

    Attributes:
        sender: Key of the member.
        epoch: Its boot when it sent this.
        plaintext: What it said.
        is_stale: A later boot of it has been heard; nothing is remembered of this one, so it may be a replay.
    """

    sender: bytes
    epoch: int
    plaintext: bytes
    is_stale: bool


class Keyring:
    """The group keys of one node, its counter, and what it has already received.

    Args:
        cluster: Cluster id; datagrams of another cluster do not open.
        keys: One to eight keys of 32 bytes, the one to seal with first; or a ring.
        subkeys: Table of derived keys to share between the rings of one process; its own by default.
        encryption: Whether plain datagrams are sent or taken.

    Raises:
        InvalidKey: No key, too many, or one of the wrong length.
    """

    def __init__(
        self,
        cluster: str,
        keys: Sequence[bytes] | Ring,
        *,
        subkeys: Subkeys | None = None,
        encryption: Encryption = Encryption.REQUIRED,
    ) -> None:
        self.encryption = encryption
        self._cluster = cluster.encode()
        self._mark = blake2b(self._cluster, digest_size=32, person=b"swim plain").digest()
        self._ring = keys if isinstance(keys, Ring) else Ring(tuple(bytes(key) for key in keys))
        self._wire_ids = [_wire_id(key) for key in self._ring.keys]
        self._subkeys = subkeys or Subkeys()
        self._counter = 0
        self._windows: dict[bytes, tuple[int, Window]] = {}

    @property
    def ring(self) -> Ring:
        """Return the keys that are in force."""
        return self._ring

    @property
    def keys(self) -> list[bytes]:
        """Return the keys, the one to seal with first."""
        return list(self._ring.keys)

    def replace(self, ring: Ring) -> None:
        """Use other keys from the next datagram on; counter and replay windows belong to none and stay."""
        gone = set(self._ring.keys) - set(ring.keys)
        self._ring = ring
        self._wire_ids = [_wire_id(key) for key in ring.keys]
        for key in gone:
            self._subkeys.forget(key)

    def seal(self, sender: bytes, epoch: int, plaintext: bytes) -> bytes:
        """Return the datagram: at most `OVERHEAD_BYTES` longer than the plaintext."""
        self._counter += 1
        counter = self._counter.to_bytes(_COUNTER_BYTES, "big")
        if self.encryption is Encryption.OFF:
            header = HEADER.pack(PLAIN_BYTE, 0, sender, epoch, counter)
            return header + self._check(header, plaintext) + plaintext
        key = self._ring.keys[0]
        subkey = self._subkeys.derive(key, self._cluster, sender, epoch)
        self._subkeys.keep(key, self._cluster, sender, epoch, subkey)
        header = HEADER.pack(FIRST_BYTE, self._wire_ids[0], sender, epoch, counter)
        return header + subkey.cipher.encrypt(subkey.salt + counter, plaintext, self._cluster + header)

    def open(self, datagram: bytes) -> Opened:
        """Return sender, epoch and plaintext of a datagram that was not seen before.

        Raises:
            Unopenable: With the reason; nothing was remembered.
        """
        is_plain = self._is_plain(datagram)
        _, wire_id, sender, epoch, counter = HEADER.unpack_from(datagram)
        number = int.from_bytes(counter, "big")
        known_epoch, window = self._windows.get(sender, (-1, None))
        if epoch == known_epoch and window is not None and not window.is_new(number):
            raise Unopenable(Drop.REPLAYED)
        if is_plain:
            plaintext = self._read_plain(datagram)
        else:
            plaintext = self._decrypt(datagram, wire_id, sender, epoch, counter)
        if epoch >= known_epoch:
            self._remember(sender, epoch, number, window if epoch == known_epoch else None)
        return Opened(sender, epoch, plaintext, epoch < known_epoch)

    def _is_plain(self, datagram: bytes) -> bool:
        """Tell by the first byte; what is neither form, or must not be plain, goes no further."""
        first = datagram[0] if len(datagram) >= PLAIN_OVERHEAD_BYTES else 0
        if first == FIRST_BYTE and len(datagram) >= OVERHEAD_BYTES:
            return False
        if first != PLAIN_BYTE:
            raise Unopenable(Drop.FOREIGN)
        if self.encryption is Encryption.REQUIRED:
            raise Unopenable(Drop.PLAIN)
        return True

    def _remember(self, sender: bytes, epoch: int, number: int, window: Window | None) -> None:
        if window is None:
            window = Window(REPLAY_WINDOW)
            self._windows.pop(sender, None)
            forget_oldest(self._windows, PEERS_MAX - 1)
            self._windows[sender] = (epoch, window)
        window.mark(number)

    def _read_plain(self, datagram: bytes) -> bytes:
        header, plaintext = datagram[: HEADER.size], datagram[PLAIN_OVERHEAD_BYTES:]
        if not compare_digest(datagram[HEADER.size : PLAIN_OVERHEAD_BYTES], self._check(header, plaintext)):
            raise Unopenable(Drop.UNAUTHENTIC)
        return plaintext

    def _check(self, header: bytes, plaintext: bytes) -> bytes:
        return blake2b(header + plaintext, digest_size=CHECK_BYTES, key=self._mark).digest()

    def _decrypt(self, datagram: bytes, wire_id: int, sender: bytes, epoch: int, counter: bytes) -> bytes:
        if wire_id not in self._wire_ids:
            raise Unopenable(Drop.UNKNOWN_KEY)
        data, bound = datagram[HEADER.size :], self._cluster + datagram[: HEADER.size]
        for key, its_id in zip(self._ring.keys, self._wire_ids, strict=True):
            if its_id != wire_id:
                continue
            subkey = self._subkeys.derive(key, self._cluster, sender, epoch)
            try:
                plaintext = subkey.cipher.decrypt(subkey.salt + counter, data, bound)
            except InvalidTag:
                continue
            self._subkeys.keep(key, self._cluster, sender, epoch, subkey)
            return plaintext
        raise Unopenable(Drop.UNAUTHENTIC)


def _wire_id(key: bytes) -> int:
    return blake2b(key, digest_size=1, person=b"swim key id").digest()[0]
