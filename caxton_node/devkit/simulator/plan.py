"""What a simulated story consists of, checked before anything is built."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from caxton_node.core.errors import InvalidArgument
from swim.settings import Pace, Settings

NODES_MAX = 16_384
"""As many as a member table takes by default."""
JOINS_MAX = 2_000
DURATION_S_MAX = 3_600.0
OBSERVE_S = 20.0
PROFILES: dict[str, Callable[[Pace], Settings]] = {
    "lan": Settings.lan,
    "wan": Settings.wan,
    "local": Settings.local,
}
PACES = tuple(pace.value for pace in Pace)
Rule = tuple[bool, str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """One story. Equal plans give equal runs.

    Attributes:
        nodes: How many there are at the beginning.
        seed: Decides everything that is left to chance.
        loss: Share of all datagrams that is lost from the second act on.
        kill: Nodes that crash at the same moment.
        slow: Share of the nodes that stand still eight seconds out of ten.
        partition_s: How long the cluster is cut into halves; 0 for not at all.
        observe_s: How long the quiet cluster, and then the faults, are watched.
        profile: Settings and delays: one of `PROFILES`.
        pace: How soon suspects are given up: one of `PACES`.
        joins: Let all nodes join through one seed, instead of starting in agreement.
        sealed: Encrypt as real nodes do; it changes nothing but the time it takes.
    """

    nodes: int = 100
    seed: int = 1
    loss: float = 0.0
    kill: int = 0
    slow: float = 0.0
    partition_s: float = 0.0
    observe_s: float = OBSERVE_S
    profile: str = "lan"
    pace: str = Pace.DEFAULT.value
    joins: bool = False
    sealed: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be played.

        Raises:
            InvalidArgument: With the first rule that is broken.
        """
        for holds, what, why, hint in self._rules():
            if not holds:
                raise InvalidArgument(what, why=why, hint=hint)

    @property
    def settings(self) -> Settings:
        """Return the numbers of every membership."""
        return PROFILES[self.profile](Pace(self.pace))

    @property
    def slow_nodes(self) -> int:
        """Return how many nodes are slow."""
        return round(self.slow * self.nodes)

    @property
    def has_faults(self) -> bool:
        """Tell whether anything but crashes goes wrong."""
        return bool(self.loss or self.slow_nodes or self.partition_s)

    @property
    def command(self) -> str:
        """Return the command line that plays this again."""
        words = [f"caxton-node simulate --nodes {self.nodes} --seed {self.seed}"]
        words += [f"--loss {self.loss:g}"] if self.loss else []
        words += [f"--kill {self.kill}"] if self.kill else []
        words += [f"--slow {self.slow:g}"] if self.slow else []
        words += [f"--partition {self.partition_s:g}"] if self.partition_s else []
        words += [f"--seconds {self.observe_s:g}"] if self.observe_s != OBSERVE_S else []
        words += [f"--profile {self.profile}"] if self.profile != "lan" else []
        words += [f"--pace {self.pace}"] if self.pace != Pace.DEFAULT.value else []
        words += ["--join"] if self.joins else []
        return " ".join(words)

    def _rules(self) -> list[Rule]:
        others = self.nodes - self.slow_nodes - 2
        return [
            (
                2 <= self.nodes <= NODES_MAX,
                f"{self.nodes:,} nodes cannot be simulated",
                f"a cluster has at least two, and a member table holds {NODES_MAX:,}",
                "--nodes 1000",
            ),
            (
                0 <= self.loss <= 0.9,
                f"{self.loss:g} is not a loss",
                "it is a share of all datagrams, from 0 to 0.9",
                "10 % is --loss 0.1",
            ),
            (
                0 <= self.slow <= 0.5,
                f"{self.slow:g} is not a share of slow nodes",
                "at most half of the nodes can be slow, from 0 to 0.5",
                "5 % is --slow 0.05",
            ),
            (
                0 <= self.kill <= max(0, others),
                f"{self.kill:,} of {self.nodes:,} nodes cannot be killed",
                f"two must stay to tell, and slow nodes are left alive: at most {max(0, others):,}",
                "more --nodes, or fewer to --kill",
            ),
            (
                1 <= self.observe_s <= DURATION_S_MAX,
                f"{self.observe_s:g} s cannot be watched",
                f"an act takes from one second to {DURATION_S_MAX:,.0f}",
                "--seconds 60",
            ),
            (
                0 <= self.partition_s <= DURATION_S_MAX,
                f"a partition cannot last {self.partition_s:g} s",
                f"it lasts at most {DURATION_S_MAX:,.0f} s",
                "--partition 120",
            ),
            (
                not self.joins or self.nodes <= JOINS_MAX,
                f"{self.nodes:,} joins take too long to simulate",
                f"everybody must learn of everybody, which is done one by one up to {JOINS_MAX:,} nodes",
                "without --join they start in agreement",
            ),
        ]
