"""Hosts that are network namespaces, on a switch that is a bridge in a namespace of its own.

Each host knows the others by fixed neighbour entries instead of asking for them. To cut a direction, the
sender's entry for the receiver is given a hardware address that nobody has: its frames leave and reach none,
whatever they carry, and it is told nothing. A blackhole route would do less, since the kernel then refuses to
send and the daemon learns at once what a real network keeps to itself; netem and packet filters need modules
that not every kernel has.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import product
from typing import Self

PREFIX = "caxton-chaos"
LINK = "eth0"
BRIDGE = "br0"
_NOBODY = 0xFF

Cut = tuple[str, str]
"""A sender and a receiver who never gets what it sends."""


class NetworkFailed(RuntimeError):
    """The kernel or `ip` refused something; what was made until then is removed by `close`."""


@dataclass(frozen=True, slots=True)
class Host:
    """A host on the network.

    Attributes:
        name: Its name, also of its port on the switch.
        namespace: Of the processes that run on it.
        number: Its place in the subnet, 1 to 254.
    """

    name: str
    namespace: str
    number: int

    @property
    def address(self) -> str:
        """Return its IPv4 address."""
        return f"10.77.0.{self.number}"

    @property
    def hardware(self) -> str:
        """Return the hardware address of its link."""
        return _hardware(0, self.number)

    def command(self, *words: object) -> list[str]:
        """Return the command line that runs a program on this host."""
        return ["ip", "netns", "exec", self.namespace, *map(str, words)]


@dataclass(slots=True)
class Network:
    """A switch and its hosts; gone when it is closed.

    Attributes:
        hosts: By name, in the order in which they were attached.
        cuts: Directions that lead nowhere at present.
    """

    hosts: dict[str, Host] = field(default_factory=dict)
    cuts: frozenset[Cut] = frozenset()
    _switch: str = f"{PREFIX}-{os.getpid()}-switch"

    def open(self) -> None:
        """Make the switch."""
        ip("netns", "add", self._switch)
        ip("-n", self._switch, "link", "add", BRIDGE, "type", "bridge")
        ip("-n", self._switch, "link", "set", BRIDGE, "up")

    def attach(self, name: str, cuts: Iterable[Cut] = ()) -> Host:
        """Put a host on the switch.

        Args:
            name: Its name.
            cuts: Directions that are cut from the start, besides those that are cut already.
        """
        host = Host(name, f"{PREFIX}-{os.getpid()}-{name}", len(self.hosts) + 1)
        ip("netns", "add", host.namespace)
        self._plug_in(host)
        self.hosts[name] = host
        self.cut(self.cuts | frozenset(cuts))
        return host

    def cut(self, cuts: Iterable[Cut]) -> None:
        """Let exactly these directions lead nowhere; all others work."""
        self.cuts = frozenset(cuts)
        for host in self.hosts.values():
            self._write_neighbours(host)

    def close(self) -> None:
        """Remove hosts and switch, and end what still runs on them."""
        remove([*(host.namespace for host in self.hosts.values()), self._switch])
        self.hosts.clear()

    def __enter__(self) -> Self:
        try:
            self.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _plug_in(self, host: Host) -> None:
        ends = ["type", "veth", "peer", "name", host.name, "netns", self._switch]
        ip("link", "add", LINK, "netns", host.namespace, "address", host.hardware, *ends)
        ip("-n", self._switch, "link", "set", host.name, "master", BRIDGE, "up")
        setup = [
            "link set lo up",
            f"addr add {host.address}/24 dev {LINK}",
            f"link set {LINK} up",
            # A node asks the routing table which of its addresses faces the world.
            f"route add default dev {LINK}",
        ]
        ip("-n", host.namespace, "-batch", "-", lines=setup)

    def _write_neighbours(self, host: Host) -> None:
        others = [other for other in self.hosts.values() if other is not host]
        known = {other: _hardware(_NOBODY, other.number) for other in others}
        known |= {other: other.hardware for other in others if (host.name, other.name) not in self.cuts}
        entries = [
            f"neigh replace {other.address} lladdr {hardware} dev {LINK} nud permanent"
            for other, hardware in known.items()
        ]
        ip("-n", host.namespace, "-batch", "-", lines=entries)


def between(left: Collection[str], right: Collection[str]) -> frozenset[Cut]:
    """Return the cuts that part two sides from each other, both ways."""
    return one_way(left, right) | one_way(right, left)


def one_way(senders: Collection[str], receivers: Collection[str]) -> frozenset[Cut]:
    """Return the cuts that keep what some send from others, who can still answer."""
    return frozenset(
        (sender, receiver) for sender, receiver in product(senders, receivers) if sender != receiver
    )


def remove(namespaces: Iterable[str]) -> None:
    """End whatever runs in these namespaces of ours and remove them; those that do not exist are left out."""
    present = set(list_namespaces())
    for namespace in namespaces:
        if namespace in present:
            for process in ip("netns", "pids", namespace).split():
                with suppress(ProcessLookupError):
                    os.kill(int(process), signal.SIGKILL)
            ip("netns", "del", namespace)


def list_namespaces() -> list[str]:
    """List the namespaces of this and of earlier runs."""
    names = [line.split()[0] for line in ip("netns", "list").splitlines() if line.strip()]
    return [name for name in names if name.startswith(f"{PREFIX}-")]


def ip(*words: str, lines: Iterable[str] = ()) -> str:
    """Run `ip` and return what it prints.

    Args:
        words: Its arguments.
        lines: What it reads, for `-batch -`.

    Raises:
        NetworkFailed: It refused; its own words are passed on.
    """
    done = subprocess.run(
        ["ip", *words],
        input="".join(f"{line}\n" for line in lines),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NetworkFailed(f"ip {' '.join(words)} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _hardware(group: int, number: int) -> str:
    return f"02:ca:00:00:{group:02x}:{number:02x}"
