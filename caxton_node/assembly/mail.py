"""Messages: before agents, which send with their first breath; what they were amid is taken up first."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Self

from caxton_node.agents.announcing import RouteKeeper
from caxton_node.agents.grants import Grants
from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.assembly.store import Store
from caxton_node.cluster.changes import MemberChanged, PeerLost
from caxton_node.messaging import Outbound, Router, RouteTable
from caxton_node.messaging.clearing import Clearing
from caxton_node.messaging.conversation_store import ConversationStore
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.dead_letter_office import DeadLetterOffice
from caxton_node.messaging.directory import DIRECTORY, Directory, Registrar
from caxton_node.messaging.durable.post import DurablePost
from caxton_node.messaging.exchange import Exchange
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.recollection import Recollection
from caxton_node.messaging.store import DeadLetterStore
from caxton_node.messaging.traces import Traces
from caxton_node.messaging.write_pace import WritePace
from caxton_node.observability import get_logger
from caxton_node.settings import capability_bounds, durable_settings, keeping_settings, write_allowance

TICK_S = 0.25

_log = get_logger("daemon")


@dataclass(frozen=True, slots=True)
class Mail:
    """The router and what stands around it.

    Attributes:
        router: Of this node.
        dead_letters: What could not be delivered.
        durable: What survives the node.
        clearing: What waits while an agent moves.
        grants: Which capabilities an agent may register.
        pace: How fast an agent may write what every node keeps.
    """

    router: Router
    dead_letters: DeadLetterOffice
    durable: DurablePost
    clearing: Clearing
    grants: Grants
    pace: WritePace

    @classmethod
    async def open(cls, ground: Ground, store: Store, company: Company, knowledge: Knowledge) -> Self:
        """Make the router ready to take messages from agents and from other nodes."""
        cluster = company.cluster
        outbound = Outbound(asyncio.get_running_loop(), cluster.send)
        router = _make_router(ground, outbound, knowledge)
        dead_letters = DeadLetterOffice(
            letters=router.dead_letters,
            store=DeadLetterStore(store.database),
            resend=router.resend,
            clock=ground.clock,
            settings=keeping_settings(ground.config),
        )
        await dead_letters.open()
        ground.last.push_async_callback(dead_letters.close)
        durable = DurablePost(
            router.office,
            database=store.database,
            node_id=ground.node_id,
            clock=ground.clock,
            settings=durable_settings(ground.config),
            peers=cluster,
        )
        durable.keep_letters_by(dead_letters.flush)
        router.keep_durable(durable)
        await durable.open()
        ground.last.push_async_callback(durable.close)
        recollection = Recollection(router, ConversationStore(store.database), ground.clock)
        await recollection.open()
        ground.last.push_async_callback(recollection.close)
        clearing = router.fence_moves(cluster, ground.board)
        grants, pace = Grants(), WritePace(ground.clock, write_allowance(ground.config))
        _open_directory(ground, knowledge, router, grants, pace)
        ground.stack.push_async_callback(Exchange(cluster, outbound, router).close)
        mail = cls(router, dead_letters, durable, clearing, grants, pace)
        ground.bus.subscribe(MemberChanged, mail.handle_member)
        ground.bus.subscribe(MemberChanged, knowledge.handle_member)
        ground.bus.subscribe(PeerLost, lambda lost: router.handle_node_died(lost.node, lost.undelivered))
        ground.in_background(_tick(router, ground), "router-tick")
        return mail

    def handle_member(self, changed: MemberChanged) -> None:
        """Send to a node that came back what waited for it."""
        member = changed.member
        if member.is_live:
            self.router.handle_node_alive(member.node_id)
        self.durable.handle_member(member.node_id, member.epoch, is_live=member.is_live)


def _make_router(ground: Ground, outbound: Outbound, knowledge: Knowledge) -> Router:
    routes, messaging = RouteTable(), ground.config.messaging
    RouteKeeper(knowledge.registry, routes)
    return Router(
        node_id=ground.node_id,
        routes=routes,
        clock=ground.clock,
        loop=asyncio.get_running_loop(),
        remote=outbound,
        conversations=Conversations(
            messages_max=messaging.conversation_messages_max,
            idle_us=round(messaging.conversation_idle_s * 1e6),
        ),
        traces=Traces(messaging.trace_share),
        receipts=Receipts(messaging.receipts_max),
    )


def _open_directory(
    ground: Ground, knowledge: Knowledge, router: Router, grants: Grants, pace: WritePace
) -> None:
    """Let `df` answer; nobody may register before grants are connected to the agents' manifests."""
    registry, node_id = knowledge.registry, ground.node_id
    registrar = Registrar(
        node_id=node_id,
        registry=registry,
        count=lambda: len(registry.offers.on_node(node_id)),
        check=grants.check,
        bounds=capability_bounds(ground.config),
        pace=pace,
    )
    directory = Directory(registrar, knowledge.finder, knowledge.watches, router.submit)
    registry.subscribe(directory.handle_agents)
    ground.stack.callback(directory.close)
    router.add_platform_agent(DIRECTORY, directory.handle)


async def _tick(router: Router, ground: Ground) -> None:
    while True:
        await asyncio.sleep(TICK_S)
        try:
            router.tick(ground.clock.unix_us())
        except Exception:  # noqa: BLE001 - one bad turn must not end every deadline after it
            _log.exception("a turn of the router's clock failed")
