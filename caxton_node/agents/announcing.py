"""Agents made known: their instances in the registry, and the registry's instances as routes of messages.

Each node publishes its own instances; every node turns what the registry knows into its route table. Only
Running instances are in a route. While a trapped agent waits for its restart it is out of the routes of other
nodes, and messages that are already under way wait in its mailbox.
"""

from __future__ import annotations

from collections.abc import Collection

from caxton_node.agents.claiming import Claims
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Keeping
from caxton_node.agents.views import AgentView
from caxton_node.messaging.routes import RouteTable, Target
from caxton_node.registry import InstanceRecord, Registry

# Whoever is in one of these will register again when it starts.
_SILENT = frozenset({State.LOADED, State.STOPPED, State.FAILED, State.UNLOADED})


class RegistryAnnouncer:
    """Publishes the instances of this node; implements `charge.Announcer`.

    Attributes:
        claims: Whose names are.
    """

    def __init__(self, registry: Registry, node_id: str) -> None:
        self.claims = Claims(registry)
        self._registry = registry
        self._node_id = node_id

    def announce(self, view: AgentView) -> None:
        """Publish an instance in its present state; one that does not run offers nothing.

        An agent that goes on from an image of its memory does not register again, so its entries stay;
        searches pass them over until it runs.
        """
        self._registry.put_instance(record_of(view))
        if view.state in _SILENT and view.manifest.keeping is not Keeping.IMAGE:
            self._registry.remove_capabilities_of(view.manifest.name)

    def withdraw(self, view: AgentView) -> None:
        """Take an instance and what it offered out of the registry, and its name if nobody else has it."""
        self._registry.remove_instance(view.instance)
        self._registry.remove_capabilities_of(view.manifest.name)
        self.claims.release(view.manifest.name)

    def claim(self, view: AgentView) -> None:
        """Say that an agent is what its name stands for from now on."""
        self.claims.take(view)

    def claim_again(self, view: AgentView) -> None:
        """Say so of an agent that starts again, if its name allows no such agent now."""
        self.claims.take_again(view)

    def replace(self, old_instance: str, view: AgentView) -> None:
        """Publish an instance in place of another of the same agent, which keeps what it has registered."""
        self._registry.put_instance(record_of(view))
        if old_instance != view.instance:
            self._registry.remove_instance(old_instance)

    def withdraw_others(self, instances: Collection[str]) -> None:
        """Take out the entries of this node that an earlier run left behind."""
        names = {instance.partition("#")[0] for instance in instances}
        for entry in self._registry.own_entries():
            if entry.kind == InstanceRecord.KIND and entry.key not in instances:
                self._registry.remove_instance(entry.key)
                name = entry.key.partition("#")[0]
                if name not in names:
                    self._registry.remove_capabilities_of(name)

    def capabilities_of(self, name: str) -> tuple[str, ...]:
        """Return what an agent on this node has registered, sorted."""
        return tuple(found.name for found in self._registry.capabilities_of(name))


class RouteKeeper:
    """Keeps the route table in step with the registry; subscribe it once, before agents start."""

    def __init__(self, registry: Registry, routes: RouteTable) -> None:
        self._registry = registry
        self._routes = routes
        registry.subscribe(self.update)

    def update(self, names: Collection[str]) -> None:
        """Set the routes of these names to the instances that run now."""
        for name in names:
            running = (found for found in self._registry.instances(name) if found.state == State.RUNNING)
            targets = [
                Target(found.key, found.node) for found in sorted(running, key=lambda found: found.key)
            ]
            self._routes.replace(name, targets)


def record_of(view: AgentView) -> InstanceRecord:
    """Return what the registry keeps of an instance."""
    return InstanceRecord(
        name=view.manifest.name,
        version=view.manifest.version,
        number=view.number,
        node=view.node,
        state=view.state.value,
        module_sha256=view.module_sha256,
        capabilities=view.capabilities,
        load=view.condition.load,
        failing=view.condition.failing,
    )
