"""Whether one more call may come in.

    shed load -> calls at once -> calls in time

Whoever is refused at one of the three has used up nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic

from caxton_node.core.errors import RateLimited
from caxton_node.resilience.limit_book import LimitBook
from caxton_node.resilience.load_shedding import LoadShedder
from caxton_node.resilience.meters import Meters
from caxton_node.resilience.occupancy import Occupancy, Visit
from caxton_node.resilience.rate_limit import Allowance
from caxton_node.resilience.settings import Settings
from caxton_node.resilience.visitor import Visitor


class Limits:
    """Counts calls; to be used on one thread.

    Args:
        settings: What may be done.
        now: Monotonic time in seconds.

    Attributes:
        settings: As given.
        shedder: Knows how late the event loop is.
        occupancy: Calls under way.
        meters: Calls in time.
    """

    def __init__(self, settings: Settings | None = None, now: Callable[[], float] = monotonic) -> None:
        self.settings = settings or Settings()
        self._book = LimitBook(self.settings.allowances)
        self._now = now
        self.shedder = LoadShedder(self.settings.shed_lag_s)
        self.occupancy = Occupancy(self.settings)
        self.meters = Meters(self._book, self.settings.clients_max)

    @property
    def in_force(self) -> Mapping[str, Allowance]:
        """Return the limits for everybody, by scope."""
        return self._book.in_force

    def use(self, shared: Mapping[str, Allowance]) -> None:
        """Take what operators have set, by `scope` or `scope@client`; calls so far stay counted."""
        self._book.use(shared)

    def admit(
        self, visitor: Visitor, rate: str, operation: str, *, streams: bool, headers: dict[str, str]
    ) -> Visit:
        """Let a call in, or not.

        Args:
            visitor: Who calls.
            rate: The class of the operation.
            operation: `Service/Method`.
            streams: Its answers keep coming.
            headers: Gets what the answer shall say besides its body, on a refusal too.

        Returns:
            The visit, which must `leave` when the call is over.

        Raises:
            RateLimited: The client, or the node, has used up what it may do.
            ResourceLimit: Too many calls are under way.
            Overloaded: The node is too late for calls of this class. In every case nothing was counted.
        """
        if self.shedder.is_late:
            self.shedder.check(visitor, rate, operation)
        visit = self.occupancy.enter(visitor, streams=streams)
        try:
            self.meters.charge(visitor, rate, operation, now=self._now(), headers=headers)
        except RateLimited:
            visit.leave()
            raise
        return visit
