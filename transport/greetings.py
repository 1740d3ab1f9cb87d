"""What this node says of itself to each peer, what it accepts from one, and what it remembers of it."""

from __future__ import annotations

import time
from collections import OrderedDict

from transport.errors import PeerRefused
from transport.faults import EndReason
from transport.messages import PROTOCOL_VERSION, Greeting
from transport.peer import Peer
from transport.session import Inbound
from transport.settings import Settings

_MEMORY_MAX = 4096


class Greetings:
    """Makes and checks greetings.

    Args:
        node_id: This node.
        cluster: Its cluster.
        epoch: Boot counter of this node.
        settings: Windows that are granted.
    """

    def __init__(self, *, node_id: str, cluster: str, epoch: int, settings: Settings) -> None:
        self.node_id = node_id
        self._cluster = cluster
        self._epoch = epoch
        self._settings = settings
        self._memory: OrderedDict[str, Inbound] = OrderedDict()

    def ours(self, peer: Peer, received: list[int] | None = None) -> Greeting:
        """Return our greeting for a peer.

        Args:
            peer: Whom we greet.
            received: For a WELCOME: what was received of the session that the peer's HELLO names.
        """
        return Greeting(
            version=PROTOCOL_VERSION,
            cluster=self._cluster,
            node_id=self.node_id,
            epoch=self._epoch,
            session=peer.session.number,
            first=peer.session.first_sequences(),
            window_bytes=self._settings.window_bytes,
            bulk_window_bytes=self._settings.bulk_window_bytes,
            frame_bytes_max=self._settings.frame_bytes_max,
            received=received,
            granted_bytes=peer.granted_bytes,
            sent_at_us=time.time_ns() // 1000,
            unpacks=True,
        )

    def check(self, proved: str, theirs: Greeting) -> None:
        """Make sure that a greeting fits this cluster, this certificate, and what is known of the peer.

        Args:
            proved: The node that the certificate names.
            theirs: What it says of itself.

        Raises:
            PeerRefused: It does not.
        """
        if theirs.version != PROTOCOL_VERSION:
            raise PeerRefused(EndReason.VERSION_MISMATCH, f"{theirs.version}, ours is {PROTOCOL_VERSION}")
        if theirs.cluster != self._cluster:
            raise PeerRefused(EndReason.OTHER_CLUSTER, f"it greets from {theirs.cluster!r}")
        if theirs.node_id != proved or proved == self.node_id:
            raise PeerRefused(
                EndReason.WRONG_NODE, f"it greets as {theirs.node_id!r}, its certificate is {proved!r}"
            )
        known = self._memory.get(proved)
        if known is not None and (theirs.epoch, theirs.session) < (known.epoch, known.session):
            raise PeerRefused(EndReason.STALE_EPOCH, f"epoch {theirs.epoch}, known is {known.epoch}")

    def find(self, theirs: Greeting) -> Inbound | None:
        """Return what was received of the session that a greeting names, None when nothing is known of it."""
        known = self._memory.get(theirs.node_id)
        same = known is not None and (known.epoch, known.session) == (theirs.epoch, theirs.session)
        return known if same else None

    def received(self, theirs: Greeting) -> list[int] | None:
        """Return the last sequence received on each lane of that session, None when it is not known."""
        known = self.find(theirs)
        return known.received if known is not None else None

    def remember(self, theirs: Greeting) -> Inbound:
        """Return what was received of the session, which is begun when it is new.

        It outlives links and even `Connections.drop`, within a bound.
        """
        known = self.find(theirs)
        if known is None:
            known = self._memory[theirs.node_id] = Inbound(theirs.epoch, theirs.session, theirs.first)
        self._memory.move_to_end(theirs.node_id)
        if len(self._memory) > _MEMORY_MAX:
            self._memory.popitem(last=False)
        return known

    def is_older(self, node_id: str, epoch: int) -> bool:
        """Say whether what we know of a node is of a process before the one with this boot counter."""
        known = self._memory.get(node_id)
        return known is not None and known.epoch < epoch
