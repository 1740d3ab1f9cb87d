"""The counts of calls, looked up once for each operation and not for each call."""

from __future__ import annotations

from caxton_node.observability import Board, Counter, Histogram


class Tally:
    """Counts calls and how long they take.

    Args:
        board: Where the numbers are.
    """

    def __init__(self, board: Board) -> None:
        self._board = board
        self._counters: dict[tuple[str, str], Counter] = {}
        self._durations: dict[str, Histogram] = {}

    def note(self, method: str, code: str, elapsed_s: float) -> None:
        """Count one call that has ended.

        Args:
            method: `Service/Method`, of the table.
            code: OK, CANCELLED, or the code of an error class; both are few.
            elapsed_s: How long it took.
        """
        try:
            counter, duration = self._counters[method, code], self._durations[method]
        except KeyError:
            counter, duration = self._bind(method, code)
        counter.add()
        duration.observe(elapsed_s)

    def _bind(self, method: str, code: str) -> tuple[Counter, Histogram]:
        counter = self._counters[method, code] = self._board.counter(
            "caxton_grpc_requests_total", method=method, code=code
        )
        duration = self._durations[method] = self._board.histogram(
            "caxton_grpc_request_duration_seconds", method=method
        )
        return counter, duration
