"""Gossip and links over link-local IPv6 addresses, which need their interface (Linux, root)."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import subprocess
import threading
from collections.abc import Coroutine
from typing import Any

import pytest

from tests.support.certificates import Pki
from tests.support.meshes import Keeper, until
from transport import Mesh, Settings

pytestmark = pytest.mark.story("022")

_CLONE_NEWNET = 0x40000000
_COMMANDS = (
    "link add west type veth peer name east",
    "link set lo up",
    "link set west up",
    "link set east up",
    "-6 addr add fe80::1/64 dev west nodad",
    "-6 addr add fe80::2/64 dev east nodad",
)


def on_a_network_of_its_own(work: Coroutine[Any, Any, None]) -> None:
    """Run something in a thread whose sockets see two interfaces with link-local addresses alone."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.unshare(_CLONE_NEWNET) == 0, "a network namespace needs root"
            for command in _COMMANDS:
                subprocess.run(["ip", *command.split()], check=True)
            asyncio.run(work)
        except BaseException as err:  # noqa: BLE001  it is raised where the thread is waited for
            raised.append(err)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    work.close()
    if raised:
        raise raised[0]


async def talk(kind: str) -> None:
    pki, settings, ends = Pki(), Settings(transport=kind), []  # type: ignore[arg-type]  # a plain word
    for name in ("node-a", "node-b"):
        keeper = Keeper()
        mesh = Mesh(pki.credentials(name), settings, keeper, epoch=1)
        ends.append((mesh, keeper, await mesh.open("::", 0)))
    (a, keeper_a, port_a), (b, keeper_b, port_b) = ends
    try:
        a.send_gossip(b"\x01hello", ("fe80::2%east", port_b))
        await until(lambda: keeper_b.gossip)
        ((_, source),) = keeper_b.gossip
        host, _, scope = source[0].partition("%")
        assert host.startswith("fe80::")
        assert scope.isdigit()
        assert int(scope) in {number for number, _ in socket.if_nameindex()}
        b.send_gossip(b"\x01answer", (source[0], port_a))
        await until(lambda: keeper_a.gossip)
        a.learn_peer("node-b", ("fe80::2%east", port_b))
        assert await a.request("node-b", "echo", b"?", 5) == b"node-a:?"
        assert a.peers()[0].kind == kind
    finally:
        await a.close()
        await b.close()


@pytest.mark.parametrize("kind", ["quic", "tcp"])
def test_who_is_heard_on_a_link_local_address_can_be_answered(kind: str) -> None:
    on_a_network_of_its_own(talk(kind))
