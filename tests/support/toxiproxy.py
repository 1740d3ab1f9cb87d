"""toxiproxy: its server, built by the Go toolchain, and proxies that are driven by its own Python client."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from toxiproxy import Proxy, Toxiproxy

from caxton_node.devkit.demo.nodes import free_ports, wait_for
from tests.support.toxics import Toxic

ROOT = Path(__file__).parents[2]
PLACE = ROOT / ".venv-peers" / "bin" / "toxiproxy-server"
HOST = "127.0.0.1"
MAKE = ["make", "--no-print-directory", str(PLACE.relative_to(ROOT))]
_BUILD_S, _START_S, _END_S = 300.0, 10.0, 10.0


def can_be_had() -> bool:
    """Tell whether the server is here or can be built."""
    return PLACE.exists() or any(map(shutil.which, ("toxiproxy-server", "go")))


def find_server() -> str:
    """Return the server; it is built if it has to be.

    Raises:
        CalledProcessError: It could not be built.
    """
    if not PLACE.exists() and (installed := shutil.which("toxiproxy-server")):
        return installed
    if not PLACE.exists():
        subprocess.run(MAKE, check=True, cwd=ROOT, timeout=_BUILD_S)
    return str(PLACE)


@dataclass(slots=True)
class ToxiproxyProxy:
    """One proxy of the server; see `ToxicProxy`."""

    port: int
    _proxy: Proxy

    def add(self, toxic: Toxic) -> None:
        """Do this, in both directions, to connections that are up and to new ones."""
        for stream in ("upstream", "downstream"):
            self._proxy.add_toxic(type=toxic.type, stream=stream, attributes=dict(toxic.attributes))

    def clear(self) -> None:
        """Be a good path again; connections that were broken stay broken."""
        for name in self._proxy.toxics():
            self._proxy.destroy_toxic(name)


class ToxiproxyServer:
    """The server on a port of loopback; it ends with the block."""

    def __init__(self) -> None:
        (self._port,) = free_ports(1)
        self._client = Toxiproxy()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        command = [find_server(), "-host", HOST, "-port", str(self._port)]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
        _leave_loopback_alone()
        self._client.update_api_consumer(HOST, self._port)  # for the whole process: one server at a time
        wait_for("toxiproxy to listen", self._client.running, within_s=_START_S)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.terminate()
        self._process.wait(_END_S)

    def proxy(self, target: int, *, port: int = 0) -> ToxiproxyProxy:
        """Listen on a port of loopback, 0 is any, and relay to another."""
        made = self._client.create(f"{HOST}:{target}", f"to-{target}", f"{HOST}:{port}", enabled=True)
        return ToxiproxyProxy(int(made.listen.rpartition(":")[2]), made)


def _leave_loopback_alone() -> None:
    """Let the client, which heeds the variables of proxies for the web, talk to its server directly."""
    known = os.environ.get("NO_PROXY", "")
    if HOST not in known:
        os.environ["NO_PROXY"] = ",".join(filter(None, (known, HOST)))
