"""A bad path for datagrams on loopback, in front of the port that QUIC and gossip share.

It is a NAT as well: each client is seen by the server under a port of the proxy's own, which can change
while a connection lives (`rebind`) or be forgotten with everything that was on its way (`reset`).
"""

from __future__ import annotations

import heapq
import select
import socket
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from tests.support.rough_line import PERFECT, Conditions, RoughLine, kind_of_datagram

HOST = "127.0.0.1"
Address = tuple[str, int]
_DATAGRAM_BYTES_MAX = 65535
_DRAIN_MAX = 64
_BUFFER_BYTES = 4 * 1024 * 1024
_FLOWS_MAX = 256


@dataclass(slots=True)
class _Flow:
    """One client, and the port under which the server knows it."""

    client: Address
    outer: socket.socket


class UdpProxy:
    """Relays datagrams between whoever comes and one server, on a thread of its own.

    Args:
        target: Where the server listens.
        port: Where to listen; 0 is any.
        seed: Of the luck of both directions.

    Attributes:
        port: Where it listens.
        there: From clients to the server.
        back: From the server to clients.
        flows_made: Ports that the server has seen so far.
    """

    def __init__(self, target: Address, *, port: int = 0, seed: int = 1) -> None:
        self.there = RoughLine(PERFECT, 2 * seed)
        self.back = RoughLine(PERFECT, 2 * seed + 1)
        self.flows_made = 0
        self._target = target
        self._inner = _bind(port)
        self.port: int = self._inner.getsockname()[1]
        self._flows: dict[Address, _Flow] = {}
        self._flying: list[tuple[float, int, socket.socket, bytes, Address]] = []
        self._number = 0
        self._tasks: deque[Callable[[], None]] = deque()
        self._waker, self._wakened = socket.socketpair()
        self._is_closing = False
        self._thread = threading.Thread(target=self._run, name=f"udp-proxy-{self.port}", daemon=True)

    # -- what tests do --------------------------------------------------------------------------------------

    def change(self, there: Conditions, back: Conditions | None = None) -> None:
        """Treat all that is sent from now on like this; both ways alike if only one is given."""
        self._do(lambda: self._change(there, there if back is None else back))

    def rebind(self) -> None:
        """Show every client under another port from now on, as a NAT does that has been idle."""
        self._do(self._rebind)

    def reset(self) -> None:
        """Forget all clients and what is on its way, as a NAT does that starts again."""
        self._do(self._reset)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_closing = True
        self._waker.send(b"x")
        self._thread.join()
        self._reset()
        for one in (self._inner, self._waker, self._wakened):
            one.close()

    def _do(self, task: Callable[[], None]) -> None:
        done = threading.Event()
        self._tasks.append(lambda: (task(), done.set())[0])
        self._waker.send(b"x")
        done.wait()

    # -- its thread -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._is_closing:
            outer = {flow.outer: flow for flow in self._flows.values()}
            timeout_s = max(0.0, self._flying[0][0] - time.monotonic()) if self._flying else None
            ready, _, _ = select.select([self._inner, self._wakened, *outer], [], [], timeout_s)
            if self._inner in ready:
                self._take_from_clients()
            for one in filter(outer.get, ready):
                self._take_from_server(outer[one])
            if self._wakened in ready:  # last: what came before a change is treated as it was before it
                self._work()
            self._deliver()

    def _work(self) -> None:
        self._wakened.recv(1024)
        while self._tasks:
            self._tasks.popleft()()

    def _take_from_clients(self) -> None:
        for data, client in _drain(self._inner):
            flow = self._flows.get(client) or self._make_flow(client)
            if flow is not None:
                self._send(self.there, flow.outer, data, self._target)

    def _take_from_server(self, flow: _Flow) -> None:
        for data, source in _drain(flow.outer):
            if source == self._target:
                self._send(self.back, self._inner, data, flow.client)

    def _make_flow(self, client: Address) -> _Flow | None:
        if len(self._flows) >= _FLOWS_MAX:
            return None
        flow = self._flows[client] = _Flow(client, _bind(0))
        self.flows_made += 1
        return flow

    def _send(self, line: RoughLine, through: socket.socket, data: bytes, to: Address) -> None:
        for at in line.admit(len(data), kind_of_datagram(data), time.monotonic()):
            self._number += 1
            heapq.heappush(self._flying, (at, self._number, through, data, to))

    def _deliver(self) -> None:
        now = time.monotonic()
        while self._flying and self._flying[0][0] <= now:
            _, _, through, data, to = heapq.heappop(self._flying)
            with suppress(OSError):  # the port has changed since, or its buffer is full: lost, as on any path
                through.sendto(data, to)

    def _change(self, there: Conditions, back: Conditions) -> None:
        self.there.conditions, self.back.conditions = there, back

    def _rebind(self) -> None:
        for flow in self._flows.values():
            flow.outer.close()
            flow.outer = _bind(0)
            self.flows_made += 1

    def _reset(self) -> None:
        for flow in self._flows.values():
            flow.outer.close()
        self._flows.clear()
        self._flying.clear()


def _bind(port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER_BYTES)
    bound.setblocking(False)
    bound.bind((HOST, port))
    return bound


def _drain(source: socket.socket) -> list[tuple[bytes, Address]]:
    """Read what is there, up to a bound; errors about earlier datagrams are nothing to a path."""
    found: list[tuple[bytes, Address]] = []
    for _ in range(_DRAIN_MAX):
        try:
            found.append(source.recvfrom(_DATAGRAM_BYTES_MAX))
        except BlockingIOError:
            break
        except OSError:
            continue
    return found
