"""From a name to one of its instances: weighted rendezvous hashing over tables that are swapped whole.

Every instance of a name gets a score from the hash of (conversation, instance) and its weight; the highest
wins. The choice needs no state and no agreement, it is the same on every node, it sticks to a conversation,
and a changed weight moves only the share that must move. Canary, blue-green, pools and replicas are nothing
but such tables.

Readers never lock: a route is one tuple, swapped by one assignment.

Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998; Schindelhauer and
Schomaker, "Weighted distributed hash tables", 2005 (the logarithmic score).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import log

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import stable_hash

Watcher = Callable[[str, tuple["Target", ...], tuple["Target", ...]], None]

_MASK = (1 << 64) - 1
_SCALE = 1.0 / (1 << 64)


@dataclass(frozen=True, slots=True)
class Target:
    """One instance that a route may choose.

    Attributes:
        instance: `name#version.n@node`.
        node: Where it runs.
        weight: Relative share, at least 0; 0 takes no new conversations.
    """

    instance: str
    node: str
    weight: int = 1
    seed: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Check the weight and hash the instance once, since every choice needs the hash."""
        if self.weight < 0:
            raise InvalidArgument(f"weight {self.weight} of {self.instance} is negative")
        object.__setattr__(self, "seed", stable_hash(self.instance))


@dataclass(frozen=True, slots=True)
class Shadow:
    """An instance that gets copies of what a name gets; what it says reaches nobody.

    Attributes:
        target: The instance; its weight does not matter.
        share: Part of the conversations that it sees, above 0 and at most 1.
    """

    target: Target
    share: float = 1.0

    def __post_init__(self) -> None:
        """Check the share."""
        if not 0 < self.share <= 1:
            raise InvalidArgument(
                f"share {self.share} of shadow {self.target.instance} is out of range",
                why="it is part of the conversations: above 0 and at most 1",
            )

    def sees(self, key: str) -> bool:
        """Tell whether a conversation belongs to its share; that never changes while the share stays."""
        return self.share >= 1 or _spread(stable_hash(key) ^ self.target.seed) < self.share


class RouteTable:
    """Names and where their messages go."""

    def __init__(self) -> None:
        self._routes: dict[str, tuple[Target, ...]] = {}
        self._shadows: dict[str, tuple[Shadow, ...]] = {}
        self._listeners: list[Callable[[], None]] = []
        self._watchers: list[Watcher] = []

    def replace(self, name: str, targets: Iterable[Target]) -> None:
        """Set the whole route of a name at once; without targets the name is unknown from now on.

        Args:
            name: `tenant/name`.
            targets: The instances; those of weight 0 are kept but not chosen.
        """
        route = tuple(targets)
        for watcher in self._watchers:
            watcher(name, self._routes.get(name, ()), route)
        if route:
            self._routes[name] = route
        else:
            self._routes.pop(name, None)
        for listener in self._listeners:
            listener()

    def shadow(self, name: str, shadows: Iterable[Shadow]) -> None:
        """Set all instances that see copies of what a name gets; none ends the tap.

        Args:
            name: `tenant/name`.
            shadows: Instances of any name, on any node.
        """
        taps = tuple(shadows)
        if taps:
            self._shadows[name] = taps
        else:
            self._shadows.pop(name, None)
        for listener in self._listeners:
            listener()

    def shadows(self, name: str) -> tuple[Shadow, ...]:
        """Return who sees copies of what a name gets."""
        return self._shadows.get(name, ())

    def before_change(self, watcher: Watcher) -> None:
        """Call `watcher(name, old, new)` before every replacement, on the thread that replaces."""
        self._watchers.append(watcher)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every replacement, on the thread that replaces."""
        self._listeners.append(listener)

    def names(self) -> list[str]:
        """List the names that have a route, sorted."""
        return sorted(self._routes)

    def targets(self, name: str) -> tuple[Target, ...]:
        """Return the route of a name; empty when it has none."""
        return self._routes.get(name, ())

    def resolve(self, name: str, key: str) -> Target | None:
        """Choose the instance for a message.

        Args:
            name: `tenant/name`.
            key: What the choice sticks to: the conversation id, or the sender when there is none.
        """
        return choose(self._routes.get(name, ()), key)


def choose(targets: tuple[Target, ...], key: str) -> Target | None:
    """Return the target with the highest score for this key; None when there is none with a weight."""
    if len(targets) == 1:
        return targets[0] if targets[0].weight else None
    hashed = stable_hash(key)
    best, best_score = None, -1.0
    for target in targets:
        if target.weight:
            score = -target.weight / log(_spread(hashed ^ target.seed))
            if score > best_score:
                best, best_score = target, score
    return best


def _spread(bits: int) -> float:
    """Mix 64 bits (the finaliser of splitmix64) and return them as a number strictly between 0 and 1."""
    bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 & _MASK
    bits = (bits ^ bits >> 27) * 0x94D049BB133111EB & _MASK
    bits ^= bits >> 31
    return ((bits >> 11 << 11) + 1024) * _SCALE
