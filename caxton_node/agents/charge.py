"""What the service keeps of each agent in its charge, and the roster of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from caxton_node.agents.condition import Gauge
from caxton_node.agents.degradation import Degradation
from caxton_node.agents.failures import Failure
from caxton_node.agents.instance import Instance
from caxton_node.agents.retirement import Retirement
from caxton_node.agents.store import Deployed
from caxton_node.agents.supervision import Supervisor
from caxton_node.agents.views import AgentView, Glance
from caxton_node.core.errors import NotFound
from caxton_node.core.ids import Address


class Announcer(Protocol):
    """Whoever makes agents known to the cluster."""

    def announce(self, view: AgentView) -> None:
        """Tell everybody that an instance is there, in this state."""
        ...

    def withdraw(self, view: AgentView) -> None:
        """Tell everybody that an instance is gone."""
        ...

    def replace(self, old_instance: str, view: AgentView) -> None:
        """Tell everybody that another instance has taken the place of one."""
        ...

    def withdraw_others(self, instances: Collection[str]) -> None:
        """Take back whatever this node announced in an earlier run except these instances."""
        ...

    def capabilities_of(self, name: str) -> tuple[str, ...]:
        """Return what an agent has registered on this node, sorted."""
        ...

    def claim(self, view: AgentView) -> None:
        """Say that an agent is what its name stands for from now on."""
        ...

    def claim_again(self, view: AgentView) -> None:
        """Say so of an agent that was here before and starts again, if its name allows no such agent now."""
        ...


@dataclass(slots=True)
class Charge:
    """One agent of this node.

    Attributes:
        instance: Its parts.
        row: What is stored of it.
        supervisor: Judge of its failures.
        degradation: How far it has been slowed down.
        lock: Held by the command that changes it.
        restarts: Restarts since an operator started it.
        failure: Why it failed last.
        timer: The restart that is due, if one is.
        retiring: The instance of an earlier version, as long as that finishes what it began.
        asked_at: When it was last asked for a checkpoint, monotonic.
        gauge: How it does, as the cluster is told.
    """

    instance: Instance
    row: Deployed
    supervisor: Supervisor
    degradation: Degradation = field(default_factory=Degradation)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    restarts: int = 0
    failure: Failure | None = None
    timer: asyncio.TimerHandle | None = None
    retiring: Retirement | None = None
    asked_at: float = 0.0
    gauge: Gauge = field(default_factory=Gauge)

    @property
    def name(self) -> str:
        """Return `tenant/name`."""
        return self.row.manifest.name

    def find_instance(self, instance_id: str) -> Instance | None:
        """Return its present instance or the one that retires, by id."""
        if self.instance.id == instance_id:
            return self.instance
        retiring = self.retiring
        return retiring.instance if retiring is not None and retiring.instance.id == instance_id else None

    def wants_checkpoint(self, now: float) -> bool:
        """Return whether it is time to ask it for a checkpoint."""
        every_s = self.row.manifest.checkpoint_every_s
        return bool(every_s) and self.instance.keeps is not None and now - self.asked_at >= every_s

    def glance(self) -> Glance:
        """Return what deployments are decided by; any thread."""
        row, failure = self.row, self.failure
        return Glance(
            manifest=row.manifest,
            module_sha256=row.module_sha256,
            state=self.instance.state,
            tie=row.tie,
            verdict=failure.verdict if failure else "",
            failure=str(failure) if failure else "",
        )

    def begin_anew(self) -> None:
        """Forget what supervision has held against it: an operator took the matter in hand."""
        self.cancel_restart()
        self.failure = None
        self.row = replace(self.row, failure=None)
        self.supervisor.reset()
        self.degradation.reset()
        self.gauge = Gauge()
        self.restarts = 0

    def cancel_restart(self) -> None:
        """Let no restart come any more."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Roster:
    """The agents of this node by name, and the view of each.

    Args:
        node_id: This node.
        announcer: Knows what agents have registered.
    """

    def __init__(self, node_id: str, announcer: Announcer) -> None:
        self._node_id = node_id
        self._announcer = announcer
        self._charges: dict[str, Charge] = {}
        self._by_instance: dict[str, Charge] = {}
        self._with_interval: dict[str, Charge] = {}
        self._replicas: dict[str, Charge] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._charges

    def __iter__(self) -> Iterator[Charge]:
        """Go through the agents by name, as they are now; any thread."""
        return iter(sorted(self._charges.copy().values(), key=lambda charge: charge.name))

    def add(self, charge: Charge) -> None:
        """Take an agent in charge."""
        self._charges[charge.name] = charge
        self._by_instance[charge.instance.id] = charge
        self.set_row(charge, charge.row)

    def remove(self, charge: Charge) -> None:
        """Let an agent go."""
        del self._charges[charge.name]
        del self._by_instance[charge.instance.id]
        self._with_interval.pop(charge.name, None)
        self._replicas.pop(charge.name, None)

    def set_row(self, charge: Charge, row: Deployed) -> None:
        """Note other facts about the deployment of an agent."""
        charge.row = row
        if row.manifest.checkpoint_every_s:
            self._with_interval[charge.name] = charge
        else:
            self._with_interval.pop(charge.name, None)
        if row.tie:
            self._replicas[charge.name] = charge

    def charges(self) -> list[Charge]:
        """List the agents in the order in which they came."""
        return list(self._charges.values())

    def replicas(self) -> list[Charge]:
        """List the agents that are replicas of deployments."""
        return list(self._replicas.values())

    def due_for_checkpoint(self, now: float) -> list[Charge]:
        """List the agents that are to be asked for a checkpoint at this monotonic instant."""
        return [charge for charge in self._with_interval.values() if charge.wants_checkpoint(now)]

    def replace(self, charge: Charge, instance: Instance, row: Deployed) -> None:
        """Give an agent another instance; the one before is found as long as it retires."""
        self._by_instance[instance.id] = charge
        charge.instance = instance
        self.set_row(charge, row)

    def forget(self, instance_id: str) -> None:
        """Forget an instance that was replaced."""
        self._by_instance.pop(instance_id, None)

    def find_instance(self, instance_id: str) -> Charge | None:
        """Find an agent by its instance; any thread."""
        return self._by_instance.get(instance_id)

    def get(self, name: str) -> Charge:
        """Return an agent by `tenant/name`.

        Raises:
            NotFound: This node has none of this name.
        """
        try:
            return self._charges[name]
        except KeyError:
            raise NotFound(
                f"no agent {Address(name)} on node {self._node_id}",
                hint="caxton agent list shows what there is",
            ) from None

    def view(self, charge: Charge) -> AgentView:
        """Return what can be told about an agent now."""
        instance, row = charge.instance, charge.row
        return AgentView(
            manifest=row.manifest,
            instance=instance.id,
            number=instance.number,
            node=self._node_id,
            state=instance.state,
            module_sha256=row.module_sha256,
            module_bytes=row.module_bytes,
            capabilities=self._announcer.capabilities_of(row.manifest.name),
            deployed_unix_ms=row.deployed_unix_ms,
            restarts=charge.restarts,
            last_error=str(charge.failure) if charge.failure else "",
            failure=charge.failure,
            waiting=instance.waiting,
            memory_bytes=instance.memory_bytes,
            batch_now=instance.batch_now,
            tie=row.tie,
            condition=charge.gauge.told,
        )

    def announce(self, charge: Charge) -> None:
        """Tell the cluster about an agent's present state."""
        self._announcer.announce(self.view(charge))

    def announce_in_place_of(self, old_instance: str, charge: Charge) -> None:
        """Tell the cluster that an agent's present instance has taken the place of another."""
        self._announcer.replace(old_instance, self.view(charge))

    def claim(self, charge: Charge) -> None:
        """Tell the cluster that an agent is what its name stands for from now on."""
        self._announcer.claim(self.view(charge))

    def claim_again(self, charge: Charge) -> None:
        """Tell the cluster so of an agent that starts again, if its name allows no such agent now."""
        self._announcer.claim_again(self.view(charge))

    def withdraw(self, charge: Charge) -> None:
        """Tell the cluster that an agent is gone."""
        self._announcer.withdraw(self.view(charge))

    def withdraw_others(self) -> None:
        """Tell the cluster that what this node announced in an earlier run and does not have now is gone."""
        self._announcer.withdraw_others(self._by_instance.keys())
