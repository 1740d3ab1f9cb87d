"""Two agents of one name: each node judges its own by the claim that holds, tells the losers, and stops them.

    claim changes here or elsewhere -+-> judge the agent of that name --> lost --> tell -+-> drain --> stop
    a claim was overruled -----------+                                                   +-> go on (`keep`)

What is judged is the state, not the news (`claims.py`): a node that was down when two halves met finds the
same out when it starts. Replicas of a deployment are told and go on: their deployment, of which there is one
after a partition, decides what runs where.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from caxton_node.agents.claiming import Claims
from caxton_node.agents.claims import KIND, claim_of_row, say
from caxton_node.agents.defeat import KEPT, STOPPED, Defeat
from caxton_node.agents.loss import Loss, NameLost
from caxton_node.agents.name_notice import notice_of, reason_of
from caxton_node.agents.store import Deployed
from caxton_node.agents.views import AgentView
from caxton_node.core.errors import CaxtonError
from caxton_node.core.events import EventBus
from caxton_node.fipa import Envelope
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.registry import Registry
from caxton_node.registry.conflict_book import ConflictBook
from caxton_node.registry.entry import Entry
from caxton_node.registry.overruled import Overruled

AT_ONCE = 64
AGAIN_S = 5.0
JUDGED_PER_TURN = 200

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class Settings:
    """How long losers get.

    Attributes:
        notice_s: To handle what they are told.
        drain_s: To finish what they began.
    """

    notice_s: float = 5.0
    drain_s: float = 30.0


class AgentsPort(Protocol):
    """The agents of this node, as `service.AgentService` has them."""

    def views(self) -> Sequence[AgentView]:
        """Return every agent of this node."""
        ...

    def find_up(self, name: str) -> Deployed | None:
        """Return what is deployed here by `tenant/name` and runs or will run again; None if nothing does."""
        ...

    async def give_way(self, name: str, loss: Loss, *, notice_s: float, drain_s: float) -> bool:
        """Tell an agent that it has lost its name, and stop it unless it is to go on all the same."""
        ...


class NameConflicts:
    """Watches the claims of names for the agents of this node.

    Args:
        agents: Those agents.
        claims: Whose names are.
        registry: Where claims change.
        book: The partition report.
        submit: `Router.submit`.
        node_id: This node.
        bus: Where losses are published.
        settings: How long losers get.
    """

    def __init__(
        self,
        *,
        agents: AgentsPort,
        claims: Claims,
        registry: Registry,
        book: ConflictBook,
        submit: Callable[[Envelope], object],
        node_id: str,
        bus: EventBus,
        settings: Settings,
    ) -> None:
        self._agents = agents
        self._claims = claims
        self._registry = registry
        self._book = book
        self._submit = submit
        self._node_id = node_id
        self._bus = bus
        self._settings = settings
        self._door = asyncio.Semaphore(AT_ONCE)
        self._suspects: dict[str, None] = {}
        self._is_awake = False
        self._overruled: set[str] = set()
        self._kept: dict[str, str] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closed = False
        book.describer.teach(KIND, say)

    async def open(self) -> None:
        """Claim the names of agents that nobody has claimed, judge all others, and watch from now on."""
        for name, content, at_unix_ms in await self._book.read_done(KIND, KEPT):
            row = self._agents.find_up(name)
            if row is not None and row.deployed_unix_ms <= at_unix_ms:
                self._kept[name] = content
        self._registry.watch(KIND, self._handle_changed)
        self._registry.on_overruled(self._handle_overruled)
        for view in self._agents.views():
            self._claims.keep(view)
            self._suspect(view.manifest.name)

    async def close(self) -> None:
        """Judge nobody any more; commands under way go on."""
        self._closed = True
        self._suspects.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def is_busy(self) -> bool:
        """Return whether somebody is still to be judged, or gives way."""
        return bool(self._suspects or self._tasks)

    # -- news -----------------------------------------------------------------------------------------------

    def _handle_changed(self, entries: Sequence[Entry]) -> None:
        for entry in entries:
            self._suspect(entry.key)

    def _handle_overruled(self, overruled: Overruled) -> None:
        loser = overruled.loser
        if loser.kind == KIND and self._claims.has_joined(loser):
            self._overruled.add(loser.key)
            self._suspect(loser.key)

    def _suspect(self, name: str) -> None:
        if self._closed:
            return
        self._suspects[name] = None
        self._wake()

    def _wake(self) -> None:
        if self._suspects and not self._is_awake:
            self._is_awake = True
            asyncio.get_running_loop().call_soon(self._judge_some)

    # -- judgement ------------------------------------------------------------------------------------------

    def _judge_some(self) -> None:
        """Judge a few agents, and the others after whoever else waits for the loop."""
        self._is_awake = False
        for name in list(islice(self._suspects, JUDGED_PER_TURN)):
            del self._suspects[name]
            defeat = self._judge(name)
            if defeat is not None and name not in self._tasks:
                self._begin(defeat)
        self._wake()

    def _judge(self, name: str) -> Defeat | None:
        """Return what an agent of this node has lost; None if its name is its own, or it was told before."""
        row = self._agents.find_up(name)
        if row is None:
            self._forget(name)
            return None
        mine = claim_of_row(row, self._node_id)
        entry = self._registry.find_entry(KIND, name)
        if entry is None:  # somebody who did not know of this agent took the claim back
            self._claims.restore(name, mine)
            return None
        winner = self._claims.find(name)
        if winner is None or winner.content == mine.content:
            self._forget(name)
            self._claims.join(name)
            return None
        if self._kept.get(name) == mine.content:
            return None
        if winner.allows(mine.content) and name not in self._overruled:
            self._claims.remember(name, winner)
            return None
        return Defeat(name, row, mine, winner, entry)

    def _forget(self, name: str) -> None:
        self._kept.pop(name, None)
        self._overruled.discard(name)

    # -- what follows ---------------------------------------------------------------------------------------

    def _begin(self, defeat: Defeat) -> None:
        task = asyncio.create_task(self._settle(defeat), name=f"name-conflict {defeat.name}")
        self._tasks[defeat.name] = task
        task.add_done_callback(lambda _task: self._tasks.pop(defeat.name, None))
        task.add_done_callback(tell_of_bug)

    async def _settle(self, defeat: Defeat) -> None:
        name = defeat.name
        loss = Loss(
            reason=reason_of(defeat.winner),
            stops=defeat.stops,
            holds=lambda: self._judge(name) is not None,
            tell=lambda: self._tell(defeat),
        )
        async with self._door:
            try:
                done = await self._agents.give_way(
                    name, loss, notice_s=self._settings.notice_s, drain_s=self._settings.drain_s
                )
            except CaxtonError as err:  # it was removed meanwhile, or the store does not take it
                _log.warning("an agent that lost its name was not stopped", agent=name, reason=str(err))
                asyncio.get_running_loop().call_later(AGAIN_S, self._suspect, name)
                return
        if done:
            self._note(defeat)

    def _tell(self, defeat: Defeat) -> None:
        try:
            self._submit(
                notice_of(
                    defeat.name, self._node_id, mine=defeat.mine, winner=defeat.winner, stops=defeat.stops
                )
            )
        except CaxtonError as err:
            _log.warning("an agent was not told that it lost its name", agent=defeat.name, reason=str(err))

    def _note(self, defeat: Defeat) -> None:
        name, winner = defeat.name, defeat.winner
        action = STOPPED if defeat.stops else KEPT
        if not defeat.stops:
            self._kept[name] = defeat.mine.content
        _log.warning(
            "an agent lost its name",
            agent=name,
            version=defeat.mine.version,
            winner=winner.node,
            winner_version=winner.version,
            action=action,
        )
        at_unix_ms = self._book.now_unix_ms()
        self._book.note_action(defeat.conflict(at_unix_ms, action))
        self._bus.publish(NameLost(name, winner.node, action, at_unix_ms))
