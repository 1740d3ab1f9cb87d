"""A daemon in a network namespace: set up by the command line, frozen and killed by signals."""

from __future__ import annotations

import json
import signal
import subprocess
from dataclasses import dataclass, field

from caxton_node.devkit.demo.nodes import BIN, DemoNode
from tests.chaos.network import Host
from tests.support.nodes import caxton, caxton_node
from tests.support.tun_net import TunHost

JOIN_S = 60.0


@dataclass(slots=True)
class ChaosNode(DemoNode):
    """One daemon on a host of its own, with the settings that a user has who sets nothing.

    Attributes:
        host: Where it runs.
        changes: Settings that are not the default, as `key=value`.
    """

    host: Host | TunHost = field(kw_only=True)
    changes: tuple[str, ...] = ()

    @property
    def settings(self) -> list[str]:
        """Return the one flag that a cluster of several hosts needs, so that others may join, and changes."""
        return [word for change in ("grpc.host=0.0.0.0", *self.changes) for word in ("--set", change)]

    def found(self) -> None:
        """Make a cluster of one; `start` runs it."""
        words = ["--data-dir", self.data_dir, "--node-id", self.node_id, "--host", self.host.address]
        made = caxton_node("init", *words, "--cluster", "chaos")
        assert made.returncode == 0, made.stderr

    def join(self, seed: ChaosNode) -> None:
        """Get a certificate through a running node; `start` runs this one."""
        token = caxton_node("token", "--data-dir", seed.data_dir, "--quiet").stdout.strip()
        place = ["--data-dir", self.data_dir, "--node-id", self.node_id, "--host", self.host.address]
        words = ["join", f"{seed.host.address}:{seed.grpc_port}", *place, "--token", token, "--no-run"]
        command = self.host.command(BIN / "caxton-node", *words)
        joined = subprocess.run(command, capture_output=True, text=True, check=False, timeout=JOIN_S)
        assert joined.returncode == 0, joined.stderr

    def start(self) -> None:
        """Start the daemon on its host; it is up when `wait_ready` returns."""
        command = self.host.command(BIN / "caxton-node", "run", "--data-dir", self.data_dir, *self.settings)
        with self.log_path.open("ab") as log:
            # `ip` becomes the daemon, so the process that is signalled is the daemon itself. It has a session
            # of its own: Ctrl-C reaches the tests alone, which then end their daemons in order.
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )

    @property
    def is_running(self) -> bool:
        """Return whether the daemon was started and has not ended, frozen or not."""
        return self.process is not None and self.process.poll() is None

    def freeze(self) -> None:
        """Stop the daemon in the middle of whatever it does, as a hypervisor would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen daemon go on."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def members(self) -> dict[str, dict[str, object]]:
        """Ask the node for its members: by node id, as the command line prints them."""
        listed = caxton(self, "cluster", "members", "-o", "json")
        assert listed.returncode == 0, listed.stderr
        return {row["node_id"]: row for row in json.loads(listed.stdout)}

    def partition_view(self) -> str:
        """Ask the node which side of a split it is on."""
        told = caxton(self, "cluster", "status", "-o", "json")
        assert told.returncode == 0, told.stderr
        view: str = json.loads(told.stdout)["partition_view"]
        return view
