"""Where the messages for a name went from this node, and by which routes: what must be clear before a change.

A name is remembered from its first message that takes the long way; the fast ones behind it go where that one
went (`destinations.direct`). The memory is bounded: the longest known name is forgotten first, and then a
change of its route is not fenced.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Lock

from caxton_node.messaging.routes import Target, choose

NAMES_MAX = 65_536
ROUTES_MAX = 8

Route = tuple[Target, ...]


@dataclass(slots=True)
class Trail:
    """What is known of one name.

    Attributes:
        nodes: Where messages went.
        asked: Where messages went before these nodes were asked whether they are through.
        routes: The routes that were in force meanwhile, the latest last.
        is_whole: Whether no such route was forgotten.
    """

    nodes: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    routes: list[Route] = field(default_factory=list)
    is_whole: bool = True

    def copy(self) -> Trail:
        """Return one that stays as this is now."""
        return Trail(self.everywhere, set(), list(self.routes), self.is_whole)

    @property
    def everywhere(self) -> set[str]:
        """Return where messages may still be on their way, as a new set."""
        return self.nodes | self.asked

    def may_lead(self, key: str, onward: str) -> bool:
        """Return whether earlier messages of a conversation may have gone to another node than this one."""
        others = self.nodes - {onward}
        if not others:
            return False
        if not self.is_whole:
            return True
        chosen = (choose(route, key) for route in self.routes)
        return any(target is not None and target.node in others for target in chosen)


class Trails:
    """The trails of a node; any thread may note, the event loop does all else."""

    def __init__(self) -> None:
        self._trails: dict[str, Trail] = {}
        self._lock = Lock()

    def note(self, name: str, node: str) -> None:
        """Note that a message for a name goes to a node."""
        trail = self._trails.get(name)
        if trail is None or node not in trail.nodes:
            with self._lock:
                self._get(name).nodes.add(node)

    def find(self, name: str) -> Trail | None:
        """Return the trail of a name, None if nothing is known to be on its way."""
        trail = self._trails.get(name)
        return trail if trail is not None and (trail.nodes or trail.asked) else None

    def add_route(self, name: str, route: Route) -> None:
        """Note that a route was in force until now, for a name that has a trail."""
        trail = self.find(name)
        if trail is None or not route or route in trail.routes:
            return
        trail.routes.append(route)
        if len(trail.routes) > ROUTES_MAX:
            del trail.routes[0]
            trail.is_whole = False

    def begin_asking(self, name: str, node: str) -> None:
        """Tell apart what went to a node until now from what goes there afterwards."""
        with self._lock:
            trail = self._trails.get(name)
            if trail is not None and node in trail.nodes:
                trail.nodes.discard(node)
                trail.asked.add(node)

    def end_asking(self, name: str, node: str, *, is_clear: bool) -> None:
        """Note whether what went to a node before it was asked is through."""
        with self._lock:
            trail = self._trails.get(name)
            if trail is None or node not in trail.asked:
                return
            trail.asked.discard(node)
            if not is_clear:
                trail.nodes.add(node)
            elif not trail.nodes and not trail.asked:
                del self._trails[name]

    def nodes(self, name: str) -> set[str]:
        """Return the nodes to which messages for a name went, for the caller to keep."""
        with self._lock:
            trail = self._trails.get(name)
            return trail.everywhere if trail is not None else set()

    def _get(self, name: str) -> Trail:
        trail = self._trails.get(name)
        if trail is None:
            if len(self._trails) >= NAMES_MAX:
                del self._trails[next(iter(self._trails))]
            trail = self._trails[name] = Trail()
        return trail
