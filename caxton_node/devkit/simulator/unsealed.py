"""A key ring that seals nothing: the same bytes on the wire for a fraction of the work and memory.

A real ring encrypts, and keeps a replay window for each sender it has heard: after an hour at ten thousand
nodes that is a hundred million windows. Here the tag is a constant that only those with the same cluster id
and key know, and a replay is found among the datagrams received last. Sizes, and what happens in a run,
are the same as with the real ring; only what an attacker could do is not.
"""

from __future__ import annotations

from collections import deque
from hashlib import blake2b

from swim.errors import Unopenable
from swim.keyring import HEADER, OVERHEAD_BYTES, TAG_BYTES, Keyring, Opened
from swim.statistics import Drop

FIRST_BYTE = 0x3F
"""No form of the real protocol; still below 0x40."""
RECENT_MAX = 64
"""Datagrams remembered against replay; copies in a simulation follow each other closely."""


class UnsealedKeyring(Keyring):
    """Frames datagrams as a real ring does, and leaves their contents readable."""

    def __init__(self, cluster: str, key: bytes) -> None:
        super().__init__(cluster, [key])
        self._tag = blake2b(cluster.encode(), key=key, digest_size=TAG_BYTES).digest()
        self._sent = 0
        self._recent: deque[bytes] = deque(maxlen=RECENT_MAX)

    def seal(self, sender: bytes, epoch: int, plaintext: bytes) -> bytes:
        """Return the datagram, as long as a sealed one."""
        self._sent += 1
        header = HEADER.pack(FIRST_BYTE, 0, sender, epoch, self._sent.to_bytes(6, "big"))
        return header + plaintext + self._tag

    def open(self, datagram: bytes) -> Opened:
        """Return sender, epoch and plaintext of a datagram of this cluster.

        Raises:
            Unopenable: With the reason; nothing was remembered.
        """
        if len(datagram) < OVERHEAD_BYTES or datagram[0] != FIRST_BYTE:
            raise Unopenable(Drop.FOREIGN)
        if not datagram.endswith(self._tag):
            raise Unopenable(Drop.UNAUTHENTIC)
        header = datagram[: HEADER.size]
        if header in self._recent:
            raise Unopenable(Drop.REPLAYED)
        self._recent.append(header)
        epoch = int.from_bytes(datagram[10:14], "big")
        return Opened(datagram[2:10], epoch, datagram[HEADER.size : -TAG_BYTES], is_stale=False)
