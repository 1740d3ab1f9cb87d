"""The exporter over a real socket: metrics, health, readiness."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from caxton_node.core.errors import LocalError, PortInUse
from caxton_node.observability import Board
from caxton_node.observability.exporters.prometheus import CONNECTIONS_MAX, PrometheusExporter
from caxton_node.observability.sources import backup_source, database_source
from caxton_node.storage import Database
from caxton_node.storage.backups import Maker
from caxton_node.storage.service import StorageService

pytestmark = pytest.mark.story("009")


@dataclass
class Served:
    board: Board = field(default_factory=Board)
    is_ready: bool = False
    port: int = 0

    def probe(self, name: str) -> tuple[int, dict[str, object]]:
        """Answer as a node does that joins its cluster."""
        good = name == "health" or self.is_ready
        return 200 if good else 503, {"status": "ok" if good else "starting", "asked": name}

    def get(self, path: str) -> tuple[int, str]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def samples(self) -> dict[str, float]:
        families = text_string_to_metric_families(self.get("/metrics")[1])
        return {
            f"{sample.name}{sorted(sample.labels.values())}": sample.value
            for family in families
            for sample in family.samples
        }


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    exporter = PrometheusExporter(served.board, served.probe)
    served.port = exporter.open("127.0.0.1", 0)
    yield served
    exporter.close()
    exporter.close()


def test_counters_gauges_and_histograms_are_shown_as_prometheus_reads_them(served: Served) -> None:
    served.board.counter("caxton_messages_total", outcome="delivered").add(5)
    served.board.gauge("caxton_agents", state="running").set(3)
    latency = served.board.histogram("caxton_message_latency_seconds")
    latency.observe(0.0002)
    latency.observe(99)
    samples = served.samples()
    assert samples["caxton_messages_total['delivered']"] == 5
    assert samples["caxton_agents['running']"] == 3
    assert samples["caxton_message_latency_seconds_bucket['0.00025']"] == 1
    assert samples["caxton_message_latency_seconds_bucket['+Inf']"] == 2
    assert samples["caxton_message_latency_seconds_count[]"] == 2
    assert samples["caxton_message_latency_seconds_sum[]"] == pytest.approx(99.0002)
    assert samples["process_resident_memory_bytes[]"] > 0


def test_health_and_readiness_are_told_apart(served: Served) -> None:
    status, body = served.get("/health")
    assert (status, json.loads(body)) == (200, {"status": "ok", "asked": "health"})
    status, body = served.get("/ready")
    assert (status, json.loads(body)) == (503, {"status": "starting", "asked": "ready"})
    served.is_ready = True
    assert served.get("/ready?verbose=1")[0] == 200


def test_another_path_says_what_there_is(served: Served) -> None:
    assert served.get("/") == (404, "/metrics /health /ready\n")


def test_idle_connections_are_bounded(served: Served) -> None:
    held = [socket.create_connection(("127.0.0.1", served.port)) for _ in range(CONNECTIONS_MAX)]
    with closing(socket.create_connection(("127.0.0.1", served.port), timeout=5)) as one_more:
        assert one_more.recv(1) == b""
    for connection in held:
        connection.close()


def test_a_port_that_is_taken_is_named(served: Served) -> None:
    second = PrometheusExporter(Board(), served.probe)
    with pytest.raises(PortInUse, match=f"port {served.port} on 127.0.0.1 is taken"):
        second.open("127.0.0.1", served.port)
    with pytest.raises(LocalError, match="cannot be served"):
        second.open("192.0.2.1", 0)
    second.close()


async def test_the_database_tells_its_counters(served: Served, tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "caxton.db") as database:
        await database.write("UPDATE boot SET epoch = epoch + 1")
        served.board.collect_from(database_source(database))
        assert served.samples()["caxton_sqlite_writes_total[]"] == 1


async def test_backups_tell_when_the_newest_was_made(served: Served, tmp_path: Path) -> None:
    async with await Database.open(tmp_path / "caxton.db") as database:
        service = StorageService(database.path, tmp_path, Maker("n1", "test", "0.0.0"))
        served.board.collect_from(backup_source(service))
        assert served.samples()["caxton_backup_made_timestamp_seconds[]"] == 0
        made = await service.create_backup()
        samples = served.samples()
        assert samples["caxton_backup_made_timestamp_seconds[]"] == made.created_unix_us / 1_000_000
        assert samples["caxton_change_log_grounded[]"] == 0
        await service.close()
