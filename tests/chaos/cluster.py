"""Several daemons, the network between them, and what they say of one another."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from caxton_node.devkit.demo.nodes import wait_for
from tests.chaos.diary import ALIVE, Diary
from tests.chaos.network import Cut, Network
from tests.chaos.nodes import ChaosNode
from tests.chaos.watching import Watch
from tests.support.tun_net import TunNet

MESH_PORT, GRPC_PORT = 7946, 50051
FORM_S = 60.0
LOOK_EVERY_S = 0.25


@dataclass(slots=True)
class ChaosCluster:
    """A cluster of real daemons on a network that can be cut.

    Attributes:
        folder: Of all their data; whoever made it removes it.
        network: Their hosts: on a switch, whose lines are good or cut, or on lines of any badness.
        nodes: By node id.
        diary: What they saw, each from its start.
        watches: By node id.
        changes: Settings of all that are not the default.
    """

    folder: Path
    network: Network | TunNet = field(default_factory=Network)
    nodes: dict[str, ChaosNode] = field(default_factory=dict)
    diary: Diary = field(default_factory=Diary)
    watches: dict[str, Watch] = field(default_factory=dict)
    changes: tuple[str, ...] = ()

    # -- its life -------------------------------------------------------------------------------------------

    def form(self, names: Iterable[str]) -> None:
        """Let the first node found a cluster and the others join through it; return when each sees all."""
        first, *others = names
        self._place(first).found()
        self._run(first)
        for name in others:
            self._place(name).join(self.nodes[first])
        with ThreadPoolExecutor() as several:
            list(several.map(self._run, others))
        self.wait_agreed(self.nodes, self.nodes, ALIVE, within_s=FORM_S)

    def join(self, name: str, *, seed: str, cuts: Iterable[Cut] = ()) -> None:
        """Let one more node join through another, with these directions cut from the first moment."""
        self._place(name, cuts).join(self.nodes[seed])
        self._run(name)

    def kill(self, name: str) -> None:
        """End a daemon as a power cut would; its watch ends with it."""
        self.nodes[name].kill()
        self.watches.pop(name).stop()

    def close(self) -> None:
        """End all daemons and remove the network; their data stays."""
        try:
            for watch in self.watches.values():
                watch.stop()
            for node in self.nodes.values():
                node.kill()
        finally:
            self.network.close()

    def __enter__(self) -> Self:
        try:
            self.network.open()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _place(self, name: str, cuts: Iterable[Cut] = ()) -> ChaosNode:
        host = self.network.attach(name, cuts)
        node = ChaosNode(name, self.folder / name, MESH_PORT, GRPC_PORT, host=host, changes=self.changes)
        self.nodes[name] = node
        return node

    def _run(self, name: str) -> None:
        node = self.nodes[name]
        node.start()
        node.wait_ready()
        self.watches[name] = watch = Watch(node, self.diary)
        watch.start()

    # -- what is done to it ---------------------------------------------------------------------------------

    def cut(self, cuts: Iterable[Cut]) -> float:
        """Cut exactly these directions; return when, in seconds since 1970."""
        at_s = time.time()
        self.network.cut(cuts)
        return at_s

    def heal(self) -> float:
        """Let everything reach everybody again; return when, in seconds since 1970."""
        self.network.cut(())
        return time.time()

    def hold(self, until_s: float) -> None:
        """Leave everything as it is until then, and see to it that no daemon ends and no event is missed.

        Args:
            until_s: Seconds since 1970.
        """
        while time.time() < until_s:
            self.check_whole()
            time.sleep(min(LOOK_EVERY_S, max(0.0, until_s - time.time())))

    # -- what it says ---------------------------------------------------------------------------------------

    def check_whole(self) -> None:
        """Check that every daemon runs that was not killed, and that all it said has been heard."""
        for name, watch in self.watches.items():
            assert self.nodes[name].is_running, f"{name} ended by itself:\n{self.nodes[name].log_tail()}"
            assert watch.is_listening, f"what {name} says is no longer heard ({watch.dropped} events lost)"

    def wait_agreed(
        self, observers: Collection[str], members: Collection[str], state: str, *, within_s: float
    ) -> None:
        """Return when each of these nodes sees each of these members so."""

        def agreed() -> bool:
            self.check_whole()
            return self.diary.agree(observers, members, state)

        wait_for(f"{', '.join(observers)} to see {', '.join(members)} {state}", agreed, within_s=within_s)

    def lives(self) -> dict[str, tuple[int | None, object]]:
        """Return process id and epoch of every daemon that runs: who was started again has others."""
        return {
            name: (node.process.pid if node.process else None, node.members()[name]["epoch"])
            for name, node in self.nodes.items()
            if node.is_running
        }
