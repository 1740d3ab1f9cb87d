"""/metrics for Prometheus, /health and /ready for whoever restarts or routes to this node.

A thread of its own: when the event loop hangs, the operator must still be told so.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import accumulate, groupby
from socket import socket
from socketserver import TCPServer
from threading import BoundedSemaphore, Thread
from typing import Any, TypeAlias

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from caxton_node.core.errors import LocalError, PortInUse
from caxton_node.observability.board import Board, HistogramValue, Reading
from caxton_node.observability.instruments import BY_NAME, Instrument, Kind

CONNECTIONS_MAX = 16
_REQUEST_TIMEOUT_S = 5.0
_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


Answer: TypeAlias = tuple[int, Mapping[str, Any]]


class BoardCollector(Collector):
    """Shows a board in Prometheus' own terms."""

    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterator[Metric]:
        """Yield each metric of the table that has a series, with all its series."""
        for name, readings in groupby(self._board.read(), key=lambda one: one.name):
            yield _family(BY_NAME[name], list(readings))


class PrometheusExporter:
    """Serves the board over plain HTTP.

    Args:
        board: What to show.
        probe: Answers `health` (is this process sound?) and `ready` (should it get work now?) by an HTTP
            status and a text for JSON. Run on the exporter's threads, so it only reads.
    """

    def __init__(self, board: Board, probe: Callable[[str], Answer]) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._registry.register(BoardCollector(board))
        ProcessCollector(registry=self._registry)
        self._pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/metrics": self._metrics_page,
            "/health": lambda: _probe_page(probe("health")),
            "/ready": lambda: _probe_page(probe("ready")),
        }
        self._server: _Server | None = None

    @property
    def paths(self) -> Collection[str]:
        """Return what is served."""
        return self._pages.keys()

    def open(self, host: str, port: int) -> int:
        """Start serving and return the port; 0 picks a free one.

        Raises:
            PortInUse: Another process holds the address.
            LocalError: The address cannot be listened on.
        """
        try:
            self._server = _Server((host, port), _handler_for(self._pages))
        except OSError as err:
            raise _cannot_listen(host, port, err) from err
        Thread(target=self._server.serve_forever, args=(0.1,), name="metrics", daemon=True).start()
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop serving; safe to call twice."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def _metrics_page(self) -> tuple[int, str, bytes]:
        return 200, _CONTENT_TYPE, generate_latest(self._registry)


class _Server(ThreadingHTTPServer):
    """At most `CONNECTIONS_MAX` connections at once; further ones are closed unanswered."""

    daemon_threads = True
    request_queue_size = 2 * CONNECTIONS_MAX

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self._room = BoundedSemaphore(CONNECTIONS_MAX)
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """Bind without asking DNS for this host's full name, as the base class would."""
        TCPServer.server_bind(self)

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ANN401 - as in the base class
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away in the middle of an answer."""


def _handler_for(pages: dict[str, Callable[[], tuple[int, str, bytes]]]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _REQUEST_TIMEOUT_S
        server_version = "caxton"
        sys_version = ""

        def do_GET(self) -> None:
            page = pages.get(self.path.partition("?")[0])
            status, kind, body = page() if page else (404, "text/plain", b"/metrics /health /ready\n")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as in the base class
            """Write nothing: a scrape every few seconds is no news."""

    return Handler


def _probe_page(answer: Answer) -> tuple[int, str, bytes]:
    status, body = answer
    return status, "application/json", json.dumps(body).encode() + b"\n"


def _family(row: Instrument, readings: Sequence[Reading]) -> Metric:
    if row.kind is Kind.HISTOGRAM:
        return _histogram_family(row, readings)
    kind = CounterMetricFamily if row.kind is Kind.COUNTER else GaugeMetricFamily
    family = kind(row.name.removesuffix("_total"), row.help, labels=row.labels)
    for one in readings:
        assert not isinstance(one.value, HistogramValue)
        family.add_metric(one.labels, one.value)
    return family


def _histogram_family(row: Instrument, readings: Sequence[Reading]) -> Metric:
    family = HistogramMetricFamily(row.name, row.help, labels=row.labels)
    for one in readings:
        assert isinstance(one.value, HistogramValue)
        bounds = [*(f"{bound:.12g}" for bound in one.value.bounds), "+Inf"]
        family.add_metric(
            one.labels, list(zip(bounds, accumulate(one.value.counts), strict=True)), one.value.total
        )
    return family


def _cannot_listen(host: str, port: int, error: OSError) -> LocalError:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(
            f"port {port} on {host} is taken",
            why="another process listens there",
            hint="set metrics.port to another one, or metrics.enabled to false",
        )
    return LocalError(
        f"metrics cannot be served on {host}:{port}",
        why=str(error),
        hint="check metrics.host and metrics.port",
    )
