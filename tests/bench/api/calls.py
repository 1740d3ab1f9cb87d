"""Calls of one method, in turn or many at once, by gRPC's own core: it costs less than a server."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Self

import grpc

AT_ONCE = 64


@dataclass(slots=True)
class Caller(AbstractContextManager["Caller"]):
    """An open channel to one method.

    Attributes:
        address: host:port.
        ca_pem: Who signed the server's certificate.
        method: Path of the method.
        request: The bytes of every request.
        token: Shown with every call; empty shows none.
    """

    address: str
    ca_pem: bytes
    method: str
    request: bytes = b""
    token: str = ""
    _channel: grpc.Channel = field(init=False)
    _stub: Any = field(init=False)

    def __enter__(self) -> Self:
        proof = grpc.ssl_channel_credentials(self.ca_pem)
        # A channel of its own for each caller: gRPC shares connections of channels that look alike.
        options = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
        self._channel = grpc.secure_channel(self.address, proof, options)
        self._stub = self._channel.unary_unary(self.method, None, None)
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    @property
    def _metadata(self) -> Sequence[tuple[str, str]]:
        return [("authorization", f"Bearer {self.token}")] if self.token else []

    def in_turn(self, calls: int) -> list[float]:
        """Call so many times, one after the other; return how long each took, sorted, in ms."""
        took_ms: list[float] = []
        metadata = self._metadata
        for _ in range(calls):
            before = time.perf_counter()
            self._stub(self.request, metadata=metadata, timeout=10)
            took_ms.append((time.perf_counter() - before) * 1000)
        return sorted(took_ms)

    def at_once(self, seconds: float) -> tuple[int, float]:
        """Keep many calls under way for a while; return how many were answered, in how many seconds."""
        door, metadata = threading.Semaphore(AT_ONCE), self._metadata
        failures: list[Exception] = []

        def note(future: Any) -> None:
            if (failure := future.exception()) is not None:
                failures.append(failure)
            door.release()

        made, begun = 0, time.perf_counter()
        while time.perf_counter() - begun < seconds and not failures:
            door.acquire()
            self._stub.future(self.request, metadata=metadata, timeout=20).add_done_callback(note)
            made += 1
        for _ in range(AT_ONCE):
            door.acquire()
        if failures:
            raise failures[0]
        return made, time.perf_counter() - begun
