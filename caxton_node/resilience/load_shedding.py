"""Refusing some work so that the rest gets done, when the event loop comes late.

Intuition: everything that a node does for its callers waits in one queue, that of its event loop. How late
a timer rings is how long that queue is, whatever filled it: calls, agents, a disk, a neighbour on the same
machine. Watching it needs no guess of how much a call costs.

    rule:   lag = the lateness of a timer that rings ten times a second, smoothed over about a second
            lag >= shed_lag_s        reads and watches are refused: nothing is lost, they can be asked again
            lag >= 3 * shed_lag_s    writes, deployments and messages too
            never                    health, and whoever comes by the local socket

One late timer is no overload (a large module was loaded, the machine was suspended), so lateness is smoothed,
and a single one is taken for two seconds at most.

Rejected: a bound on calls per second knows nothing of what they cost; CPU load does not tell a busy node from
one that is late; CoDel on a queue of our own needs a queue, and gRPC and HTTP have none to look at.

Source: story 030 (graceful degradation); M. Nygard, Release It!, 2018, "Shed Load".
"""

from __future__ import annotations

from caxton_node.core.errors import Overloaded
from caxton_node.resilience.rates import Rate
from caxton_node.resilience.visitor import LOCAL, Visitor

PAUSE_S = 0.1
"""Time between two rings of the timer."""
SMOOTHING = 0.15
LATE_MAX_S = 2.0
FIRM = 3.0
"""So many times later, and nothing is taken any more."""
NEVER_REFUSED = frozenset({"CaxtonManagement/Health"})
_LIGHT = frozenset({Rate.READ, Rate.WATCH})


class LoadShedder:
    """Judges by how late the event loop is.

    Args:
        shed_lag_s: From which lag on reads and watches are refused; 0 refuses nothing ever.

    Attributes:
        lag_s: How late the loop is, smoothed.
        is_late: So late that something is refused.
        refused: Calls that were refused.
    """

    def __init__(self, shed_lag_s: float) -> None:
        self.lag_s = 0.0
        self.is_late = False
        self.refused = 0
        self._shed_lag_s = shed_lag_s

    def note(self, late_s: float) -> None:
        """Take in how late the timer was this time."""
        late_s = min(max(late_s, 0.0), LATE_MAX_S)
        self.lag_s += SMOOTHING * (late_s - self.lag_s)
        self.is_late = 0 < self._shed_lag_s <= self.lag_s

    def check(self, visitor: Visitor, rate: str, operation: str) -> None:
        """Let a call pass unless the node is too late for its kind.

        Raises:
            Overloaded: It should come again later, or ask another node.
        """
        lag_s = self.lag_s
        if not self.is_late or visitor.standing == LOCAL or operation in NEVER_REFUSED:
            return
        if rate in _LIGHT or lag_s >= FIRM * self._shed_lag_s:
            self.refused += 1
            raise Overloaded(
                "this node has too much to do",
                why=f"its event loop is {lag_s:.1f} s late",
                hint="try again in a few seconds, or ask another node",
            )
