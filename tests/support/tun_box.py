"""The box between network namespaces: reads what hosts send from their TUN devices and delivers it worse.

    python -m tests.support.tun_box SEED

Each host is a network namespace that has no name: it lives as long as this process or one inside of it, so
however this process ends, the kernel clears everything away. It ends when its standard input does. Commands
are lines of JSON, each answered by one line:

    {"attach": 3}                                   -> {"fd": 7}  host 10.78.0.3; its namespace, open here
    {"line": [1, 3], "conditions": {"loss": 0.05}}  -> {}         what 1 sends to 3, from now on
    {"count": [1, 3]}                               -> {"passed": 812, "lost": 41, "late_s": 0.0002}

The kernel's own netem would do this, where it is built in.
"""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import json
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.support.packets import read_packet
from tests.support.rough_line import PERFECT, Conditions, RoughLine

SUBNET = "10.78.0"
LINK = "tun0"
_CLONE_NEWNET = 0x40000000
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_PACKET_BYTES_MAX = 2048
_DRAIN_MAX = 64
_COMMANDS_BYTES_MAX = 65536


@dataclass(slots=True)
class Box:
    """All hosts, the lines between them, and the packets that are on their way.

    Attributes:
        seed: Of all lines; each has its own sequence of luck.
        late_s: The most that a packet was late so far.
    """

    seed: int
    late_s: float = 0.0
    _devices: dict[int, int] = field(default_factory=dict)
    _namespaces: list[int] = field(default_factory=list)
    _lines: dict[tuple[int, int], RoughLine] = field(default_factory=dict)
    _flying: list[tuple[float, int, int, bytes]] = field(default_factory=list)
    _number: int = 0

    # -- commands -------------------------------------------------------------------------------------------

    def obey(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what one line asks and return the answer."""
        if "attach" in command:
            return {"fd": self._attach(command["attach"])}
        if "line" in command:
            self._line(*command["line"]).conditions = Conditions.read(command["conditions"])
            return {}
        line = self._line(*command["count"])
        return {"passed": line.passed, "lost": line.lost, "late_s": self.late_s}

    def _attach(self, number: int) -> int:
        namespace, device = make_host(f"{SUBNET}.{number}")
        self._devices[number] = device
        self._namespaces.append(namespace)  # held open: it is all that keeps an empty namespace alive
        return namespace

    def _line(self, source: int, target: int) -> RoughLine:
        line = self._lines.get((source, target))
        if line is None:
            line = self._lines[source, target] = RoughLine(PERFECT, self.seed * 65536 + source * 256 + target)
        return line

    # -- packets --------------------------------------------------------------------------------------------

    def devices(self) -> Iterable[int]:
        """Return what to read from."""
        return self._devices.values()

    def wait_s(self) -> float | None:
        """Return how long nothing is due; None if nothing is on its way."""
        return max(0.0, self._flying[0][0] - time.monotonic()) if self._flying else None

    def take(self, device: int) -> None:
        """Read what a host has sent and decide when it arrives."""
        for _ in range(_DRAIN_MAX):
            try:
                data = os.read(device, _PACKET_BYTES_MAX)
            except BlockingIOError:
                return
            packet = read_packet(data)
            if packet is None or packet.target not in self._devices:
                continue
            line = self._line(packet.source, packet.target)
            for at in line.admit(len(data), packet.kind, time.monotonic()):
                self._number += 1
                heapq.heappush(self._flying, (at, self._number, self._devices[packet.target], data))

    def deliver(self) -> None:
        """Hand over what is due; what a host has no room for is lost, as on any network."""
        now = time.monotonic()
        while self._flying and self._flying[0][0] <= now:
            at, _, device, data = heapq.heappop(self._flying)
            self.late_s = max(self.late_s, now - at)
            try:
                os.write(device, data)
            except OSError:
                continue


def make_host(address: str) -> tuple[int, int]:
    """Make a network namespace with one device, and move this process into it.

    Returns:
        The namespace and the device, as open files.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "making a network namespace needs root")
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", LINK.encode(), _IFF_TUN | _IFF_NO_PI))
    setup = [
        "link set lo up",
        f"addr add {address}/24 dev {LINK}",
        f"link set {LINK} up mtu 1500 txqueuelen 5000",
        # A node asks the routing table which of its addresses faces the world.
        f"route add default dev {LINK}",
    ]
    subprocess.run(["ip", "-batch", "-"], input="\n".join(setup), text=True, check=True)
    return os.open("/proc/self/ns/net", os.O_RDONLY), device


def run(box: Box) -> None:
    """Move packets and obey until standard input ends."""
    stdin, unread = sys.stdin.fileno(), b""
    while True:
        # select, since its timeout knows microseconds; that of epoll is rounded up to milliseconds
        ready, _, _ = select.select([stdin, *box.devices()], [], [], box.wait_s())
        for descriptor in ready:
            if descriptor != stdin:
                box.take(descriptor)
        box.deliver()
        if stdin in ready:
            came = os.read(stdin, _COMMANDS_BYTES_MAX)
            if not came:
                return
            *lines, unread = (unread + came).split(b"\n")
            for line in lines:
                print(json.dumps(box.obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    run(Box(int(sys.argv[1])))
