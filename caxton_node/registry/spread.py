"""How fresh changes leave a node: small and few by gossip, else by pages to peers.

Gossip reaches everybody without a connection, but shares its datagrams with membership: a burst (a node
that starts with thousands of agents) would delay the news of deaths. Whoever is reached by neither learns
it at the next comparison.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from caxton_node.registry.entry import Entry, paginate

GOSSIP_PAYLOADS_MAX = 8
PUSH_PEERS_MAX = 16


@dataclass(frozen=True, slots=True)
class Spread:
    """What to send.

    Attributes:
        broadcasts: Payloads for gossip.
        pages: Pages to push to each of `peers`.
        peers: Who gets the pages.
    """

    broadcasts: tuple[bytes, ...] = ()
    pages: tuple[bytes, ...] = ()
    peers: tuple[str, ...] = ()


def plan_spread(
    entries: Sequence[Entry], *, others: Sequence[str], gossip_bytes_max: int, rng: random.Random
) -> Spread:
    """Decide how changed entries leave.

    Args:
        entries: What changed here.
        others: Alive nodes, this one not among them.
        gossip_bytes_max: Largest payload of a broadcast.
        rng: Chooses peers when there are more than `PUSH_PEERS_MAX`.
    """
    if not others or not entries:
        return Spread()
    small = list(paginate(entries, gossip_bytes_max))
    if len(small) <= GOSSIP_PAYLOADS_MAX and all(len(payload) <= gossip_bytes_max for payload in small):
        return Spread(broadcasts=tuple(small))
    peers = others if len(others) <= PUSH_PEERS_MAX else rng.sample(list(others), PUSH_PEERS_MAX)
    return Spread(pages=tuple(paginate(entries)), peers=tuple(peers))
