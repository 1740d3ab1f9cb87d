"""Starting and stopping agents on the word of agents: of themselves, of others if their manifest says so."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from caxton_node.agents.lifecycle import State
from caxton_node.agents.views import AgentView
from caxton_node.ams.acts import About, Command, Modify, Restart, Start
from caxton_node.ams.descriptions import Descriptions
from caxton_node.ams.relay import Relay
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, NotFound
from caxton_node.core.ids import Address, full_name
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.platform_acts import Call, Refused, Voice
from caxton_node.messaging.write_pace import WritePace
from caxton_node.observability.background import tell_of_bug
from caxton_node.registry.records import InstanceRecord

RUNNING_MAX = 64
RESTART_INTERVAL_S = 5.0
_AMS = full_name(PLATFORM_SENDER)


class Agents(Protocol):
    """What the commands need of the agents of this node."""

    def find_state(self, name: str) -> State | None:
        """Return where an agent is in its life, None if there is none of this name."""
        ...

    def may_manage(self, name: str, other: str) -> bool:
        """Tell whether the manifest of an agent lets it manage another."""
        ...

    async def start(self, name: str) -> AgentView:
        """Start an agent."""
        ...

    async def stop(self, name: str) -> tuple[AgentView, int]:
        """Drain an agent and stop it."""
        ...

    async def restart(self, name: str) -> AgentView:
        """Replace an agent's sandbox by a fresh one."""
        ...


class Instances(Protocol):
    """What the commands need of the registry."""

    def instances(self, name: str | None = None) -> Sequence[InstanceRecord]:
        """List the instances of an agent on nodes that are alive."""
        ...


class Commands:
    """Carries out what agents ask about agents; on the event loop.

    Args:
        node_id: This node.
        agents: Those of this node.
        registry: Knows where others are.
        descriptions: What agents say of themselves.
        relay: Asks other nodes.
        acts: Answers.
        clock: Time.
        pace: How fast an agent may change descriptions.
    """

    def __init__(
        self,
        *,
        node_id: str,
        agents: Agents,
        registry: Instances,
        descriptions: Descriptions,
        relay: Relay,
        acts: Voice,
        clock: Clock,
        pace: WritePace,
    ) -> None:
        self._node_id = node_id
        self._agents = agents
        self._registry = registry
        self._descriptions = descriptions
        self._relay = relay
        self._acts = acts
        self._clock = clock
        self._pace = pace
        self._under_way: set[asyncio.Task[None]] = set()
        self._restarted: dict[str, float] = {}
        self._closed = False

    def take(self, call: Call[About]) -> dict[str, object] | None:
        """Do what an agent asks, here or by way of another node.

        Returns:
            The answer, None if it comes later.

        Raises:
            Refused: It is not permitted, or not now.
            NotFound: There is no such agent.
        """
        request = call.request
        target = full_name(request.agent) if request.agent else call.sender.name
        is_self = target == call.sender.name and request.node in (None, self._node_id)
        self._check_permitted(call, target, is_self=is_self)
        node = self._node_id if is_self else self._find_node(target, request.node)
        if node != self._node_id:
            self._relay.pass_on(call, target, node)
            return None
        if isinstance(request, Modify):
            return self._describe(call, target, request)
        self._begin(call, request, target, is_self=is_self)
        return None

    def _describe(self, call: Call[About], target: str, request: Modify) -> dict[str, object]:
        new, node = dict(request.description), self._node_id
        old = self._descriptions.find(target, node)
        asker = request.on_behalf_of or call.sender.name
        self._pace.spend(asker, writes=bool(new) and new != old, removals=bool(old) and not new)
        self._descriptions.put(target, node, new)
        return {"modified": str(Address(target))}

    async def close(self) -> None:
        """Give no more commands; those under way end with the agents."""
        self._closed = True
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    # -- who may --------------------------------------------------------------------------------------------

    def _check_permitted(self, call: Call[About], target: str, *, is_self: bool) -> None:
        sender = call.sender
        if call.request.on_behalf_of is not None:
            if sender.name != _AMS or sender.node == self._node_id:
                raise Refused("not-allowed", "only the ams of another node speaks on behalf of somebody")
            return
        if call.is_client:
            raise Refused("not-allowed", f"{sender} is a client; operators have commands for this")
        if sender.node != self._node_id:
            raise Refused("not-here", f"{sender} asks the ams of its own node, not of {self._node_id}")
        if not is_self and not self._agents.may_manage(sender.name, target):
            detail = f"the manifest of {sender} does not let it manage {Address(target)} (--manage)"
            raise Refused("not-allowed", detail)

    def _find_node(self, target: str, wanted: str | None) -> str:
        nodes = sorted({record.node for record in self._registry.instances(target)})
        if wanted is not None and wanted in nodes:
            return wanted
        if wanted is not None or not nodes:
            where = f" on node {wanted}" if wanted else " in the cluster"
            raise NotFound(f"no agent {Address(target)}{where}", hint="search shows where agents are")
        if len(nodes) > 1:
            shown = ", ".join(nodes[:10])
            raise Refused("ambiguous", f"{Address(target)} runs on {shown}; say which node")
        return nodes[0]

    # -- carrying out ---------------------------------------------------------------------------------------

    def _begin(self, call: Call[About], request: Command, target: str, *, is_self: bool) -> None:
        if self._agents.find_state(target) is None:
            raise NotFound(
                f"no agent {Address(target)} on node {self._node_id}", hint="search shows where it is"
            )
        if self._closed or len(self._under_way) >= RUNNING_MAX:
            raise Refused("busy", "too many agents are being started and stopped; ask again later")
        if is_self and isinstance(request, Restart):
            self._check_pace(target)
        self._acts.agree(call.envelope, {"agent": str(Address(target, self._node_id))})
        task = asyncio.create_task(self._carry_out(call, request, target), name="ams-command")
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        task.add_done_callback(tell_of_bug)

    async def _carry_out(self, call: Call[About], request: Command, target: str) -> None:
        try:
            view = await self._do(request, target)
        except CaxtonError as err:
            self._acts.fail(call.envelope, err)
            return
        if isinstance(request, Start | Restart) or target != call.sender.name:
            answer = {"agent": str(Address(target, self._node_id)), "state": view.state.value}
            self._acts.inform(call.envelope, answer)

    async def _do(self, request: Command, target: str) -> AgentView:
        if isinstance(request, Start):
            return await self._agents.start(target)
        if isinstance(request, Restart):
            return await self._agents.restart(target)
        view, _ = await self._agents.stop(target)
        return view

    def _check_pace(self, agent: str) -> None:
        """Refuse an agent that restarts itself over and over: each time costs the node a new sandbox."""
        now = self._clock.now()
        recent = {name: at for name, at in self._restarted.items() if now - at < RESTART_INTERVAL_S}
        if agent in recent:
            raise Refused("too-soon", f"an agent restarts itself every {RESTART_INTERVAL_S:g} s at most")
        self._restarted = {**recent, agent: now}
