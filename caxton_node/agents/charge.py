"""What the service keeps of each agent in its charge, and the roster of them."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Protocol

from caxton_node.agents.instance import Instance
from caxton_node.agents.store import Deployed
from caxton_node.agents.supervision import Supervisor
from caxton_node.agents.views import AgentView
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

    def withdraw_others(self, instances: Collection[str]) -> None:
        """Take back whatever this node announced in an earlier run except these instances."""
        ...

    def capabilities_of(self, name: str) -> tuple[str, ...]:
        """Return what an agent has registered on this node, sorted."""
        ...


@dataclass(slots=True)
class Charge:
    """One agent of this node.

    Attributes:
        instance: Its parts.
        row: What is stored of it.
        supervisor: Judge of its failures.
        lock: Held by the command that changes it.
        restarts: Restarts since an operator started it.
        last_error: Why it failed last.
        timer: The restart that is due, if one is.
    """

    instance: Instance
    row: Deployed
    supervisor: Supervisor
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    restarts: int = 0
    last_error: str = ""
    timer: asyncio.TimerHandle | None = None

    @property
    def name(self) -> str:
        """Return `tenant/name`."""
        return self.row.manifest.name

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

    def __contains__(self, name: str) -> bool:
        return name in self._charges

    def __iter__(self) -> Iterator[Charge]:
        """Go through the agents by name, as they are now; any thread."""
        return iter(sorted(self._charges.copy().values(), key=lambda charge: charge.name))

    def add(self, charge: Charge) -> None:
        """Take an agent in charge."""
        self._charges[charge.name] = charge
        self._by_instance[charge.instance.id] = charge

    def remove(self, charge: Charge) -> None:
        """Let an agent go."""
        del self._charges[charge.name]
        del self._by_instance[charge.instance.id]

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
            last_error=charge.last_error,
            waiting=instance.waiting,
            memory_bytes=instance.memory_bytes,
        )

    def announce(self, charge: Charge) -> None:
        """Tell the cluster about an agent's present state."""
        self._announcer.announce(self.view(charge))

    def withdraw(self, charge: Charge) -> None:
        """Tell the cluster that an agent is gone."""
        self._announcer.withdraw(self.view(charge))

    def withdraw_others(self) -> None:
        """Tell the cluster that what this node announced in an earlier run and does not have now is gone."""
        self._announcer.withdraw_others(self._by_instance.keys())
