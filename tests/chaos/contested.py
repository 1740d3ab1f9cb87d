"""Names that both sides of a split deploy: one agent of each is left, on all registries alike: `make names`.

.venv/bin/python -m tests.chaos.contested [--nodes 5] [--agents 10000] [--contested 1000] [--seconds 30]

Most agents have a name of their own and are there before the split. During it each contested name is deployed
on either side, in a version of the side. What is measured begins with the heal of the network, so it includes
the time in which the members find each other again.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import wait_for
from caxton_node.pb import agents_pb2, registry_pb2
from tests.chaos.cluster import ChaosCluster
from tests.chaos.diary import ALIVE
from tests.chaos.figures import Figures
from tests.chaos.network import between
from tests.chaos.nodes import ChaosNode
from tests.support.guests import tiny

MODULE = tiny(handle="(call $handled (i32.const 1)) (i32.const 0)").encode()
LIMITS = {"memory_bytes": 65_536, "mailbox_depth": 16, "batch_max": 1}
AT_ONCE = 16
VERSIONS = ("1.0.0", "2.0.0")
EQUAL_S = 10.0
"""What is promised, from when all members see each other on; `WAIT_S` is how long it is waited."""
WAIT_S = 240.0
LOOK_EVERY_S = 0.25


@dataclass(slots=True)
class Contest:
    """A cluster, and what is to be done to it.

    Attributes:
        cluster: Formed, on a network that can be cut.
        sides: Node ids; the first side deploys the first version.
        settled: Names that only one node has.
        contested: Names that both sides will deploy.
        split_s: How long the split lasts at least.
        equal_s: By when registries are to be equal once all see all; None: it is told only.
        figures: What is measured.
    """

    cluster: ChaosCluster
    sides: tuple[Sequence[str], Sequence[str]]
    settled: int
    contested: int
    split_s: float
    equal_s: float | None = None
    figures: Figures = field(default_factory=Figures)

    def run(self) -> None:
        """Deploy, split, deploy on both sides, heal, and check what is left."""
        self._deploy("agents of their own names", self._own_names())
        self._wait_equal("registries equal before the split", time.time())
        cut_s = self.cluster.cut(between(*self.sides))
        self._deploy("agents of contested names", self._contested_names())
        self.cluster.hold(cut_s + self.split_s)
        healed_s = self.cluster.heal()
        self.figures.note("split", healed_s - cut_s, "s")
        self._check_reunion(healed_s)

    # -- deploying ------------------------------------------------------------------------------------------

    def _own_names(self) -> dict[str, list[tuple[str, str]]]:
        nodes = [name for side in self.sides for name in side]
        return _dealt([(f"own-{number}", VERSIONS[0]) for number in range(self.settled)], nodes)

    def _contested_names(self) -> dict[str, list[tuple[str, str]]]:
        wanted: dict[str, list[tuple[str, str]]] = {}
        for side, version in zip(self.sides, VERSIONS, strict=True):
            wanted |= _dealt([(name, version) for name in self._names()], side)
        return wanted

    def _names(self) -> list[str]:
        return [f"contested-{number}" for number in range(self.contested)]

    def _deploy(self, what: str, wanted: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        began_s = time.monotonic()
        with ThreadPoolExecutor(AT_ONCE) as several:
            shares = [
                (self.cluster.nodes[node], agents[turn :: AT_ONCE // len(wanted)])
                for node, agents in wanted.items()
                for turn in range(AT_ONCE // len(wanted))
            ]
            list(several.map(_deploy_share, shares))
        count = sum(map(len, wanted.values()))
        self.figures.note(f"{what} deployed", count, "agents")
        self.figures.note(f"{what} deployed", count / (time.monotonic() - began_s), "a second")
        self.cluster.check_whole()

    # -- what is left ---------------------------------------------------------------------------------------

    def _check_reunion(self, healed_s: float) -> None:
        names = tuple(self.cluster.nodes)
        self.cluster.wait_agreed(names, names, ALIVE, within_s=WAIT_S)
        alive_s = self.cluster.diary.agreed_at(names, names, ALIVE, since_s=healed_s)
        assert alive_s is not None
        self.figures.note("heal until all see all alive", alive_s - healed_s, "s")
        wait_for("all losers to be stopped", self._all_settled, within_s=WAIT_S)
        self.figures.note("heal until all losers are stopped", time.time() - healed_s, "s")
        self._wait_equal("heal until registries are equal", healed_s)
        self.figures.note(
            "all alive until registries are equal",
            time.time() - max(alive_s, healed_s),
            "s",
            limit=self.equal_s,
        )
        faults = [fault for name in names if (fault := self._find_fault(name))]
        assert not faults, faults
        self._check_report()
        self._check_told()

    def _all_settled(self) -> bool:
        """Tell by what each node says of itself; lists of all agents would be half of what is measured."""
        self.cluster.check_whole()
        time.sleep(LOOK_EVERY_S)
        running = 0
        for node in self.cluster.nodes.values():
            with node.client() as client:
                running += client.cluster.status().agents_running
        return running == self.settled + self.contested

    def _wait_equal(self, what: str, since_s: float) -> None:
        wait_for("equal registries", self._are_equal, within_s=WAIT_S)
        self.figures.note(what, time.time() - since_s, "s")

    def _are_equal(self) -> bool:
        holdings = [self._holding(name) for name in self.cluster.nodes]
        time.sleep(LOOK_EVERY_S)
        return len({holding.root for holding in holdings}) == 1

    def _holding(self, node: str) -> registry_pb2.GetRegistryResponse:
        with self.cluster.nodes[node].client() as client:
            return client.registry.holding()

    def _find_fault(self, node: str) -> str:
        """Return what is wrong with a node's view: each name runs once, each contested one rests once."""
        with self.cluster.nodes[node].client() as client:
            agents = list(client.agents.list())
        running: dict[str, set[str]] = {}
        resting: dict[str, set[str]] = {}
        for agent in agents:
            known = running if agent.state == agents_pb2.AGENT_STATE_RUNNING else resting
            known.setdefault(agent.name, set()).add(agent.version)
        twice = [name for name, versions in running.items() if len(versions) > 1]
        missing = self.settled + self.contested - len(running)
        if twice or missing:
            return f"{node}: {len(twice)} names run twice, {missing} do not run"
        if resting.keys() != set(self._names()):
            return f"{node}: {len(resting)} contested names have a loser, of {self.contested}"
        odd = [name for name in resting if running[name] | resting[name] != set(VERSIONS)]
        return f"{node}: {odd[:5]} do not have one version running and one at rest" if odd else ""

    def _check_report(self) -> None:
        """Check that the report of any node lists each contested name with what was done."""
        with self.cluster.nodes[self.sides[1][0]].client() as client:
            rows = [row for row in client.registry.conflicts() if row.kind == "name"]
        done = {row.key.removeprefix("default/") for row in rows if "stopped" in row.actions.values()}
        self.figures.note("writes that the report lists as overruled", len(rows), "writes")
        assert done == set(self._names()), f"{len(done)} of {self.contested} names are in the report"

    def _check_told(self) -> None:
        """Check that each loser has handled one message of its platform, and none was lost."""
        handled = lost = 0
        for node in self.cluster.nodes.values():
            with node.client() as client:
                counts = client.cluster.status().messages
            handled, lost = handled + counts.delivered, lost + counts.dead_lettered
        self.figures.note("losers that handled the news", handled, "agents")
        assert (handled, lost) == (self.contested, 0)


def _dealt(agents: Sequence[tuple[str, str]], nodes: Sequence[str]) -> dict[str, list[tuple[str, str]]]:
    return {node: list(agents[turn :: len(nodes)]) for turn, node in enumerate(nodes)}


def _deploy_share(share: tuple[ChaosNode, Sequence[tuple[str, str]]]) -> None:
    node, agents = share
    with node.client() as client:
        for name, version in agents:
            client.agents.deploy(name, MODULE, version=version, limits=LIMITS)


def run(
    folder: Path,
    *,
    nodes: int,
    agents: int,
    contested: int,
    split_s: float,
    equal_s: float | None = None,
    changes: Iterable[str] = (),
    figures: Figures | None = None,
) -> Figures:
    """Form a cluster and let it contest; return what was measured.

    Args:
        folder: For the data of all nodes.
        nodes: How many; the first half and one more are the first side.
        agents: How many in all, both agents of each contested name counted.
        contested: Names that both sides deploy.
        split_s: How long the split lasts at least.
        equal_s: By when registries are to be equal once all see all; None: it is told only.
        changes: Settings that are not the default.
        figures: Where figures go; by default new ones.
    """
    names = tuple(f"n{number}" for number in range(1, nodes + 1))
    sides = names[: nodes // 2 + 1], names[nodes // 2 + 1 :]
    kept = figures or Figures()
    kept.scenario = kept.scenario or f"{contested} contested names of {agents} agents on {nodes} nodes"
    with ChaosCluster(folder, changes=tuple(changes)) as cluster:
        cluster.form(names)
        Contest(cluster, sides, agents - 2 * contested, contested, split_s, equal_s, kept).run()
    return kept


def find_obstacle() -> str:
    """Return what keeps such a network from being made here, "" if nothing does."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's: run this there"
    if shutil.which("ip") is None:
        return "`ip` is missing. On Debian 12 or Ubuntu 24.04: apt-get install iproute2"
    return "" if os.geteuid() == 0 else "making network namespaces needs root: sudo make names"


def main() -> int:
    """Run one round and print its figures; return the exit code: 0 when all held, 2 when it cannot be run."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.contested")
    parser.add_argument("--nodes", type=int, default=5)
    parser.add_argument("--agents", type=int, default=10_000, help="in all, on all nodes")
    parser.add_argument("--contested", type=int, default=0, help="names on both sides [default: a tenth]")
    parser.add_argument("--seconds", type=float, default=30.0, help="the split lasts at least so long")
    given = parser.parse_args()
    if reason := find_obstacle():
        print(reason, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    figures, folder = Figures(), Path(tempfile.mkdtemp(prefix="caxton-chaos-"))
    try:
        run(
            folder, nodes=given.nodes, agents=given.agents, contested=given.contested or given.agents // 10,
            split_s=given.seconds, equal_s=EQUAL_S, figures=figures,
        )  # fmt: skip
    except (AssertionError, CaxtonError) as err:
        print(f"failed: {err}", file=sys.stderr)
        return 1
    finally:
        print(*figures.table(), "", *figures.json_lines(), sep="\n", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
