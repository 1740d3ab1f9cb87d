"""The client that sends as fast as it is answered, and the one that reads the book."""

from __future__ import annotations

import contextlib
from collections import Counter
from threading import Event, Thread
from types import TracebackType
from typing import Self

from caxton_node.core.errors import CaxtonError
from tests.kills.world import World

TALKS = 8
PAUSE_S = 0.05
PROBE = b"0"
TIMEOUT_S = 5.0


class Worker:
    """A thread that works until it is told to stop; use as a context manager."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.stopping = Event()
        self._thread = Thread(target=self.work, name=type(self).__name__, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stopping.set()
        self._thread.join(30)

    def work(self) -> None:
        """Work until `stopping` is set."""
        raise NotImplementedError


class Sender(Worker):
    """Sends numbers to `front` on a, each once, whatever comes of it.

    Attributes:
        taken: Numbers of which the node has said that it has them.
        unsure: Numbers of which nobody knows: the node was killed over the call.
    """

    def __init__(self, world: World, *, rate_per_s: float) -> None:
        super().__init__(world)
        self.taken: list[int] = []
        self.unsure: list[int] = []
        self._interval_s = 1 / rate_per_s

    def work(self) -> None:
        number = 0
        while not self.stopping.is_set():
            with contextlib.suppress(CaxtonError), self.world.client("a") as client:
                while not self.stopping.wait(self._interval_s):
                    number += 1
                    self.unsure.append(number)  # until the node says otherwise
                    client.messages.send(
                        "front",
                        content=str(number).encode(),
                        performative="inform",
                        conversation_id=f"talk-{number % TALKS}",
                        wait=False,
                        durable=True,
                        timeout_s=TIMEOUT_S,
                    )
                    self.taken.append(self.unsure.pop())
            self.stopping.wait(PAUSE_S)


class Reader(Worker):
    """Reads what is put before `book` on c, in order; what it has had before it does not get again.

    Attributes:
        numbers: What came, in order.
        missed: Events that this reader was too slow for.
        fault: Why it has stopped reading; empty while it reads.
        ready: Set when it reads: the probe has come.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.numbers: list[int] = []
        self.missed = 0
        self.fault = ""
        self.ready = Event()

    def work(self) -> None:
        try:
            self._read()
        except (CaxtonError, ValueError) as err:
            self.fault = f"{type(err).__name__}: {err}"

    def _read(self) -> None:
        with self.world.client("c") as client:
            for event in client.messages.subscribe(["book"], buffer_max=10_000):
                self.missed += event.dropped
                if event.HasField("message") and event.message.content != PROBE:
                    self.numbers.append(int(event.message.content))
                self.ready.set()
                if self.stopping.is_set():
                    return

    def wait_ready(self) -> None:
        """Send probes until the first one is seen."""
        with self.world.client("c") as client:
            while not self.ready.wait(PAUSE_S):
                client.messages.send("book", content=PROBE, performative="inform", wait=False)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave it to the end of its node, which ends the stream."""
        self.stopping.set()

    def counts(self) -> Counter[int]:
        """Return how often each number came."""
        return Counter(list(self.numbers))

    def out_of_order(self) -> list[tuple[int, int]]:
        """List the numbers that came after a later one of the same talk."""
        latest: dict[int, int] = {}
        found = []
        for number in list(self.numbers):
            before = latest.get(number % TALKS, 0)
            if number < before:
                found.append((before, number))
            latest[number % TALKS] = max(before, number)
        return found
