"""The cluster as the rest of the node sees it: members, messages to them, requests, small broadcasts.

One object introduces the membership core (through its pump) to the mesh: members become peers, deaths close
links, and what a dead peer never took is handed back. It implements the mesh's `Handler`.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from caxton_node.cluster.agreement import Book
from caxton_node.cluster.bans import Bans
from caxton_node.cluster.changes import CHANGES, GONE, Change, MemberChanged, MembersGivenUp, PeerLost
from caxton_node.cluster.facts import NodeFacts
from caxton_node.cluster.gossip import Gossip
from caxton_node.cluster.mesh_errors import MeshUnusable, opening, requesting, sending
from caxton_node.cluster.news import News, warn_of
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.pinging import LinkProber, Pinger
from caxton_node.cluster.quorum import Quorum, QuorumSettings
from caxton_node.cluster.reunion import Reunion
from caxton_node.cluster.sides import Sides
from caxton_node.cluster.traffic import Sample, Traffic
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, ResourceLimit
from caxton_node.core.events import EventBus
from caxton_node.observability.logs import get_logger
from swim import Address, Drop, Member, Membership, SwimError
from swim import events as swim_events
from transport import (
    Credentials,
    Mesh,
    PeerState,
    PeerStatus,
    RequestRefused,
    Settings,
    Stats,
    TransportError,
    selftest,
)

BatchHandler = Callable[[str, Sequence[bytes]], int | None]
RoomyHandler = Callable[[str], None]
RequestHandler = Callable[[str, bytes], Awaitable[bytes]]
TopicHandler = Callable[[str, bytes], None]

LEAVE_S = 10.0

_log = get_logger("cluster")


@dataclass(slots=True)
class _Handlers:
    batch: BatchHandler | None = None
    roomy: RoomyHandler | None = None
    requests: dict[str, RequestHandler] = field(default_factory=dict)
    topics: dict[str, TopicHandler] = field(default_factory=dict)


class Cluster:
    """Membership and mesh behind one door.

    Args:
        credentials: Certificate, key and trust of this node.
        settings: Of the mesh.
        epoch: Boot counter, higher than any this node has used before.
        clock: Time.
        bus: Where `MemberChanged`, `PeerLost`, `PartitionChanged` and `PartitionHealed` are published.

    Attributes:
        sides: Which side of a split this node is on; there from `take` on.
        news: What has happened to members.
        traffic: How much gossip there is.
        pinger: Round trips for people.
    """

    def __init__(
        self, *, credentials: Credentials, settings: Settings, epoch: int, clock: Clock, bus: EventBus
    ) -> None:
        self.node_id = credentials.node_id
        self._credentials = credentials
        self._clock = clock
        self._bus = bus
        self._handlers = _Handlers()
        self._mesh = Mesh(credentials, settings, self, epoch=epoch)
        self._gossip: Gossip | None = None
        self._left = asyncio.Event()
        self._seeds: list[Address] = []
        self._unopened = 0
        self._asked_at: Counter[str] = Counter()  # the calls of `request_at` under way share one link
        self._bans = Bans()
        self._link_prober = LinkProber(self)
        self.news = News(clock)
        self.traffic = Traffic()
        self.pinger = Pinger(self, self._ping, clock)

    async def open(self, host: str, port: int) -> int:
        """Prove that bad certificates are refused, bind the mesh port (UDP and TCP) and return its number.

        Peers are put off until `start`.

        Raises:
            PortInUse: Another process holds it.
            InvalidConfig: The host is no IP address of this machine, or the port is not for this user.
            MeshUnusable: A bad certificate got in, or the good one did not; nothing was opened.
        """
        with opening(host, port):
            await selftest.check(self._credentials)
            return await self._mesh.open(host, port, welcoming=False)

    def take(self, membership: Membership, book: Book, *, probe_interval_s: float = 1.0) -> None:
        """Make a membership core this node's own; the cluster and its pump are its only callers.

        Args:
            membership: The core.
            book: Who counted when this node last ran; a founder counts itself, and for one that has just been
                let in it is empty.
            probe_interval_s: As of the core; what is slower than that is a multiple of it.
        """
        self.membership = membership
        gossip = self._gossip = Gossip(
            membership,
            self._mesh.send_gossip,
            self._handle_event,
            self._clock,
            ping_link=lambda node, number: self._link_prober.ask(node, number, gossip.handle_link_answer),
        )
        times = QuorumSettings.paced(probe_interval_s)
        rng = random.Random()  # noqa: S311  a choice of neighbours
        quorum = Quorum(self.node_id, book, times, rng=rng, now=self._clock.now())
        self.sides = Sides(
            quorum,
            Reunion(times.welcome_s),
            talk=self,
            bus=self._bus,
            clock=self._clock,
            turn_s=probe_interval_s,
            each_turn=self._sample_traffic,
        )

    def start(self, seeds: Sequence[Address] = ()) -> None:
        """Take links and begin to gossip, introducing this node to the seeds.

        Not before the handlers are registered: peers that still remember an earlier life of this node send at
        once what it never acknowledged.
        """
        self._seeds = list(seeds)
        self._mesh.welcome()
        self._pump.start(seeds)
        self.sides.start()

    def rejoin(self) -> None:
        """Introduce this node to its seeds again: what kept it outside before may be over."""
        self._pump.perform(self.membership.join(self._seeds, self._clock.now()))

    async def leave(self) -> None:
        """Tell the others that this node goes on purpose, for as long as that takes."""
        await self.sides.leave()
        self._pump.perform(self.membership.leave(self._clock.now()))
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_S):
                await self._left.wait()

    async def give_up(self, nodes: Sequence[str], by: str) -> None:
        """Wait no more for dead members: they count no longer and are held for ones that have left.

        Args:
            nodes: The members; nobody, if it is only said that those who are seen are the cluster.
            by: Who says so.

        Raises:
            CaxtonError: As `Sides.strike`; nothing was changed.
        """
        await self.sides.strike(nodes)
        for node in nodes:
            self._pump.perform(self.membership.give_up(node, self._clock.now()))
        self._bus.publish(MembersGivenUp(tuple(nodes), by))

    async def ban(self, node: str) -> None:
        """Hold a member for gone from now on, whatever it says, until it has started again or is let back.

        Its link goes, what it never took comes back, and once membership has noticed its silence it is not
        waited for. Keeping it out is not done here: credentials deny its certificate, gossip gets new keys.

        Raises:
            StoreFailed: It was done, and that it counts no more could not be written down.
        """
        member = self.find(node)
        if member is None or node == self.node_id or not self._bans.add(member):
            return
        if member.is_live:
            self._handle_gone(MemberChanged(member, Change.DIED))
        await self.sides.strike([node])

    def lift_ban(self, node: str) -> None:
        """Hold a member that was banned for what membership says it is."""
        member = self.find(node)
        if self._bans.lift(node) and member is not None and member.is_live:
            self._handle_change(MemberChanged(member, Change.JOINED))

    def use_credentials(self, credentials: Credentials) -> None:
        """Show and trust something else from now on; links that it still lets in go on.

        Raises:
            MeshUnusable: They do not belong together; the old ones stay in use.
        """
        try:
            self._mesh.use_credentials(credentials)
        except TransportError as err:
            raise MeshUnusable("the mesh does not take the new credentials", why=str(err)) from err
        self._credentials = credentials

    @property
    def stalls(self) -> int:
        """Return how often this process came so late to its timers that it read what waited first."""
        return self._pump.stalls

    @property
    def _pump(self) -> Gossip:
        assert self._gossip is not None, "the cluster was used before its core was taken"
        return self._gossip

    def tell(self, facts: NodeFacts) -> None:
        """Say something else of this node from now on."""
        self._pump.perform(self.membership.update_metadata(facts.pack(), self._clock.now()))

    async def close(self) -> None:
        """Stop gossip and close every link."""
        if self._gossip is not None:
            self._gossip.close()
            await self.sides.close()
        self._link_prober.close()
        await self._mesh.close()

    # -- who is there ---------------------------------------------------------------------------------------

    def members(self) -> list[Member]:
        """List every known member, self included, ordered by node id."""
        return sorted(self.membership.members(), key=lambda member: member.node_id)

    def find(self, node: str) -> Member | None:
        """Return what is known of a node, this one included; None if it was never met or is forgotten."""
        return self.membership.find(node)

    def alive_nodes(self) -> list[str]:
        """List the ids of members that are alive or suspect, self included."""
        return [
            member.node_id for member in self.members() if member.is_live and not self._bans.holds(member)
        ]

    def is_alive(self, node: str) -> bool:
        """Tell whether messages for this node may be sent: alive or only suspected, or this node itself."""
        member = self.membership.find(node)
        return node == self.node_id or (
            member is not None and member.is_live and not self._bans.holds(member)
        )

    def partition_view(self) -> PartitionView:
        """Judge which side of a split this node is on."""
        return self.sides.standpoint.view

    def link_kind(self, node: str) -> str:
        """Return the kind of the link to a node that is up, empty if none is."""
        return next(
            (peer.kind for peer in self.peers() if peer.node_id == node and peer.state is PeerState.UP), ""
        )

    def linked(self) -> frozenset[str]:
        """Return the nodes to which a link is up."""
        return self._mesh.linked()

    def peers(self) -> list[PeerStatus]:
        """List the mesh links with what is known of each."""
        return self._mesh.peers()

    @property
    def mesh_stats(self) -> Stats:
        """Return the counters of the mesh."""
        return self._mesh.stats

    def warn_of_strangers(self) -> None:
        """Log how many gossip datagrams did not open since the last time, if any.

        A node with a wrong gossip key is otherwise silent: it and the others simply never meet.
        """
        dropped = self.membership.statistics.dropped
        unopened = dropped[Drop.UNKNOWN_KEY] + dropped[Drop.UNAUTHENTIC]
        if unopened > self._unopened:
            hint = "another cluster uses this address, or gossip.key differs between nodes"
            _log.warning("gossip that this node cannot open", datagrams=unopened - self._unopened, hint=hint)
        self._unopened = unopened

    # -- talking to them ------------------------------------------------------------------------------------

    def on_batch(self, handler: BatchHandler) -> None:
        """Give every batch of envelopes from a peer to `handler(peer, envelopes)`.

        It returns how many bytes of them it keeps; `release` gives the peer its credit for these.
        """
        self._handlers.batch = handler

    def on_roomy(self, handler: RoomyHandler) -> None:
        """Call `handler(peer)` when senders may go on that `send` has let wait."""
        self._handlers.roomy = handler

    def release(self, node: str, size: int) -> None:
        """Give a peer its credit for bytes that were kept and are handled now."""
        self._mesh.release(node, size)

    def send(self, node: str, lane_key: int, frames: Sequence[bytes]) -> bool:
        """Queue envelopes for a node, in order for one lane key.

        Returns:
            Whether so much waits for it that senders should wait until the node is roomy.

        Raises:
            DeliveryFailed: No such member, or an envelope is too large; nothing was queued.
            ResourceLimit: The bounded backlog to that node is full; nothing was queued.
        """
        with sending(node):
            return self._mesh.send(node, lane_key, frames)

    def serve(self, method: str, handler: RequestHandler) -> None:
        """Answer a kind of request from other nodes; a CaxtonError raised there reaches the caller's side."""
        self._handlers.requests[method] = handler

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask another node and wait for its answer.

        Raises:
            DeadlineExceeded: No answer in time; the other side may still act on the request.
            Unavailable: The node is unknown or the link broke.
            DeliveryFailed: The other side refused; its words are in `why`.
        """
        with requesting(node, method, timeout_s):
            return await self._mesh.request(node, method, payload, timeout_s)

    async def request_at(
        self, node: str, address: Address, method: str, payload: bytes, timeout_s: float
    ) -> bytes:
        """Ask a node that need not be a member at present; its certificate must name it.

        Raises:
            CaxtonError: As `request`.
        """
        with suppress(TransportError):  # a mesh that is closed refuses the request itself
            if not self.is_alive(node):
                self._mesh.learn_peer(node, address)
        self._asked_at[node] += 1
        try:
            return await self.request(node, method, payload, timeout_s)
        finally:
            self._asked_at[node] -= 1
            if not self._asked_at[node]:
                del self._asked_at[node]
                self._forget_stranger(node)

    def _forget_stranger(self, node: str) -> None:
        """Close the link to a node that is no member; what agents have sent there meanwhile comes back."""
        undelivered: list[bytes] = []
        with suppress(TransportError):
            if not self.is_alive(node):
                undelivered = self._mesh.forget_peer(node)
        if undelivered:
            self._bus.publish(PeerLost(node, tuple(undelivered)))

    def on_topic(self, topic: str, handler: TopicHandler) -> None:
        """Give every broadcast on a topic to `handler(origin, payload)`, once each."""
        self._handlers.topics[topic] = handler

    def broadcast(self, topic: str, payload: bytes) -> None:
        """Spread a small payload to every member by gossip, best effort.

        Raises:
            ResourceLimit: It is larger than `swim.Settings.payload_bytes_max`, or too many are waiting.
        """
        try:
            effects = self.membership.broadcast(topic, payload, self._clock.now())
        except SwimError as err:
            raise ResourceLimit(f"nothing more can be gossiped on {topic}", why=str(err)) from err
        self._pump.perform(effects)

    # -- transport.Handler ----------------------------------------------------------------------------------

    def handle_gossip(self, datagram: bytes, source: Address) -> None:
        """Take a datagram that is not QUIC; before the core is there, nobody is waiting for one."""
        if self._gossip is not None:
            self._gossip.receive(datagram, source)

    def handle_batch(self, peer: str, lane: int, envelopes: list[bytes]) -> int | None:  # noqa: ARG002  lanes end here
        """Take envelopes that arrived in order on one lane."""
        return self._handlers.batch(peer, envelopes) if self._handlers.batch is not None else None

    def handle_roomy(self, peer: str) -> None:
        """Let senders go on that wait for a peer."""
        if self._handlers.roomy is not None:
            self._handlers.roomy(peer)

    async def handle_request(self, peer: str, method: str, payload: bytes) -> bytes:
        """Answer a peer's request by the handler that was registered for its method."""
        handler = self._handlers.requests.get(method)
        if handler is None:
            raise RequestRefused(f"this node does not serve {method!r}")
        try:
            return await handler(peer, payload)
        except CaxtonError as err:
            raise RequestRefused(str(err)) from err

    def handle_link(self, peer: str, state: str, kind: str, reason: str) -> None:
        """Note that a link came up or went down."""
        _log.info(f"link {state}", peer=peer, kind=kind, reason=reason)

    # -- swim events ----------------------------------------------------------------------------------------

    def _handle_event(self, event: object) -> None:
        match event:
            case swim_events.TopicReceived(origin, topic, payload):
                handler = self._handlers.topics.get(topic)
                if handler is not None:
                    handler(origin, payload)
            case swim_events.PingAnswered(member, rtt_s):
                self.pinger.handle_answer(member.node_id, rtt_s)
            case swim_events.MemberSuspected(member, accusers) | swim_events.MemberDied(member, accusers):
                self._handle_change(MemberChanged(member, CHANGES[type(event)], accusers))
            case swim_events.MemberEvent(member) if type(event) in CHANGES:
                self._handle_change(MemberChanged(member, CHANGES[type(event)]))
            case swim_events.LeaveCompleted():
                self._left.set()
            case _:
                warn_of(event)

    def _handle_change(self, changed: MemberChanged) -> None:
        member = changed.member
        if member.node_id == self.node_id:
            return
        if self._bans.holds(member):
            if changed.change is Change.DIED:  # the others noticed its silence: nobody need wait for it
                self._pump.perform(self.membership.give_up(member.node_id, self._clock.now()))
            return
        if changed.change in GONE:
            self._handle_gone(changed)
            return
        if self._bans.outlived_by(member):
            changed = replace(changed, change=Change.JOINED)
        self.news.note(changed)
        self._mesh.learn_peer(member.node_id, member.address, epoch=member.epoch)
        self._publish(changed)

    def _handle_gone(self, changed: MemberChanged) -> None:
        self.news.note(changed)
        node = changed.member.node_id
        self._bus.publish(PeerLost(node, tuple(self._mesh.forget_peer(node))))
        self._publish(changed)

    def _publish(self, changed: MemberChanged) -> None:
        self._bus.publish(changed)
        self._tell_sides(changed)  # last, since a change of the view has this change as its cause

    def _tell_sides(self, changed: MemberChanged) -> None:
        match changed.change:
            case Change.LEFT:
                self.sides.handle_left(changed.member)
            case Change.DIED:
                self.sides.handle_died(changed.member)
            case _:
                self.sides.handle_alive(changed.member)

    def _ping(self, node: str) -> None:
        self._pump.perform(self.membership.ping(node, self._clock.now()))

    def _sample_traffic(self) -> None:
        statistics = self.membership.statistics
        self.traffic.add(
            Sample(self._clock.now(), statistics.bytes_in, statistics.bytes_out, statistics.suspicions)
        )
