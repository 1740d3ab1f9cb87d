"""What must hold of replicas at every moment, and what must be true in the end."""

from __future__ import annotations

import asyncio

from caxton_node.agents.lifecycle import State
from caxton_node.agents.store import Tie
from caxton_node.deployment.constraints import Candidate
from caxton_node.deployment.lease import LEASE_S
from caxton_node.deployment.placement import place
from caxton_node.deployment.spec import DeploymentSpec
from caxton_node.deployment.status import Phase
from tests.support.deployment_world.world import NOTICE_S, World

LOOK_EVERY_S = 0.05
SLACK_S = 1.0
"""A turn of the service, and what starts in that moment."""
CALM_S = NOTICE_S[1] + 15.0
"""After this nothing that happened can still be unnoticed, nor its consequences under way."""


class Judge:
    """Watches a world.

    Args:
        world: Of the hosts.

    Attributes:
        consistent: Names that may not run without the majority for longer than a lease.
        objections: What was seen that must not be.
    """

    def __init__(self, world: World) -> None:
        self.consistent: set[str] = set()
        self.objections: list[str] = []
        self._world = world
        self._were_running: dict[str, set[str]] = {}
        self._task = asyncio.create_task(self._watch())

    def close(self) -> None:
        """Watch no more."""
        if self._task.done():
            self._task.result()  # a judge that fell asleep has seen nothing
        self._task.cancel()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            names = {name for host in self._world.up() for name in host.rows} | set(self._were_running)
            for name in names:
                self._look(name)

    def _look(self, name: str) -> None:
        world = self._world
        running = {host.node_id for host in world.running(name)}
        wrong = {node for node in running if not world.is_with_majority(node)}
        if name in self.consistent and wrong and world.now - world.disturbed_at > LEASE_S + SLACK_S:
            self._object(f"{name} runs without the majority on {sorted(wrong)}")
        was, self._were_running[name] = self._were_running.get(name, set()), running
        is_calm = world.now - world.disturbed_at > CALM_S
        if was and not running and is_calm and any(self._should_run(name, node) for node in was):
            self._object(f"{name} ran on {sorted(was)} and runs nowhere")

    def _should_run(self, name: str, node: str) -> bool:
        """Tell whether a deployment that a host knows has a place among those that the host reaches."""
        world, host = self._world, self._world.hosts[node]
        spec = host.service.book.find(name)
        if spec is None or (spec.is_consistent and not world.is_with_majority(node)):
            return False
        reached = [other for other in world.up() if world.reaches(host, other)]
        return bool(place(spec, [Candidate(other.node_id, other.labels) for other in reached]).chosen)

    def _object(self, what: str) -> None:
        if not self.objections or not self.objections[-1].endswith(what):
            self.objections.append(f"at {self._world.now:.2f} {what}")


def faults(world: World, wanted: list[DeploymentSpec]) -> list[str]:
    """Return in what a world that had time differs from what is wanted; empty if in nothing."""
    candidates = [Candidate(host.node_id, host.labels) for host in world.up()]
    found: list[str] = []
    for spec in wanted:
        by_hand = {
            host.node_id: "taken"
            for host in world.up()
            if spec.name in host.rows and not host.rows[spec.name].glance.tie
        }
        placement = place(spec, candidates, by_hand)
        ours = {host.node_id for host in world.running(spec.name)} - by_hand.keys()
        if ours != set(placement.chosen):
            found.append(f"{spec.name} runs on {sorted(ours)} instead of {sorted(placement.chosen)}")
        found += [
            f"{spec.name} on {host.node_id} is {host.rows[spec.name].glance.manifest.version}"
            for host in world.up()
            if host.node_id in ours and not _is(host.rows[spec.name].glance, spec)
        ]
        enough = len(placement.chosen) >= spec.replicas
        for host in world.up():
            status = host.service.status(spec.name)
            if enough and (status is None or status.phase is not Phase.RUNNING):
                found.append(f"{spec.name} is {status and status.phase} for {host.node_id}")
    names = {spec.name for spec in wanted}
    found += [
        f"{name} is still on {host.node_id}"
        for host in world.up()
        for name, row in host.rows.items()
        if row.glance.tie is not Tie.NONE and name not in names
    ]
    return found


def _is(glance: object, spec: DeploymentSpec) -> bool:
    seen = (glance.manifest, glance.module_sha256, glance.state, glance.tie)  # type: ignore[attr-defined]
    return seen == (spec.manifest, spec.module_sha256, State.RUNNING, spec.consistency.tie)
