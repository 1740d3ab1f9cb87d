"""Plans: what can be played, and how it is asked for again."""

from __future__ import annotations

import shlex

import pytest

from caxton_node.cli.simulate import simulate
from caxton_node.core.errors import InvalidArgument
from caxton_node.devkit.simulator.plan import Plan

pytestmark = pytest.mark.story("018")


@pytest.mark.parametrize(
    ("options", "what", "why"),
    [
        ({"nodes": 1}, "1 nodes cannot be simulated", "at least two"),
        ({"nodes": 100_000}, "100,000 nodes", "16,384"),
        ({"loss": 10.0}, "10 is not a loss", "from 0 to 0.9"),
        ({"loss": -0.1}, "-0.1 is not a loss", "from 0 to 0.9"),
        ({"slow": 0.9}, "0.9 is not a share", "at most half"),
        ({"nodes": 10, "kill": 9}, "9 of 10 nodes", "at most 8"),
        ({"nodes": 10, "slow": 0.5, "kill": 4}, "4 of 10 nodes", "at most 3"),
        ({"observe_s": 0.0}, "0 s cannot be watched", "from one second"),
        ({"partition_s": 1e6}, "a partition cannot last 1e+06 s", "at most 3,600 s"),
        ({"nodes": 5_000, "joins": True}, "5,000 joins", "2,000"),
    ],
)
def test_what_cannot_be_played_is_refused_with_a_reason_and_a_way_out(
    options: dict, what: str, why: str
) -> None:
    with pytest.raises(InvalidArgument) as refused:
        Plan(**options)
    assert what in refused.value.what
    assert why in refused.value.why
    assert refused.value.hint


def test_not_a_number_is_not_a_loss() -> None:
    with pytest.raises(InvalidArgument):
        Plan(loss=float("nan"))


@pytest.mark.parametrize(
    "plan",
    [
        Plan(),
        Plan(nodes=1000, loss=0.1, kill=50, seed=7),
        Plan(slow=0.05, partition_s=120, observe_s=60, profile="wan", pace="fast", joins=True),
    ],
)
def test_the_command_of_a_plan_asks_for_the_same_plan(plan: Plan) -> None:
    words = shlex.split(plan.command)
    assert words[:2] == ["caxton-node", "simulate"]
    given = simulate.make_context("simulate", words[2:]).params
    names = {"partition_s": "partition", "observe_s": "seconds", "joins": "join"}
    for field in (
        "nodes",
        "seed",
        "loss",
        "kill",
        "slow",
        "partition_s",
        "observe_s",
        "profile",
        "pace",
        "joins",
    ):
        assert given[names.get(field, field)] == getattr(plan, field)


@pytest.mark.parametrize("profile", ["lan", "wan", "local"])
def test_profiles_and_paces_are_those_of_the_membership(profile: str) -> None:
    fast, tolerant = (Plan(profile=profile, pace=pace).settings for pace in ("fast", "tolerant"))
    assert fast.suspicion_multiplier < tolerant.suspicion_multiplier
    assert fast.probe_interval_s == tolerant.probe_interval_s
