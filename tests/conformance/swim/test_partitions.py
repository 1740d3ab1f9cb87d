"""Group I, scenarios 87 and 88: partitions of every kind, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import pytest

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    all_alive_everywhere,
    all_views_equal,
    events_alternate,
    false_deaths,
)
from swim.settings import Settings
from tests.conformance.swim.worlds import LONG_S, NAMES, SHORT_S, SIZE, addresses, all_know_dead, formed

pytestmark = pytest.mark.story("018")


@dataclass(frozen=True)
class Cut:
    """A fault of the network, and what must come of it.

    Attributes:
        cut: How many nodes are cut off from the others.
        way: What is lost: "both" ways, what goes "in" to them, or what comes "out" of them.
        lasts_s: How long.
        times: How often in a row.
        kills: Whether those on the two sides must have given each other up at the end of it.
    """

    cut: int
    way: str
    lasts_s: float
    times: int = 1
    kills: bool = True


CUTS = {
    "shorter than a suspicion": Cut(1, "both", SHORT_S, kills=False),
    "shorter than a suspicion, halves": Cut(SIZE // 2, "both", SHORT_S, kills=False),
    "longer than a suspicion": Cut(1, "both", LONG_S),
    "longer than a suspicion, halves": Cut(SIZE // 2, "both", LONG_S),
    "twice": Cut(5, "both", LONG_S, times=2),
    "one without input": Cut(1, "in", LONG_S),
    "two without input": Cut(2, "in", LONG_S),
    "many without input": Cut(6, "in", LONG_S),
    "one without output": Cut(1, "out", LONG_S),
    "two without output": Cut(2, "out", LONG_S),
    "many without output": Cut(6, "out", LONG_S),
}
"""As scalecube tries them."""


def apply(cluster: Cluster, cut: Cut) -> None:
    few, many = addresses(cluster, NAMES[: cut.cut]), addresses(cluster, NAMES[cut.cut :])
    if cut.way in ("both", "in"):
        cluster.network.lose_between(many, few, 1.0)
    if cut.way in ("both", "out"):
        cluster.network.lose_between(few, many, 1.0)


@pytest.mark.scenario(87)
@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_cut_is_seen_if_it_lasts_and_heals_by_itself(seed: int, cut: Cut) -> None:
    """Whoever is cut off in one direction only is given up too, since nothing it is asked is answered.

    Those on the larger side never give each other up, and after it all is as it was. The second cut takes
    the smaller side longer to see than the first: whoever has refuted lately is given more time.
    """
    cluster = formed(seed)
    few, many = NAMES[: cut.cut], NAMES[cut.cut :]
    for time in range(cut.times):
        apply(cluster, cut)
        cluster.network.run_for(cut.lasts_s * (1 + time))
        if cut.kills:
            assert all_views_equal(cluster, among=many)
            assert cut.way != "both" or all_views_equal(cluster, among=few)
        else:
            assert false_deaths(cluster) == []
        cluster.network.heal()
        cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=25)
    assert not {pair for pair in false_deaths(cluster) if set(pair) <= set(many)}
    assert events_alternate(cluster) == []


Change = Callable[[Cluster], None]


def nothing(cluster: Cluster) -> None:
    """Both sides hold each other dead, and that is all."""


def metadata_on_both_sides(cluster: Cluster) -> None:
    cluster.update_metadata(NAMES[0], b"few")
    cluster.update_metadata(NAMES[-1], b"many")


def joins_on_the_larger_side(cluster: Cluster) -> None:
    cluster.add("new-many", [cluster.address(NAMES[-1])])
    keep_to_its_side(cluster, many=["new-many"])


def joins_on_the_smaller_side(cluster: Cluster) -> None:
    cluster.add("new-few", [cluster.address(NAMES[0])])
    keep_to_its_side(cluster, few=["new-few"])


def joins_on_both_sides(cluster: Cluster) -> None:
    for side, seed_name in (("few", NAMES[0]), ("many", NAMES[-1])):
        cluster.add(f"new-{side}", [cluster.address(seed_name)])
    keep_to_its_side(cluster, few=["new-few"], many=["new-many"])


def a_death_on_the_larger_side(cluster: Cluster) -> None:
    cluster.kill(NAMES[-1])


def a_death_on_the_smaller_side(cluster: Cluster) -> None:
    cluster.kill(NAMES[0])


def a_leave_on_the_larger_side(cluster: Cluster) -> None:
    cluster.leave(NAMES[-1])


def a_restart_on_the_smaller_side(cluster: Cluster) -> None:
    cluster.kill(NAMES[0])
    cluster.add(NAMES[0], [cluster.address(NAMES[1])], metadata=b"again")


def changes_of_every_kind(cluster: Cluster) -> None:
    metadata_on_both_sides(cluster)
    a_restart_on_the_smaller_side(cluster)
    cluster.leave(NAMES[-2])
    cluster.kill(NAMES[-3], NAMES[1])
    joins_on_both_sides(cluster)


def keep_to_its_side(cluster: Cluster, *, few: Iterable[str] = (), many: Iterable[str] = ()) -> None:
    """Put newcomers on a side of the partition that is in force."""
    cluster.split([*NAMES[:FEW], *few], [*NAMES[FEW:], *many])


FEW = 5

SIDES: dict[str, Change] = {
    "both hold each other dead": nothing,
    "other metadata on each": metadata_on_both_sides,
    "somebody unknown to the smaller": joins_on_the_larger_side,
    "somebody unknown to the larger": joins_on_the_smaller_side,
    "somebody unknown to either": joins_on_both_sides,
    "a death that the smaller does not know of": a_death_on_the_larger_side,
    "a death that the larger does not know of": a_death_on_the_smaller_side,
    "a leave that the smaller does not know of": a_leave_on_the_larger_side,
    "a restart that the larger does not know of": a_restart_on_the_smaller_side,
    "all of it": changes_of_every_kind,
}


@pytest.mark.scenario(88)
@pytest.mark.parametrize("change", SIDES.values(), ids=SIDES.keys())
def test_a_partition_heals_whatever_became_of_the_sides(seed: int, change: Change) -> None:
    """Ringpop's cases, and nobody on either side dies of the reunion."""
    cluster = formed(seed)
    keep_to_its_side(cluster)
    cluster.network.run_for(LONG_S)
    change(cluster)
    cluster.network.run_for(LONG_S / 2)
    deaths_before = len(false_deaths(cluster))
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=25)
    cluster.network.run_for(15)
    assert all_alive_everywhere(cluster)
    assert len(false_deaths(cluster)) == deaths_before
    assert events_alternate(cluster) == []
    for node in cluster.nodes.values():
        for name, other in cluster.nodes.items():
            assert node.find(name).metadata == other.membership.self_member.metadata
        for name in cluster.killed:
            known = node.membership.find(name)
            assert known is None or not known.is_live


@pytest.mark.scenario(88)
@pytest.mark.parametrize("sides", [3, 4, 8])
def test_several_sides_come_together(seed: int, sides: int) -> None:
    """Pairs take longest: with one helper left, silence looks like an illness of their own."""
    cluster = formed(seed)
    cluster.split(*(NAMES[number::sides] for number in range(sides)))
    cluster.network.run_until(
        lambda: all(all_views_equal(cluster, among=NAMES[number::sides]) for number in range(sides)),
        within_s=90 if sides < 8 else 300,
        check_every_s=1,
    )
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=40)
    assert events_alternate(cluster) == []


@pytest.mark.scenario(88)
def test_one_side_that_remembers_the_other_is_enough(seed: int) -> None:
    """The smaller side has forgotten its dead, the larger has not, and knocks."""
    cluster = Cluster(seed, replace(Settings.lan(), dead_memory_s=40.0), sealed=False)
    for number in range(FEW):
        cluster.add(NAMES[number], [cluster.address(NAMES[0])] if number else [])
    cluster.settings = Settings.lan()
    for name in NAMES[FEW:]:
        cluster.add(name, [cluster.address(NAMES[0])])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)
    keep_to_its_side(cluster)
    cluster.network.run_for(120)
    assert cluster.nodes[NAMES[0]].membership.find(NAMES[-1]) is None
    cluster.network.heal()
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=25)


@pytest.mark.scenario(88)
def test_the_healer_gives_up_when_the_dead_are_forgotten(seed: int) -> None:
    """Ringpop stops after a number of failures; here knocking ends with the memory, a day by default."""
    cluster = formed(seed, settings=replace(Settings.lan(), dead_memory_s=60.0))
    cluster.kill(NAMES[3])
    cluster.network.run_until(lambda: all_know_dead(cluster, [NAMES[3]]), within_s=20)

    def knocks() -> int:
        return sum(node.membership.statistics.knocks for node in cluster.nodes.values())

    cluster.network.run_for(60)
    assert knocks() > 0
    cluster.network.run_for(30)
    before = knocks()
    cluster.network.run_for(120)
    assert knocks() == before
    assert all(node.membership.find(NAMES[3]) is None for node in cluster.nodes.values())
