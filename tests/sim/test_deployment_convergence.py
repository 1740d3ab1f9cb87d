"""Nodes that die, return, restart and are cut off: the real deployment services in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.views import Glance
from caxton_node.deployment import Consistency, DeploymentSpec
from caxton_node.deployment.changing import Wish
from caxton_node.deployment.placement import score
from caxton_node.deployment.reports import ReplicaState
from tests.support.deployment_world.agents import Row
from tests.support.deployment_world.history import ZONES, agreed, create, history, opened, spec_of
from tests.support.deployment_world.judge import CALM_S
from tests.support.deployment_world.loop import run_virtually
from tests.support.deployment_world.world import SETTINGS, World

pytestmark = pytest.mark.story("026")

ROUNDS = 4


async def come_true(world: World, what: Callable[[], bool], within_s: float = 30.0) -> float:
    """Wait for something; returns how long that took."""
    began = world.now
    while not what():
        assert world.now - began < within_s, "it did not come true"
        await asyncio.sleep(0.05)
    return world.now - began


def where(world: World, spec: DeploymentSpec) -> set[str]:
    return {host.node_id for host in world.running(spec.name)}


def test_a_dead_nodes_replica_runs_elsewhere_and_goes_back_without_a_gap(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web", replicas=2))
            await agreed(world, spec)
            victim = min(where(world, spec))
            await world.kill(victim)
            await agreed(world, spec, within_s=25)
            await asyncio.sleep(CALM_S)
            await world.start(victim)
            await agreed(world, spec)
            assert victim in where(world, spec)

    run_virtually(scenario())


def test_a_restart_with_a_goodbye_moves_nothing(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web", replicas=2))
            await agreed(world, spec)
            before = where(world, spec)
            await world.leave(min(before))
            await asyncio.sleep(3)
            assert where(world, spec) == before - {min(before)}, "nobody takes over at once"
            await world.start(min(before))
            await agreed(world, spec)
            assert where(world, spec) == before

    run_virtually(scenario())


def test_a_node_that_leaves_for_good_is_replaced_after_the_grace(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web"))
            await agreed(world, spec)
            await world.leave(min(where(world, spec)))
            took_s = await come_true(world, lambda: bool(where(world, spec)))
            assert 9 <= took_s <= 13

    run_virtually(scenario())


def test_in_a_split_the_available_runs_on_both_sides_and_the_consistent_with_the_majority(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, judge):
            web = await create(world, spec_of("default/web", replicas=2))
            db = await create(world, spec_of("default/db", replicas=2, consistency=Consistency.CONSISTENT))
            judge.consistent.add(db.name)
            await agreed(world, web, db)
            minority = {min(where(world, db)), min(where(world, web))}
            world.split(minority)
            await asyncio.sleep(45)
            assert where(world, db).isdisjoint(minority)
            assert len(where(world, db)) == 2
            assert len(where(world, web) & minority) == len(minority)
            assert len(where(world, web) - minority) == 2
            world.heal()
            await agreed(world, web, db)

    run_virtually(scenario())


def test_what_is_consistent_starts_with_nobody_who_is_alone(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, judge):
            db = await create(world, spec_of("default/db", consistency=Consistency.CONSISTENT))
            judge.consistent.add(db.name)
            await agreed(world, db)
            for node in ZONES:
                await world.kill(node)
            await world.start("n1")
            await world.start("n2")
            await asyncio.sleep(60)
            assert where(world, db) == set()
            await world.start("n3")
            await come_true(world, lambda: len(where(world, db)) == 1)

    run_virtually(scenario())


def test_a_version_that_does_not_come_up_on_the_first_node_reaches_no_other(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web", replicas=3))
            await agreed(world, spec)
            world.unable = {(node, "bad") for node in ZONES}
            changes = world.hosts["n1"].service.changes
            changed = await changes.update("web", Wish(agent=Change(module="bad", version="2.0.0")))  # type: ignore[arg-type]  # modules are called by their digests here
            await asyncio.sleep(30)
            rows = [host.rows[spec.name].glance for host in world.running(spec.name)]
            assert [row.module_sha256 for row in rows] == ["m1"] * 3
            status = world.hosts["n5"].service.status(spec.name)
            assert status is not None
            states = [replica.state for replica in status.replicas]
            assert states == [ReplicaState.FAILED, ReplicaState.RUNNING, ReplicaState.RUNNING]
            assert "cannot run it" in status.replicas[0].reason
            assert "takes generation 2 first" in status.replicas[1].reason
            world.unable.clear()
            await agreed(world, changed, within_s=60)

    run_virtually(scenario())


def test_a_change_goes_from_node_to_node(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web", replicas=5))
            await agreed(world, spec)
            changed = await world.hosts["n2"].service.changes.update(
                "web", Wish(agent=Change(version="2.0.0"))
            )
            order = []

            def note() -> bool:
                order.extend(
                    host.node_id
                    for host in world.running(spec.name)
                    if host.rows[spec.name].glance.manifest.version == "2.0.0" and host.node_id not in order
                )
                return len(order) == 5

            await come_true(world, note)
            status = world.hosts["n1"].service.status(spec.name)
            assert status is not None
            assert order == [replica.node for replica in status.replicas]
            await agreed(world, changed)

    run_virtually(scenario())


def test_a_node_that_cannot_run_it_passes_it_on_and_takes_it_back_later(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = spec_of("default/web")
            status = None
            first = await create(world, spec)
            await agreed(world, first)
            owner = min(where(world, first))
            world.hosts["n1"].service.changes.delete("web")
            await agreed(world)
            world.unable = {(owner, "m1")}
            second = await create(world, spec)
            await come_true(world, lambda: bool(where(world, second)))
            assert owner not in where(world, second)
            status = world.hosts["n2"].service.status("default/web")
            assert status is not None
            assert "INVALID_WASM" in status.unplaced[owner]
            world.unable.clear()
            await agreed(world, second, within_s=60)
            assert where(world, second) == {owner}

    run_virtually(scenario())


def test_an_agent_deployed_by_hand_is_left_alone(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            by_hand = Row(Glance(Manifest("default/web"), "mine", State.RUNNING, tie=""))  # type: ignore[arg-type]
            world.hosts["n3"].rows["default/web"] = by_hand
            spec = await create(world, spec_of("default/web", replicas=5))
            await asyncio.sleep(15)
            assert world.hosts["n3"].rows["default/web"] is by_hand
            assert len(where(world, spec)) == 5
            world.hosts["n1"].service.changes.delete("web")
            await come_true(world, lambda: where(world, spec) == {"n3"})
            assert world.hosts["n3"].rows["default/web"] is by_hand

    run_virtually(scenario())


def test_a_replica_stays_where_it_is_while_its_best_node_has_an_agent_by_hand(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            wanted = spec_of("default/web")
            best = max(world.hosts, key=lambda node: score(wanted.name, node))
            host = world.hosts[best]
            manifest = Manifest("default/web")
            host.rows["default/web"] = Row(Glance(manifest, "mine", State.RUNNING, tie=""))  # type: ignore[arg-type]
            host.agents.restore()
            await create(world, wanted)
            await come_true(world, lambda: len(where(world, wanted)) == 2)
            both = where(world, wanted)
            until = world.now + 4 * SETTINGS.refusal_longest_s
            while world.now < until:
                assert where(world, wanted) == both
                await asyncio.sleep(0.05)
            status = host.service.status("default/web")
            assert status is not None
            assert status.running == 1, "the agent of somebody else does not count"
            host.agents.rows.pop("default/web")
            host.registry.remove_entry("instance", f"default/web#{manifest.version}.1@{best}")
            await come_true(world, lambda: where(world, wanted) == {best})

    run_virtually(scenario())


def test_a_node_that_has_lost_its_registry_and_is_alone_keeps_its_replicas(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web", replicas=5))
            await agreed(world, spec)
            await world.kill("n2")
            world.split({"n2"})
            world.hosts["n2"].kept = []
            await world.start("n2")
            await asyncio.sleep(30)
            assert "n2" in where(world, spec), "nobody has told it that the deployment was deleted"
            world.heal()
            await agreed(world, spec)

    run_virtually(scenario())


def test_the_module_outlives_the_node_where_it_was_deployed(seed):
    async def scenario() -> None:
        async with opened(seed) as (world, _):
            spec = await create(world, spec_of("default/web"), at="n4")
            await agreed(world, spec)
            await come_true(world, lambda: sum("m1" in host.held for host in world.up()) == 3)
            for node in {"n4"} | where(world, spec):
                await world.kill(node)
            await come_true(world, lambda: bool(where(world, spec)))

    run_virtually(scenario())


@pytest.mark.parametrize("number", range(ROUNDS))
def test_whatever_happens_in_the_end_just_those_run_that_are_wanted(seed, number):
    run_virtually(history(f"{seed}-{number}"))
