"""Whether one more call may come in."""

from __future__ import annotations

from caxton_node.resilience.rates import Rate


class Limits:
    """Counts calls by client and class."""

    def admit(self, client: str, rate: Rate) -> dict[str, str]:  # noqa: ARG002  every class is free so far
        """Let a call in, or not.

        Returns:
            Headers for the answer: what is left of the limit.

        Raises:
            RateLimited: The client has used up what it may do; nothing was done.
        """
        return {}
