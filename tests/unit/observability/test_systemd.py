"""What systemd hears, on a real datagram socket."""

import asyncio
import socket

import pytest

from caxton_node.observability.systemd import LINE_CHARS_MAX, Systemd
from caxton_node.operations import Finding, Phase, Report, State


@pytest.fixture
def manager(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.settimeout(5)
        yield sock


def test_readiness_comes_with_a_status_line(manager):
    Systemd({"NOTIFY_SOCKET": manager.getsockname()}).ready("3 members")
    assert manager.recv(100) == b"READY=1\nSTATUS=3 members"


async def test_the_watchdog_is_fed_at_half_its_interval(manager):
    systemd = Systemd({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "20000"})
    assert systemd.watchdog_interval_s == 0.02
    feeding = asyncio.create_task(systemd.keep_watchdog_fed())
    heard = [await asyncio.to_thread(manager.recv, 100) for _ in range(3)]
    feeding.cancel()
    assert heard == [b"WATCHDOG=1"] * 3


def test_a_manager_that_does_not_listen_does_no_harm(tmp_path):
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready("x")


async def test_outside_systemd_nothing_is_sent():
    systemd = Systemd({})
    systemd.ready("x")
    systemd.stopping()
    await systemd.keep_watchdog_fed()


@pytest.mark.story("017")
async def test_a_node_that_cannot_go_on_is_not_fed(manager):
    systemd = Systemd({"NOTIFY_SOCKET": manager.getsockname(), "WATCHDOG_USEC": "2000"})
    asked = asyncio.Event()

    def is_alive():
        asked.set()
        return False

    feeding = asyncio.create_task(systemd.keep_watchdog_fed(is_alive))
    await asyncio.wait_for(asked.wait(), 5)
    feeding.cancel()
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        manager.recv(100)


@pytest.mark.story("017")
async def test_the_status_line_says_what_is_wrong(manager):
    found = [Finding("disk", State.FAILED, "3 MiB free " * 100), Finding("agents", State.OK, "none failed")]
    await Systemd({"NOTIFY_SOCKET": manager.getsockname()}).show(Report(Phase.SERVING, found))
    line = manager.recv(1000).decode()
    assert line.startswith("STATUS=failed: disk failed: 3 MiB free")
    assert "agents" not in line
    assert len(line) <= LINE_CHARS_MAX + len("STATUS=")
