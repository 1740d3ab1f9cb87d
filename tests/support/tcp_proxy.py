"""A bad path for TCP on loopback, with the toxics of toxiproxy, for machines that have no Go."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
import threading
from contextlib import suppress
from typing import Self

from tests.support.toxics import Toxic

HOST = "127.0.0.1"
_PIECE_BYTES = 16 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER of no time: what was not sent is thrown away, and RST says so


class TcpProxy:
    """Relays connections to one server, on a thread of its own.

    Args:
        target: Port of the server on loopback.
        port: Where to listen; 0 is any.
        seed: Of jitter.

    Attributes:
        port: Where it listens.
        made: Connections so far.
    """

    def __init__(self, target: int, *, port: int = 0, seed: int = 1) -> None:
        self.made = 0
        self._target = target
        self._rng = random.Random(seed)
        self._listening = socket.create_server((HOST, port))
        self.port: int = self._listening.getsockname()[1]
        self._toxics: dict[str, Toxic] = {}
        self._pairs: set[_Pair] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"tcp-proxy-{self.port}", daemon=True)

    def add(self, toxic: Toxic) -> None:
        """Do this, in both directions, to connections that are up and to new ones."""
        self._toxics = {**self._toxics, toxic.type: toxic}
        if toxic.type in {"timeout", "reset_peer"}:
            self._loop.call_soon_threadsafe(self._doom_all)

    def clear(self) -> None:
        """Be a good path again; connections that were broken stay broken."""
        self._toxics = {}

    def find(self, type_: str) -> Toxic | None:
        """Return the toxic of this type that is on, if it is."""
        return self._toxics.get(type_)

    def jitter_s(self, toxic: Toxic) -> float:
        """Draw the delay of one piece."""
        spread_ms = toxic.get("jitter")
        return max(0.0, toxic.get("latency") + self._rng.uniform(-spread_ms, spread_ms)) / 1000

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, sock=self._listening))
        self._loop.run_forever()
        server.close()
        for pair in list(self._pairs):
            pair.reset()
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self._target)
        except OSError:
            writer.transport.abort()
            return
        self.made += 1
        pair = _Pair(self, (writer, far_writer))
        self._pairs.add(pair)
        pair.doom()
        try:
            await asyncio.gather(pair.carry(reader, far_writer), pair.carry(far_reader, writer))
        finally:
            self._pairs.discard(pair)
            pair.close()

    def _doom_all(self) -> None:
        for pair in list(self._pairs):
            pair.doom()


class _Pair:
    """One connection: what is carried in each direction, and how it may end early."""

    def __init__(self, proxy: TcpProxy, writers: tuple[asyncio.StreamWriter, asyncio.StreamWriter]) -> None:
        self._proxy = proxy
        self._writers = writers
        self._loop = asyncio.get_running_loop()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one direction until it ends."""
        line: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        sending = asyncio.create_task(self._send(line, writer))
        try:
            while data := await reader.read(self._piece_bytes()):
                latency = self._proxy.find("latency")
                delay_s = self._proxy.jitter_s(latency) if latency else 0.0
                line.put_nowait((self._loop.time() + delay_s, data))
            line.put_nowait((0.0, b""))
            await sending
        except OSError:
            self.close()
        finally:
            sending.cancel()

    async def _send(self, line: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while True:
                at, data = await line.get()
                await asyncio.sleep(max(0.0, at - self._loop.time()))
                if not data:
                    writer.close()
                    return
                if self._proxy.find("timeout") or self._proxy.find("reset_peer"):
                    continue  # what comes now vanishes
                await self._write(writer, data)

    async def _write(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        size, pause_s = self._slice(len(data))
        for start in range(0, len(data), size):
            piece = data[start : start + size]
            writer.write(piece)
            await writer.drain()
            bandwidth = self._proxy.find("bandwidth")
            await asyncio.sleep(pause_s + (len(piece) / (1000 * bandwidth.get("rate")) if bandwidth else 0.0))

    def _slice(self, length: int) -> tuple[int, float]:
        slicer = self._proxy.find("slicer")
        return (max(1, slicer.get("average_size")), slicer.get("delay") / 1e6) if slicer else (length, 0.0)

    def _piece_bytes(self) -> int:
        # a slow line takes little at once, or one piece would be all it does for seconds
        return 1024 if self._proxy.find("bandwidth") else _PIECE_BYTES

    def doom(self) -> None:
        """Set the end of this connection, if a toxic wants one."""
        for name, end in (("timeout", self.close), ("reset_peer", self.reset)):
            toxic = self._proxy.find(name)
            if toxic is not None and (name == "reset_peer" or toxic.get("timeout")):
                self._loop.call_later(toxic.get("timeout") / 1000, end)

    def reset(self) -> None:
        """End it with RST, both ways."""
        for writer in self._writers:
            bare = writer.get_extra_info("socket")
            with suppress(OSError):
                bare.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.close()

    def close(self) -> None:
        """End it at once."""
        for writer in self._writers:
            writer.transport.abort()
