"""A node whose parts are broken for real says so: on its port for probes, over gRPC, and with the reason."""

from __future__ import annotations

import asyncio
import ctypes
import http.client
import json
import time
from contextlib import AsyncExitStack, closing, suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from caxton_node.agents.lifecycle import State as AgentState
from caxton_node.client import Client
from caxton_node.cluster.agreement import Line
from caxton_node.cluster.joining import DATABASE
from caxton_node.cluster.store import ClusterStore
from caxton_node.config import load
from caxton_node.core.errors import CaxtonError, Unavailable
from caxton_node.daemon import Daemon
from caxton_node.operations import Report, State
from caxton_node.operations.health import STALE_S
from caxton_node.storage import Database
from tests.integration.trust.test_renewing import nearly_over
from tests.support.api import ANY_PORT, Node, call, founder, running
from tests.support.guests import wat
from tests.support.trusting import cluster

pytestmark = pytest.mark.story("017")

PROBED = ("metrics.enabled=true", "metrics.port=0")
ECHO = wat("echo").encode()


def probe(node: Node, path: str) -> tuple[int, dict[str, Any]]:
    """Ask as a kubelet does."""
    host, _, port = node.daemon.listening()["metrics"].rpartition(":")
    with closing(http.client.HTTPConnection(host, int(port), timeout=5)) as connection:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


async def found(node: Node, check: str, state: State, *, within_s: float = 10.0) -> str:
    """Wait until a check is in a state; return why, as `/ready` tells it."""
    async with asyncio.timeout(within_s):
        while True:
            await node.daemon.look()
            shown = (await asyncio.to_thread(probe, node, "/ready"))[1]["checks"][check]
            if shown["state"] == state:
                return str(shown["detail"])
            await asyncio.sleep(0.02)


async def test_a_node_that_is_well_says_so_everywhere(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1", "n1", *PROBED) as node:
        for path in ("/health", "/ready"):
            status, body = await asyncio.to_thread(probe, node, path)
            assert (status, body["status"], body["ready"], body["alive"]) == (200, "ok", True, True)
        health = await call(node.local, lambda client: client.server.health())
        assert (health.ready, health.alive, health.status) == (True, True, "ok")
        assert {check.name for check in health.checks} == set(body["checks"])
        assert all(check.ok and check.state == "ok" and check.detail for check in health.checks)
        metrics = await call(node.local, lambda client: client.server.metrics(prefix="caxton_ready"))
        assert [sample.value for metric in metrics for sample in metric.samples] == [1]
        node.daemon.leave()
        status, body = await asyncio.to_thread(probe, node, "/ready")
        assert (status, body["status"]) == (503, "leaving")
        assert (await asyncio.to_thread(probe, node, "/health"))[0] == 200


async def test_a_database_that_was_deleted_is_missed_and_watchers_of_grpc_hear_of_it(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1", "n1", *PROBED) as node, _channel_to(node) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), timeout=20)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        path = node.data_dir / DATABASE
        path.rename(path.with_suffix(".away"))
        assert "is gone" in await found(node, "storage", State.FAILED)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await asyncio.to_thread(probe, node, "/ready"))[0] == 503
        assert (await asyncio.to_thread(probe, node, "/health"))[0] == 200  # a restart would lose more
        path.write_bytes(b"")
        assert "another file" in await found(node, "storage", State.FAILED)
        path.with_suffix(".away").rename(path)
        await found(node, "storage", State.OK)
        assert (await watch.read()).status == health_pb2.HealthCheckResponse.SERVING
        watch.cancel()


def _channel_to(node: Node) -> grpc.aio.Channel:
    return grpc.aio.secure_channel(node.grpc, grpc.ssl_channel_credentials(node.ca_pem))


async def test_a_database_that_may_not_be_written_is_noticed_and_forgiven(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1", "n1", *PROBED) as node:
        writer = node.daemon.store.database._writer._connection
        await writer.execute_fetchall("PRAGMA query_only = ON")
        with suppress(CaxtonError):
            await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
        assert "readonly" in await found(node, "storage", State.FAILED)
        await writer.execute_fetchall("PRAGMA query_only = OFF")
        await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
        await found(node, "storage", State.OK)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it dies on purpose
async def test_a_worker_that_has_died_is_a_reason_for_a_new_start(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1", "n1", *PROBED) as node:
        await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
        worker = node.daemon.crew.machinery.scheduler._workers[0]
        ident = ctypes.c_ulong(worker.ident or 0)
        assert ctypes.pythonapi.PyThreadState_SetAsyncExc(ident, ctypes.py_object(SystemExit)) == 1
        worker.gate.release()  # it wakes up, to its end
        await asyncio.to_thread(worker.join, 10)
        assert "1 of " in await found(node, "workers", State.FAILED)
        status, body = await asyncio.to_thread(probe, node, "/health")
        assert (status, body["alive"]) == (503, False)
        assert not node.daemon.is_alive()  # so systemd hears nothing


async def test_a_loop_that_hangs_is_told_by_the_thread_that_answers_probes(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1", "n1", *PROBED) as node:
        asked = asyncio.create_task(asyncio.to_thread(_probe_until_it_hangs, node))
        await asyncio.sleep(0)
        time.sleep(STALE_S + 0.5)  # noqa: ASYNC251  it is to block the loop
        status, body = await asked
        assert status == 503
        assert "has not turned for" in body["checks"]["event_loop"]["detail"]
        await found(node, "event_loop", State.DEGRADED)  # it turns again, and remembers being late
        assert (await asyncio.to_thread(probe, node, "/ready"))[0] == 200


def _probe_until_it_hangs(node: Node) -> tuple[int, dict[str, Any]]:
    until = time.monotonic() + 20
    while True:
        status, body = probe(node, "/ready")
        if status != 200 or time.monotonic() > until:
            return status, body
        time.sleep(0.05)


async def test_the_smaller_side_of_a_split_goes_on_and_says_so(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1"):
        pass
    async with await Database.open(tmp_path / "n1" / DATABASE) as database:
        book = {name: Line(1, counts=True, settled=True) for name in ("n1", "n2", "n3")}
        await ClusterStore(database).save_book(book)
    async with running(tmp_path / "n1", *PROBED) as node:
        assert "isolated, 1 members alive, not seen: n2, n3" in await found(node, "cluster", State.DEGRADED)
        status, body = await asyncio.to_thread(probe, node, "/ready")
        assert (status, body["status"]) == (200, "degraded")


async def test_a_certificate_that_ends_and_is_not_renewed_is_told(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await made.invite("n2")
        nearly_over(made, "n2")
        (made.data_dir("n1") / "certs" / "ca.key").rename(tmp_path / "ca.key")
        await made.stop("n1")
        async with running(made.data_dir("n2"), "certs.check_interval_s=1", *PROBED) as node:
            with pytest.raises(Unavailable):
                await call(node.local, lambda client: client.security.renew())
            assert "not renewed" in await found(node, "certificate", State.DEGRADED)


async def test_a_node_waits_for_its_agents_before_it_takes_work(tmp_path: Path) -> None:
    def deploy_some(client: Client) -> None:
        for number in range(3):
            client.agents.deploy(f"echo{number}", ECHO)

    async with founder(tmp_path / "n1") as node:
        await call(node.local, deploy_some)
    heard: list[Report] = []

    async def listen(report: Report) -> None:
        heard.append(report)

    async with AsyncExitStack() as stack:
        settings = [*ANY_PORT, *PROBED, f"data.dir={tmp_path / 'n1'}"]
        daemon = Daemon(load(environ={}, overrides=settings), stack)
        daemon.ground.health.listen(listen)
        await daemon.open()
        assert all(agent.state is AgentState.RUNNING for agent in daemon.crew.agents.views())
    first_ready = next(report for report in heard if report.is_ready)
    assert all(finding.is_ok for finding in first_ready.findings)
    assert not heard[0].is_ready
    assert heard[0].status == "starting"
    assert "agents starting: is being opened" in heard[0].reasons


async def test_a_node_waits_a_while_for_modules_that_others_may_have(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1") as node:
        await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
    for module in (tmp_path / "n1" / "modules").iterdir():
        module.unlink()
    async with running(tmp_path / "n1", *PROBED) as node:
        assert "echo" in await found(node, "agents", State.STARTING)
        status, body = await asyncio.to_thread(probe, node, "/ready")
        assert (status, body["status"]) == (503, "starting")
        assert (await asyncio.to_thread(probe, node, "/health"))[0] == 200
