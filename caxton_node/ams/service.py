"""The platform agent `ams`: introduces its parts to one another, gives each message to the one it is for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from caxton_node.agents.chronicle import AgentMoved
from caxton_node.agents.lifecycle import State
from caxton_node.ams.acts import (
    About,
    Cancel,
    CancelTimer,
    GetDescription,
    ListTimers,
    Modify,
    Register,
    Request,
    Search,
    SetTimer,
    Watch,
    read_cancel,
    read_request,
    read_subscription,
)
from caxton_node.ams.commands import Agents, Commands
from caxton_node.ams.descriptions import Descriptions
from caxton_node.ams.descriptions import Registry as DescribedRegistry
from caxton_node.ams.relay import Relay
from caxton_node.ams.timekeeping import Timekeeping
from caxton_node.ams.timer_store import TimerStore
from caxton_node.ams.timers import Timers
from caxton_node.ams.watching import Watching
from caxton_node.ams.white_pages import Instances, WhitePages
from caxton_node.core.clock import Clock
from caxton_node.core.events import EventBus
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.platform_acts import Call, PlatformActs, Refused
from caxton_node.messaging.write_pace import WritePace
from caxton_node.observability import Reading
from caxton_node.observability.board import reading
from caxton_node.storage import Database

AMS = PLATFORM_SENDER
SERVICES = (("ams", "fipa-ams"), ("df", "fipa-df"), ("kv", "caxton-kv"))

_Any = Request | Watch | Cancel


class Registry(Instances, DescribedRegistry, Protocol):
    """What agent management needs of the registry."""


class Office(Protocol):
    """What agent management needs of the router."""

    def submit(self, envelope: Envelope) -> bytes:
        """Route a message and return its id."""
        ...

    async def durably_stored(self) -> None:
        """Return when all that was sent durably is on the disk."""
        ...


@dataclass(frozen=True, slots=True)
class Platform:
    """What `get-description` tells.

    Attributes:
        node_id: This node.
        cluster: The cluster.
        version: Of the program.
        alive_nodes: Returns the nodes that are alive.
    """

    node_id: str
    cluster: str
    version: str
    alive_nodes: Callable[[], Sequence[str]]


class AgentManagement:
    """The agent management system of this node; runs on the event loop.

    Args:
        platform: What it is part of.
        office: The router.
        database: Where durable timers are kept.
        registry: Who is where.
        agents: Those of this node.
        bus: Tells when they move.
        clock: Time.
        pace: How fast an agent may change descriptions.
        timers: The table of timers, with its bounds.
    """

    def __init__(
        self,
        *,
        platform: Platform,
        office: Office,
        database: Database,
        registry: Registry,
        agents: Agents,
        bus: EventBus,
        clock: Clock,
        pace: WritePace,
        timers: Timers | None = None,
    ) -> None:
        node_id = platform.node_id
        self._platform = platform
        self._agents = agents
        self._timers = Timers() if timers is None else timers
        self._acts: PlatformActs[_Any] = PlatformActs(
            name=AMS,
            node_id=node_id,
            submit=office.submit,
            readers={
                Performative.REQUEST: read_request,
                Performative.QUERY_REF: read_request,
                Performative.SUBSCRIBE: read_subscription,
                Performative.CANCEL: read_cancel,
            },
            do=self._do,
            on_answer=self._take_answer,
        )
        self._descriptions = Descriptions(registry)
        self._white_pages = WhitePages(registry, self._descriptions)
        self._watching = Watching(registry, self._acts.inform)
        self._relay = Relay(self._acts.address, office.submit, clock)
        self._commands = Commands(
            node_id=node_id, agents=agents, registry=registry, descriptions=self._descriptions,
            relay=self._relay, acts=self._acts, clock=clock, pace=pace,
        )  # fmt: skip
        self._timekeeping = Timekeeping(
            node_id=node_id, clock=clock, voice=self._acts, timers=self._timers,
            store=TimerStore(database, office.durably_stored), find_state=agents.find_state,
        )  # fmt: skip
        bus.subscribe(AgentMoved, self._handle_moved)

    async def open(self) -> None:
        """Read what an earlier life has left; nothing is sent before `start`."""
        await self._timekeeping.open()

    def start(self) -> None:
        """Begin to ring timers; the agents of this node are here by now."""
        self._timekeeping.start()

    async def close(self) -> None:
        """Ring no more and give no more commands; before the agents are closed."""
        self._watching.close()
        await self._commands.close()
        await self._timekeeping.close()

    def handle(self, envelope: Envelope) -> None:
        """Take one message."""
        self._acts.handle(envelope)

    def ring(self) -> None:
        """Tell of every timer that is due, as the alarm does."""
        self._timekeeping.ring()

    def collect(self) -> list[Reading]:
        """Return readings for the metrics; any thread."""
        answers = self._acts.answered.copy().items()
        return [
            *(reading("caxton_platform_answers_total", n, agent=AMS, act=act) for act, n in answers),
            reading("caxton_ams_timers", len(self._timers)),
            reading("caxton_ams_subscriptions", len(self._watching.subscriptions)),
        ]

    # -- one message ----------------------------------------------------------------------------------------

    def _do(self, call: Call[_Any]) -> object | None:
        match call.request:
            case Search() as request:
                return self._white_pages.search(request)
            case GetDescription():
                return self._describe()
            case Register() as request:
                return self._register(call, request)
            case SetTimer() as request:
                self._timekeeping.set(call, request)
            case CancelTimer(id=timer_id):
                self._timekeeping.cancel(call, timer_id)
            case ListTimers():
                return self._timekeeping.list(call.sender.name)
            case Watch() as request:
                self._watch(call, request)
            case Cancel():
                return self._cancel(call.envelope)
            case request:
                return self._commands.take(Call(request, call.sender, call.envelope))
        return None

    def _describe(self) -> dict[str, object]:
        platform = self._platform
        services = [{"name": f"{name}@{platform.node_id}", "type": kind} for name, kind in SERVICES]
        return {
            "name": platform.cluster,
            "node": platform.node_id,
            "version": platform.version,
            "nodes": len(platform.alive_nodes()),
            "services": services,
        }

    def _register(self, call: Call[_Any], request: Register) -> dict[str, object]:
        """Take a description: whoever is deployed is registered, and nobody else can be."""
        if call.is_client or self._agents.find_state(call.sender.name) is None:
            raise Refused(
                "not-here", f"{call.sender} is no agent of this node; agents are registered by deploying"
            )
        own: Call[About] = Call(Modify(description=request.description), call.sender, call.envelope)
        self._commands.take(own)
        return {"registered": str(call.sender)}

    def _watch(self, call: Call[_Any], request: Watch) -> None:
        self._watching.add(call.envelope, request)
        self._acts.agree(call.envelope, {"watching": request.name})

    def _cancel(self, envelope: Envelope) -> dict[str, object] | None:
        if self._timekeeping.cancel_of_talk(envelope):
            return None
        self._watching.subscriptions.cancel(envelope)
        return {"cancelled": 1}

    def _take_answer(self, envelope: Envelope) -> bool:
        return self._relay.take_answer(envelope, self._acts) or self._watching.subscriptions.end_by(envelope)

    # -- what happens outside -------------------------------------------------------------------------------

    def _handle_moved(self, moved: AgentMoved) -> None:
        if moved.target in {State.STOPPED, State.UNLOADED}:
            # Soon, since the agent that is removed is still in the roster, and another version may be there.
            asyncio.get_running_loop().call_soon(self._look_after, moved.agent)

    def _look_after(self, agent: str) -> None:
        self._timekeeping.look_after(agent)
        if self._agents.find_state(agent) is None:
            self._descriptions.remove(agent, self._platform.node_id)
