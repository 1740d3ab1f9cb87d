"""A network of hosts with delay, loss and a limited rate, TCP and UDP alike, for Linux and root."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.support.rough_line import ALL, PERFECT, Conditions
from tests.support.tun_box import SUBNET

ROOT = Path(__file__).parents[2]
_CLONE_NEWNET = 0x40000000
_END_S = 10.0

Cut = tuple[str, str]


@dataclass(frozen=True, slots=True)
class TunHost:
    """A host on the network.

    Attributes:
        name: Its name.
        number: The last byte of its address.
        namespace: Path of its network namespace; it is good while the network is open.
    """

    name: str
    number: int
    namespace: str

    @property
    def address(self) -> str:
        """Return its IPv4 address."""
        return f"{SUBNET}.{self.number}"

    def command(self, *words: object) -> list[str]:
        """Return the command line that runs a program on this host."""
        return ["nsenter", f"--net={self.namespace}", "--", *map(str, words)]

    def enter(self) -> None:
        """Move this process to the host; its sockets from now on are there."""
        descriptor = os.open(self.namespace, os.O_RDONLY)
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            if libc.setns(descriptor, _CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), f"entering {self.name} needs root")
        finally:
            os.close(descriptor)


@dataclass(slots=True)
class TunNet:
    """Hosts and the lines between them; gone when it is closed, or when this process ends in any way.

    Attributes:
        seed: Of the luck of all lines.
        hosts: By name, in the order in which they were attached.
        conditions: Of every line that is not cut.
        cuts: Directions that lead nowhere at present.
    """

    seed: int = 1
    hosts: dict[str, TunHost] = field(default_factory=dict)
    conditions: Conditions = PERFECT
    cuts: frozenset[Cut] = frozenset()
    _box: subprocess.Popen[str] | None = None

    def open(self) -> None:
        """Start the box."""
        command = [sys.executable, "-m", "tests.support.tun_box", str(self.seed)]
        pipe = subprocess.PIPE
        self._box = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)

    def attach(self, name: str, cuts: Iterable[Cut] = ()) -> TunHost:
        """Add a host.

        Args:
            name: Its name.
            cuts: Directions that are cut from the start, besides those that are cut already.
        """
        number = len(self.hosts) + 1
        descriptor = self._ask({"attach": number})["fd"]
        assert self._box is not None
        host = self.hosts[name] = TunHost(name, number, f"/proc/{self._box.pid}/fd/{descriptor}")
        self.cut(self.cuts | frozenset(cuts))
        return host

    def cut(self, cuts: Iterable[Cut]) -> None:
        """Let exactly these directions lead nowhere; all others work, as badly as they may."""
        self.cuts = frozenset(cuts)
        self.change(self.conditions)

    def change(self, conditions: Conditions) -> None:
        """Let every line that is not cut be like this from now on, in both directions."""
        self.conditions = conditions
        for source in self.hosts:
            for target in self.hosts:
                is_cut = (source, target) in self.cuts
                self.change_line(source, target, conditions.blocking(ALL) if is_cut else conditions)

    def change_line(self, source: str, target: str, conditions: Conditions) -> None:
        """Let one direction be like this from now on."""
        ends = [self.hosts[source].number, self.hosts[target].number]
        self._ask({"line": ends, "conditions": conditions.write()})

    def count(self, source: str, target: str) -> dict[str, float]:
        """Return `passed` and `lost` packets of one direction, and `late_s`, the box's own worst delay."""
        return self._ask({"count": [self.hosts[source].number, self.hosts[target].number]})

    def close(self) -> None:
        """Remove the network; what still runs on its hosts has no network any more."""
        box, self._box = self._box, None
        self.hosts.clear()
        if box is not None:
            box.communicate(timeout=_END_S)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._box is not None, "the network is not open"
        assert self._box.stdin is not None
        assert self._box.stdout is not None
        print(json.dumps(command), file=self._box.stdin, flush=True)
        answer = self._box.stdout.readline()
        assert answer, f"the box has ended with {self._box.wait()}"
        told: dict[str, Any] = json.loads(answer)
        return told


def find_obstacle() -> str:
    """Return what keeps such a network from being made here, "" if nothing does."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's: run this there"
    if os.geteuid() != 0:
        return "making network namespaces needs root"
    if missing := [word for word in ("ip", "nsenter") if shutil.which(word) is None]:
        advice = "on Debian 12 or Ubuntu 24.04: apt-get install iproute2 util-linux"
        return f"{', '.join(missing)} not found; {advice}"
    if not Path("/dev/net/tun").exists():
        return "/dev/net/tun is missing: load the kernel's module tun"
    return ""
