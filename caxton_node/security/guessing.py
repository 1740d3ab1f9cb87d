"""Slows down who guesses credentials, by where it calls from.

Intuition: a person mistypes twice, a program tries for ever. Rule: a source has a score that each failure
raises by one and that halves every `HALF_LIFE_S`. Beyond `free` failures it must wait before it is judged
again, twice as long for each further one, up to `WAIT_S_MAX`. Nothing resets the score but time: whoever has
one good credential could else go on guessing others. Only the source waits; the same credential shown from
elsewhere is good.

An IPv6 caller has 2^64 addresses at least, so those are counted by their network. The table is bounded: when
it is full, the source that failed longest ago is forgotten.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from ipaddress import ip_address

FREE = 10
HALF_LIFE_S = 60.0
WAIT_S = 1.0
WAIT_S_MAX = 60.0
SOURCES_MAX = 10_000
_NETWORK_BITS = 64
_DOUBLINGS_MAX = 30


@dataclass(slots=True)
class _Source:
    """What is known of one source.

    Attributes:
        score: Failures, the older ones for less.
        scored_at: When that was the score.
        free_at: When it may be judged again.
        failures: Since it is known, for the log.
    """

    score: float = 0.0
    scored_at: float = 0.0
    free_at: float = 0.0
    failures: int = 0


class Guesses:
    """Failures by source.

    Args:
        free: Failures that cost nothing.
    """

    def __init__(self, free: int = FREE) -> None:
        self._free = free
        self._sources: OrderedDict[str, _Source] = OrderedDict()

    def __len__(self) -> int:
        """Return how many sources are known."""
        return len(self._sources)

    def wait_s(self, source: str, now: float) -> float:
        """Return how long a source must wait before it is judged again; 0 if it need not."""
        found = self._sources.get(network_of(source))
        return 0.0 if found is None else max(0.0, found.free_at - now)

    def note_failure(self, source: str, now: float) -> int:
        """Count a failure; return how many there were since the source is known."""
        key = network_of(source)
        found = self._sources.setdefault(key, _Source(scored_at=now))
        found.score = found.score * 0.5 ** ((now - found.scored_at) / HALF_LIFE_S) + 1
        found.scored_at = now
        found.failures += 1
        over = found.score - self._free
        if over > 0:
            found.free_at = now + min(WAIT_S_MAX, WAIT_S * 2 ** min(over, _DOUBLINGS_MAX))
        self._sources.move_to_end(key)
        if len(self._sources) > SOURCES_MAX:
            self._sources.popitem(last=False)
        return found.failures


def network_of(source: str) -> str:
    """Return what a source is counted by: its address, and of IPv6 the network that one caller has.

    Args:
        source: An address as surfaces write it, `127.0.0.1`, `ipv4:127.0.0.1`, `ipv6:%5B::1%5D`; or a word.
    """
    text = source.replace("%5B", "[").replace("%5D", "]")
    text = text.removeprefix("ipv4:").removeprefix("ipv6:").strip("[]").partition("%")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return source[:64]
    if address.version == 4:
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return f"{address.packed[: _NETWORK_BITS // 8].hex()}/{_NETWORK_BITS}"
