"""One memberlist: introduces the parts to each other, hands each input to the one it concerns."""

from __future__ import annotations

import random
from collections.abc import Sequence

from swim.effects import Effect
from swim.member import Address, Identity
from tests.bench.swim_sim.memberlist.claims import Claims
from tests.bench.swim_sim.memberlist.context import Context, World
from tests.bench.swim_sim.memberlist.messages import (
    Ack,
    Entry,
    IndirectPing,
    Message,
    Nack,
    Ping,
    Reply,
    Request,
    State,
    StreamAck,
    StreamContent,
    StreamPing,
    Syn,
    SynAck,
    Table,
)
from tests.bench.swim_sim.memberlist.probing import Prober
from tests.bench.swim_sim.memberlist.streams import Streams
from tests.bench.swim_sim.memberlist.table import Peer
from tests.bench.swim_sim.memberlist.timers import (
    GossipTick,
    HelperTimeout,
    ProbeDeadline,
    ProbeTick,
    ProbeTimeout,
    PushPullTick,
    StreamRetry,
    SuspicionTimeout,
)
from tests.bench.swim_sim.memberlist.wire import Datagram


class Memberlist:
    """One member by memberlist's rules, driven as a `swim.Membership` is.

    Args:
        identity: Who it is; memberlist has no boot epoch.
        world: What the members of one simulation share.
        rng: All chance.
        now: When it starts.
        formed: Start as a member of the world's base, which everybody knows already.
    """

    def __init__(
        self, identity: Identity, world: World, rng: random.Random, now: float, *, formed: bool = False
    ) -> None:
        self._context = Context(identity, world, rng, now, formed=formed)
        self._claims = Claims(self._context)
        self._streams = Streams(self._context)
        self._prober = Prober(self._context, self._claims, self._streams)
        self._formed = formed

    @property
    def digest(self) -> int:
        """Return a number that is equal on two members that hold the same live members."""
        return self._context.table.digest

    @property
    def accusations(self) -> int:
        """Return how many suspicions own probes have begun."""
        return self._context.accusations

    def find(self, node_id: str) -> Peer | None:
        """Return what is known of a member."""
        return self._context.table.find(node_id)

    def changed(self) -> tuple[Entry, ...]:
        """Return what this member knows beyond the base."""
        return self._context.table.entries()

    def start(self, now: float) -> list[Effect]:
        """Begin to probe, to gossip and to exchange tables."""
        self._context.now = now
        self._claims.introduce()
        self._prober.start()
        pause_s = self._context.parameters.push_pull_every_s(len(self._context.table))
        stagger_s = self._context.parameters.push_pull_interval_s * self._context.rng.random()
        # A cluster that has run for long is at any phase of the pause, one that starts only of the stagger.
        first_s = pause_s * self._context.rng.random() if self._formed else pause_s + stagger_s
        self._context.schedule(PushPullTick(), first_s)
        return self._context.take()

    def join(self, seeds: Sequence[Address], now: float) -> list[Effect]:
        """Exchange tables with each seed."""
        self._context.now = now
        for seed in seeds:
            self._streams.open(seed, self._own_table(), self._context.parameters.tcp_timeout_s)
        return self._context.take()

    def update_metadata(self, metadata: bytes, now: float) -> list[Effect]:
        """Change what this member tells about itself."""
        self._context.now = now
        self._claims.update(metadata)
        return self._context.take()

    def handle_datagram(self, data: Datagram, source: Address, now: float) -> list[Effect]:
        """Take in a datagram or a segment of a connection."""
        self._context.now = now
        for message in data.messages:
            self._handle(message, source)
        return self._context.take()

    def handle_timer(self, timer: object, now: float) -> list[Effect]:
        """Take in a timer that is due."""
        self._context.now = now
        match timer:
            case ProbeTick():
                self._prober.handle_tick(timer)
            case ProbeTimeout():
                self._prober.handle_timeout(timer)
            case ProbeDeadline():
                self._prober.handle_deadline(timer)
            case HelperTimeout():
                self._prober.handle_helper_timeout(timer)
            case SuspicionTimeout():
                self._claims.handle_timeout(timer)
            case GossipTick():
                self._gossip()
            case PushPullTick():
                self._push_pull()
            case StreamRetry():
                self._streams.handle_retry(timer)
        return self._context.take()

    def _handle(self, message: Message, source: Address) -> None:
        match message:
            case Ping():
                self._prober.handle_ping(message, source)
            case Ack():
                self._prober.handle_ack(message)
            case IndirectPing():
                self._prober.handle_request(message, source)
            case Nack():
                self._prober.handle_nack(message)
            case Syn():
                self._streams.handle_syn(message, source)
            case SynAck():
                self._streams.handle_syn_ack(message)
            case Request():
                self._handle_request(message, source)
            case Reply():
                self._handle_reply(self._streams.take_reply(message))
            case _:
                self._claims.handle(message)

    def _handle_request(self, request: Request, source: Address) -> None:
        content = request.content
        former = self._streams.find_reply(request, source)
        if former is not None:
            self._streams.reply(request, source, former)
        elif isinstance(content, StreamPing):
            self._streams.reply(request, source, StreamAck(content.sequence))
        elif isinstance(content, Table):
            self._streams.reply(request, source, self._own_table())  # before the merge, as memberlist does
            self._merge(content)

    def _handle_reply(self, content: StreamContent | None) -> None:
        if isinstance(content, StreamAck):
            self._prober.handle_stream_ack(content)
        elif isinstance(content, Table):
            self._merge(content)

    def _merge(self, table: Table) -> None:
        self._claims.merge([*table.entries, *self._context.table.missing(table)])

    def _own_table(self) -> Table:
        table = self._context.table
        metadata_bytes = len(self._context.identity.metadata)
        return Table(len(table), metadata_bytes, table.entries(), table.forgotten())

    def _gossip(self) -> None:
        context = self._context
        context.disarm_gossip()
        for peer in context.table.sample(context.parameters.gossip_nodes, self._is_deaf_to_gossip):
            told = context.take_broadcasts(0)
            if not told:
                break
            claims, parts = [b.claim for b in told], [b.encoded for b in told]
            context.send_together(peer.address, claims, parts, checksum=True)
        if context.queue:
            context.arm_gossip()

    def _push_pull(self) -> None:
        context = self._context
        context.schedule(PushPullTick(), context.parameters.push_pull_every_s(len(context.table)))
        for peer in context.table.sample(1, lambda p: p.node == context.name or p.state is not State.ALIVE):
            self._streams.open(peer.address, self._own_table(), context.parameters.tcp_timeout_s)

    def _is_deaf_to_gossip(self, peer: Peer) -> bool:
        if peer.node == self._context.name:
            return True
        silent_s = self._context.now - peer.changed_at
        return peer.state is State.DEAD and silent_s > self._context.parameters.gossip_to_the_dead_s
