"""Many memberships in one process, each on a socket of its own."""

from __future__ import annotations

import asyncio
import random
import resource
import socket
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple, Self

from caxton_node.cluster.gossip import Gossip
from caxton_node.core.clock import SystemClock
from swim import Address, Identity, Keyring, Membership, Settings
from tests.bench.swim_real.ledger import Ledger
from tests.bench.swim_real.loss import lose

HOST = "127.0.0.1"
GROUP_KEY = bytes([7] * 32)
RECEIVE_BUFFER_BYTES = 2 * 1024 * 1024  # memberlist's


class Socketed(asyncio.DatagramProtocol):
    """One membership on one UDP socket.

    Args:
        node_id: Its id.
        metadata: Its first metadata.
        settings: Of the protocol.
        notify: Receives its events.
    """

    def __init__(
        self, node_id: str, metadata: bytes, settings: Settings, notify: Callable[[str, object], None]
    ) -> None:
        self.node_id = node_id
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        self.socket.bind((HOST, 0))
        self.address: Address = self.socket.getsockname()
        identity = Identity(node_id, self.address, 1, metadata)
        self.core = Membership(identity, settings, Keyring("bench", [GROUP_KEY]), random.Random(node_id))
        self.pump = Gossip(self.core, self._send, lambda event: notify(node_id, event), SystemClock())

    async def open(self) -> Self:
        """Listen."""
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, sock=self.socket)
        return self

    def _send(self, datagram: bytes, address: Address) -> None:
        self._transport.sendto(datagram, address)

    def datagram_received(self, data: bytes, addr: Address) -> None:
        """Hand a datagram to the pump."""
        self.pump.receive(data, addr)

    def update(self, metadata: bytes) -> None:
        """Change the metadata."""
        self.pump.perform(self.core.update_metadata(metadata, time.monotonic()))

    def close(self) -> None:
        """Vanish without a goodbye."""
        self.pump.close()
        self._transport.close()


class Usage(NamedTuple):
    """What the members of one process have used up so far."""

    datagrams: int
    payload_bytes: int
    cpu_s: float


class Members:
    """The members of one process: part of a cluster or all of it.

    Args:
        settings: Of the protocol.

    Attributes:
        ledger: What they noticed.
        running: Those that were not killed, by id.
    """

    def __init__(self, settings: Settings) -> None:
        self.ledger = Ledger()
        self.running: dict[str, Socketed] = {}
        self._settings = settings
        self._gone = Usage(0, 0, 0.0)

    async def open(self, metadata: Mapping[str, bytes]) -> dict[str, Address]:
        """Open a socket for each id; returns the addresses."""
        for node_id, content in metadata.items():
            member = Socketed(node_id, content, self._settings, self.ledger.note)
            self.ledger.listen(node_id)
            self.running[node_id] = await member.open()
        return {node_id: member.address for node_id, member in self.running.items()}

    async def start(self, seed: Address, node_ids: Collection[str]) -> float:
        """Start these, all at once; returns when that began, on the monotonic clock."""
        began = time.monotonic()
        for node_id in node_ids:
            member = self.running[node_id]
            member.pump.start([seed] if member.address != seed else [])
            await asyncio.sleep(0)
        return began

    async def wait_joined(self, node_id: str, within_s: float) -> bool:
        """Return whether a member got the table of its seed in time."""
        return await self.ledger.wait(lambda: node_id in self.ledger.joined, within_s)

    async def wait_complete(self, within_s: float) -> float:
        """Wait until all know all; returns when that was, on the monotonic clock."""
        await self.ledger.wait(self.ledger.is_complete, within_s)
        return time.monotonic()

    async def wait_updates(self, node_id: str, metadata: bytes, within_s: float) -> list[float]:
        """Wait until all but the member itself have its metadata; returns when each had."""
        times = self.ledger.updates[metadata]
        wanted = len(self.running.keys() - {node_id})
        await self.ledger.wait(lambda: len(times) >= wanted, within_s)
        return times

    async def wait_deaths(self, node_id: str, within_s: float) -> list[float]:
        """Wait until all hold a member for dead; returns when each did."""
        times = self.ledger.deaths[node_id]
        await self.ledger.wait(lambda: len(times) >= len(self.running), within_s)
        return times

    async def update(self, node_id: str, metadata: bytes) -> float:
        """Change the metadata of a member; returns when, on the monotonic clock."""
        began = time.monotonic()
        self.running[node_id].update(metadata)
        return began

    async def lose(self, share: float) -> None:
        """Set the share of datagrams that is lost from now on."""
        for member in self.running.values():
            lose(member.socket, share)

    async def expect(self, node_ids: Collection[str]) -> None:
        """Say who runs; the others here end without a goodbye."""
        self.ledger.expect(node_ids)
        for node_id in self.running.keys() - set(node_ids):
            victim = self.running.pop(node_id)
            sent = victim.core.statistics
            self._gone = Usage(self._gone[0] + sent.datagrams_out, self._gone[1] + sent.bytes_out, 0.0)
            victim.close()

    async def take_false_deaths(self) -> int:
        """Return how often somebody who runs was held dead since this was asked last."""
        taken, self.ledger.false_deaths = self.ledger.false_deaths, 0
        return taken

    async def usage(self) -> Usage:
        """Return what has been used up so far."""
        sent = [member.core.statistics for member in self.running.values()]
        datagrams = self._gone.datagrams + sum(statistics.datagrams_out for statistics in sent)
        payload_bytes = self._gone.payload_bytes + sum(statistics.bytes_out for statistics in sent)
        used = resource.getrusage(resource.RUSAGE_SELF)
        return Usage(datagrams, payload_bytes, used.ru_utime + used.ru_stime)
