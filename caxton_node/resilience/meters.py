"""What every client has used, and whether it may call once more."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import NamedTuple

from caxton_node.core.errors import RateLimited
from caxton_node.resilience.limit_book import NODE, LimitBook, Scope, kind_of
from caxton_node.resilience.rate_limit import Allowance, Bucket
from caxton_node.resilience.visitor import ANONYMOUS, LOCAL, Visitor


class Meters:
    """Buckets of clients, and of the node.

    Args:
        book: Which limits there are.
        clients_max: Buckets that are kept of clients, and as many of addresses; the one that was not used for
            longest goes, which by then is mostly full again.

    Attributes:
        refused: Calls that were refused, by kind of limit and class of calls.
    """

    def __init__(self, book: LimitBook, clients_max: int) -> None:
        self.refused: Counter[tuple[Scope, str]] = Counter()
        self._book = book
        self._max = clients_max
        self._node = Bucket(book.node)
        # Apart, so that no flood of addresses makes the node forget what its clients have used.
        self._clients: OrderedDict[tuple[str, str], Bucket] = OrderedDict()
        self._strangers: OrderedDict[tuple[str, str], Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Return how many buckets are kept."""
        return len(self._clients) + len(self._strangers)

    def charge(
        self, visitor: Visitor, rate: str, operation: str, now: float, headers: dict[str, str]
    ) -> None:
        """Count a call of the client and of the node, or of neither.

        Args:
            visitor: Who calls.
            rate: The class of the operation.
            operation: `Service/Method`.
            now: Monotonic instant.
            headers: Gets what the answer shall say, on a refusal too.

        Raises:
            RateLimited: One of them has used up what it may do; nothing was counted.
        """
        scope, allowance = self._book.find(visitor, rate, operation)
        own = self._bucket(visitor, scope, allowance) if allowance.interval_s else None
        node = self._node_bucket() if visitor.standing != LOCAL else None
        if own is not None and (wait_s := own.wait_s(now)):
            raise self._refusal(_Spent(visitor, scope, own, wait_s), rate, now, headers)
        if node is not None and (wait_s := node.wait_s(now)):
            raise self._refusal(_Spent(visitor, NODE, node, wait_s), rate, now, headers)
        if node is not None:
            node.take(now)
        if own is not None:
            own.take(now)
            own.write_headers(headers, now)

    def _bucket(self, visitor: Visitor, scope: str, allowance: Allowance) -> Bucket:
        shelf = self._strangers if visitor.standing == ANONYMOUS else self._clients
        key = (visitor.name, scope)
        bucket = shelf.get(key)
        if bucket is None:
            bucket = shelf[key] = Bucket(allowance)
            if len(shelf) > self._max:
                shelf.popitem(last=False)
        else:
            shelf.move_to_end(key)
            if bucket.allowance is not allowance:  # it was changed; what was used stays used
                bucket.allowance = allowance
        return bucket

    def _node_bucket(self) -> Bucket | None:
        allowance = self._book.node
        self._node.allowance = allowance
        return self._node if allowance.interval_s else None

    def _refusal(self, spent: _Spent, rate: str, now: float, headers: dict[str, str]) -> RateLimited:
        self.refused[kind_of(spent.scope), rate] += 1
        error = spent.error()
        spent.bucket.write_headers(headers, now)
        headers["X-RateLimit-Remaining"] = "0"
        headers["Retry-After"] = error.retry_after
        return error


class _Spent(NamedTuple):
    """A limit that is used up."""

    visitor: Visitor
    scope: str
    bucket: Bucket
    wait_s: float

    def error(self) -> RateLimited:
        """Return what the caller is told."""
        who = "this node" if self.scope == NODE else self.visitor.name
        return RateLimited(
            f"{who} has used up its calls",
            why=f"the limit {self.scope} is {self.bucket.allowance}",
            hint=f"try again in {self.wait_s:.3g} s; caxton limit list shows what is allowed",
            retry_after_s=self.wait_s,
        )
