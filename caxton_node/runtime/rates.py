"""Rates that are kept by waiting: a bucket that may go into debt and says how long to rest. Pure.

A guest cannot be stopped in the middle of a call and go on later, so what it uses in a call is known only
afterwards. The bucket therefore lends: the call ends, and the next one waits until the debt is paid. Over any
longer time the rate holds; a burst of one second's worth is free.
"""

from __future__ import annotations


class Rate:
    """A token bucket with debt.

    Args:
        per_s: Tokens that come each second; 0 stands for no limit.
        now: Monotonic instant of its birth; it starts full.
    """

    __slots__ = ("_filled_at", "_tokens", "per_s")

    def __init__(self, per_s: float, now: float) -> None:
        self.per_s = per_s
        self._tokens = float(per_s)
        self._filled_at = now

    def change(self, per_s: float, now: float) -> None:
        """Keep another rate from now on; what came until now came at the old one.

        What is owed stays owed, but who is given a higher rate owes at most a second of it: a debt that was
        made at the old rate would hold back the relief for as long as the old one took.
        """
        old = self.per_s
        tokens = min(old, self._tokens + (now - self._filled_at) * old) if old else per_s
        self.per_s = per_s
        self._filled_at = now
        self._tokens = min(max(tokens, -per_s) if per_s > old else tokens, per_s)

    def spend(self, tokens: float, now: float) -> float:
        """Take tokens that were used already.

        Returns:
            Seconds that the owner must wait before it may use more; 0 while there is no debt.
        """
        per_s = self.per_s
        if not per_s:
            return 0.0
        left = min(per_s, self._tokens + (now - self._filled_at) * per_s) - tokens
        self._tokens, self._filled_at = left, now
        return 0.0 if left >= 0 else -left / per_s
