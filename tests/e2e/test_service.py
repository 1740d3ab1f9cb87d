"""A node as a service manager sees it: ready, alive, stopping, gone; and the unit that says so."""

import os
import signal
import socket
import subprocess

import pytest

from caxton_node.devkit.demo.nodes import DemoNode, free_ports
from tests.support.nodes import BIN, ROOT, caxton, caxton_node, run

UNITS = ["caxton-node.service", "caxton-node@.service"]
HARDENED = ["NoNewPrivileges=yes", "ProtectSystem=strict", "CapabilityBoundingSet=", "PrivateDevices=yes"]


def test_the_service_manager_hears_ready_alive_and_stopping(tmp_path):
    made = caxton_node("init", "--data-dir", tmp_path / "n", "--node-id", "n", "--cluster", "test")
    assert made.returncode == 0, made.stderr
    free = [f"--set={key}=0" for key in ("mesh.port", "grpc.port", "rest.port", "metrics.port")]
    command = [BIN / "caxton-node", "run", "--data-dir", tmp_path / "n", "--set=mesh.host=127.0.0.1", *free]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(30)
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
        with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
            assert manager.recv(200) == b"READY=1\nSTATUS=n of cluster test"
            assert [manager.recv(200) for _ in range(3)] == [b"WATCHDOG=1"] * 3
            process.send_signal(signal.SIGTERM)
            while (heard := manager.recv(200)) == b"WATCHDOG=1":
                pass
            assert heard == b"STOPPING=1"
            assert process.wait(30) == 0


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_starts_what_exists_and_takes_away_what_a_node_does_not_need(name):
    lines = (ROOT / "systemd" / name).read_text().splitlines()
    (start,) = [line for line in lines if line.startswith("ExecStart=")]
    options = caxton_node("run", "--help").stdout
    assert all(word in options for word in start.split() if word.startswith("--"))
    assert "Type=notify" in lines
    assert any(line.startswith("WatchdogSec=") for line in lines)
    assert [line for line in HARDENED if line not in lines] == []


def test_waiting_for_a_node_ends_when_it_is_ready_and_gives_up_when_it_never_is(tmp_path):
    absent = run("caxton", "--data-dir", tmp_path, "server", "status", "--wait", "200ms")
    assert absent.returncode == 5
    caxton_node("init", "--data-dir", tmp_path / "n", "--node-id", "n")
    node = DemoNode("n", tmp_path / "n", *free_ports(2))
    node.start()
    try:
        ready = caxton(node, "server", "status", "--wait", "30s")
        assert ready.returncode == 0, ready.stderr
        assert "ready" in ready.stdout
    finally:
        node.stop()
