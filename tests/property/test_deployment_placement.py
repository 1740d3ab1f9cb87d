"""Where replicas run: the same on every node, even, and moved only as far as they must be."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.deployment.constraints import Candidate, parse_constraint
from caxton_node.deployment.placement import SPARES, place
from caxton_node.deployment.spec import EVERYWHERE
from tests.support.deployments import spec_of

pytestmark = pytest.mark.story("026")

nodes = st.sets(st.integers(0, 60).map(lambda number: f"n{number}"), min_size=1, max_size=20)
replicas = st.integers(EVERYWHERE, 8)


def without_labels(names):
    return [Candidate(name, {}) for name in names]


@given(nodes, replicas, st.randoms(use_true_random=False))
def test_the_order_in_which_nodes_are_known_does_not_matter(names, count, rng):
    candidates = without_labels(sorted(names))
    shuffled = candidates[:]
    rng.shuffle(shuffled)
    spec = spec_of("web", replicas=count)
    assert place(spec, shuffled) == place(spec, candidates)


@given(nodes, replicas)
def test_as_many_as_wanted_are_chosen_each_once_or_all_there_are(names, count):
    placement = place(spec_of("web", replicas=count), without_labels(names))
    wanted = len(names) if count == EVERYWHERE else min(count, len(names))
    assert len(placement.chosen) == len(set(placement.chosen)) == wanted
    assert len(placement.spares) == min(SPARES, len(names) - wanted)
    assert set(placement.order) == names


@given(nodes, st.integers(1, 8), st.data())
def test_when_a_node_goes_only_its_own_replica_moves_and_to_the_first_spare(names, count, data):
    spec = spec_of("web", replicas=count)
    before = place(spec, without_labels(names))
    gone = data.draw(st.sampled_from(sorted(names)))
    after = place(spec, without_labels(names - {gone}))
    if gone not in before.chosen:
        assert after.chosen == before.chosen
        return
    kept = [name for name in before.chosen if name != gone]
    assert list(after.chosen) == kept + list(before.spares[:1])


@given(nodes, st.integers(1, 8), st.sets(st.sampled_from("abc"), min_size=1), st.data())
def test_constraints_and_refusals_leave_the_choice_among_the_others_as_it_was(names, count, zones, data):
    candidates = [Candidate(name, {"zone": data.draw(st.sampled_from("abcd"))}) for name in sorted(names)]
    refusing = data.draw(st.sets(st.sampled_from(sorted(names))))
    constraint = parse_constraint("zone=" + "|".join(sorted(zones)))
    free = spec_of("web", replicas=count)
    placement = place(
        spec_of("web", replicas=count, constraints=(constraint,)), candidates, dict.fromkeys(refusing, "no")
    )
    fit = [each for each in candidates if each.labels["zone"] in zones and each.node not in refusing]
    assert placement.chosen == place(free, fit).chosen
    assert set(placement.unfit) == names - {each.node for each in fit}


@given(nodes, st.integers(1, 12), st.data())
def test_a_spread_fills_zones_evenly_as_far_as_they_reach(names, count, data):
    zone_of = {name: data.draw(st.sampled_from("abc")) for name in sorted(names)}
    candidates = [Candidate(name, {"zone": zone}) for name, zone in zone_of.items()]
    placement = place(spec_of("web", replicas=count, spread="zone"), candidates)
    taken, room = Counter(map(zone_of.get, placement.chosen)), Counter(zone_of.values())
    for zone, used in taken.items():
        for other in room:
            assert used <= taken[other] + 1 or taken[other] == room[other], (zone, other)


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 2**32))
def test_many_deployments_are_spread_evenly_over_nodes(salt):
    names = [f"n{number}" for number in range(10)]
    counts = Counter(
        node
        for number in range(1000)
        for node in place(spec_of(f"d{salt}-{number}", replicas=3), without_labels(names)).chosen
    )
    # 300 each on average, with a deviation of some 14.
    assert all(220 <= counts[name] <= 380 for name in names), counts
