"""Which limit a call counts against.

Every call counts against the node's own limit and against one of its client's: the most specific that there
is. That of its operation, else of its class of calls, else the one for all calls of a client; and of each,
the one that was set for this very client before the one for everybody. So a limit takes the place of those
above it, and an operator can be stricter or more generous with one operation or one client and leave the rest
alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from caxton_node.resilience.rate_limit import UNLIMITED, Allowance
from caxton_node.resilience.rates import Rate
from caxton_node.resilience.visitor import ANONYMOUS, LOCAL, Visitor

NODE = "node"
SEPARATOR = "@"


class Scope(StrEnum):
    """What kind of limit it is; a label of the metric."""

    NODE = "node"
    CLIENT = "client"
    CLASS = "class"
    OPERATION = "operation"
    ANONYMOUS = "anonymous"
    LOCAL = "local"


_CLASSES = frozenset(map(str, Rate))
_FIXED = frozenset(map(str, Scope)) - {"class", "operation"}


def kind_of(scope: str) -> Scope:
    """Return what kind of limit a scope names: one of the fixed ones, a class, or an operation."""
    if scope in _CLASSES:
        return Scope.CLASS
    return Scope(scope) if scope in _FIXED else Scope.OPERATION


class LimitBook:
    """The limits in force: those of the configuration, and in their place those that operators have set.

    Args:
        defaults: By scope.

    Attributes:
        node: What all clients together may do.
    """

    def __init__(self, defaults: Mapping[str, Allowance]) -> None:
        self._defaults = dict(defaults)
        self._all = dict(defaults)
        self._own: dict[str, dict[str, Allowance]] = {}
        self._ways: dict[tuple[str, str, str], tuple[str, Allowance]] = {}  # as many as the table has rows
        self.node = self._all.get(NODE, UNLIMITED)

    @property
    def in_force(self) -> Mapping[str, Allowance]:
        """Return the limits for everybody, by scope."""
        return self._all

    def use(self, shared: Mapping[str, Allowance]) -> None:
        """Take what operators have set, by `scope` or `scope@client`; what they had set before is gone."""
        self._all = dict(self._defaults)
        self._own, self._ways = {}, {}
        for name, allowance in shared.items():
            scope, _, client = name.partition(SEPARATOR)
            into = self._own.setdefault(client, {}) if client else self._all
            into[scope] = allowance
        self.node = self._all.get(NODE, UNLIMITED)

    def find(self, visitor: Visitor, rate: str, operation: str) -> tuple[str, Allowance]:
        """Return the scope and the allowance that a call counts against."""
        if visitor.name in self._own:
            return self._search(self._own[visitor.name], visitor.standing, rate, operation)
        way = visitor.standing, rate, operation
        found = self._ways.get(way)
        if found is None:
            found = self._ways[way] = self._search({}, *way)
        return found

    def _search(
        self, own: Mapping[str, Allowance], standing: str, rate: str, operation: str
    ) -> tuple[str, Allowance]:
        scopes: tuple[str, ...] = (operation, rate, standing)
        if standing == LOCAL:  # what is set for an operation must not keep the operator out
            scopes = (LOCAL,)
        elif standing == ANONYMOUS:
            scopes = (operation, ANONYMOUS)
        for scope in scopes:
            for limits in (own, self._all):
                if scope in limits:
                    return scope, limits[scope]
        return standing, UNLIMITED
