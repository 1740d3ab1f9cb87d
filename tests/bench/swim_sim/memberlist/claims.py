"""What a claim changes, and who is told: memberlist's merge rules.

Source: hashicorp/memberlist, state.go: aliveNode, suspectNode, deadNode, mergeState, refute.
"""

from __future__ import annotations

from swim.events import MemberDied, MemberJoined, MemberRefuted, MemberSuspected, MemberUpdated
from tests.bench.swim_sim.memberlist.context import EARLY_S, Context
from tests.bench.swim_sim.memberlist.messages import Alive, Claim, Dead, Entry, State, Suspect
from tests.bench.swim_sim.memberlist.suspicion import Suspicion
from tests.bench.swim_sim.memberlist.table import Peer
from tests.bench.swim_sim.memberlist.timers import SuspicionTimeout


class Claims:
    """Applies claims to the table of one member."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._table = context.table
        self._suspicions: dict[str, Suspicion] = {}
        self._serial = 0
        self._incarnation = 1

    def introduce(self) -> None:
        """Begin to exist, and say so."""
        identity, context = self._context.identity, self._context
        if self._table.find(context.name) is None:
            self._table.add(context.name, identity.address, identity.metadata)
            self._table.change(context.name, 1, State.ALIVE, context.now)
            context.broadcast(context.name, Alive(1, context.name, identity.address, identity.metadata))

    def update(self, metadata: bytes) -> None:
        """Change the own metadata and tell it."""
        context = self._context
        self._incarnation += 1
        self._table.change(context.name, self._incarnation, State.ALIVE, context.now, metadata)
        address = context.identity.address
        context.broadcast(context.name, Alive(self._incarnation, context.name, address, metadata))

    def handle(self, claim: Claim) -> None:
        """Take in a claim."""
        match claim:
            case Alive():
                self.handle_alive(claim)
            case Suspect():
                self.handle_suspect(claim)
            case Dead():
                self.handle_dead(claim)

    def merge(self, entries: list[Entry]) -> None:
        """Take in the other side's table; whom it holds dead is suspected here first."""
        for entry in entries:
            if entry.state is State.ALIVE:
                self.handle_alive(Alive(entry.incarnation, entry.node, entry.address, entry.metadata))
            else:
                self.handle_suspect(Suspect(entry.incarnation, entry.node, self._context.name))

    def handle_alive(self, claim: Alive) -> None:
        """Take in that somebody is alive."""
        peer = self._table.find(claim.node)
        if claim.node == self._context.name:
            if peer is not None and claim.incarnation > peer.incarnation:
                self._refute(peer, claim.incarnation)
            return
        if peer is None:
            peer = self._table.add(claim.node, claim.address, claim.metadata)
        if claim.incarnation <= peer.incarnation:
            return
        self._suspicions.pop(claim.node, None)
        was, metadata = peer.state, peer.metadata
        self._context.broadcast(claim.node, claim)
        peer = self._table.change(
            claim.node, claim.incarnation, State.ALIVE, self._context.now, claim.metadata
        )
        self._report_alive(peer, was, changed=metadata != claim.metadata)

    def handle_suspect(self, claim: Suspect) -> None:
        """Take in that somebody is suspected: begin a suspicion, or confirm one."""
        peer = self._table.find(claim.node)
        if peer is None or claim.incarnation < peer.incarnation:
            return
        suspicion = self._suspicions.get(claim.node)
        if suspicion is not None:
            self._confirm(suspicion, claim)
        elif peer.state is State.ALIVE:
            if claim.node == self._context.name:
                self._refute(peer, claim.incarnation)
                return
            self._context.broadcast(claim.node, claim)
            peer = self._table.change(claim.node, claim.incarnation, State.SUSPECT, self._context.now)
            self._context.notify(MemberSuspected, peer)
            self._begin_suspicion(claim)

    def handle_dead(self, claim: Dead) -> None:
        """Take in that somebody is dead; one accuser is enough."""
        peer = self._table.find(claim.node)
        if peer is None or claim.incarnation < peer.incarnation:
            return
        self._suspicions.pop(claim.node, None)
        if peer.state is State.DEAD:
            return
        if claim.node == self._context.name:
            self._refute(peer, claim.incarnation)
            return
        self._context.broadcast(claim.node, claim)
        peer = self._table.change(claim.node, claim.incarnation, State.DEAD, self._context.now)
        self._context.notify(MemberDied, peer)

    def handle_timeout(self, timer: SuspicionTimeout) -> None:
        """Declare a suspect dead that did not refute."""
        suspicion = self._suspicions.get(timer.node)
        if suspicion is None or suspicion.serial != timer.serial:
            return
        if self._context.now < suspicion.ends_at - EARLY_S:
            return
        peer = self._table.find(timer.node)
        if peer is not None and peer.state is State.SUSPECT:
            self.handle_dead(Dead(peer.incarnation, timer.node, self._context.name))

    def _refute(self, me: Peer, accused_incarnation: int) -> None:
        """Rise above an accusation; it says something about the own health, too."""
        self._incarnation = max(self._incarnation, accused_incarnation) + 1
        self._context.adjust_health(1)
        self._table.change(me.node, self._incarnation, State.ALIVE, self._context.now)
        # memberlist queues its refutation under its address, so one about itself under its name stays.
        refutation = Alive(self._incarnation, me.node, me.address, me.metadata)
        self._context.broadcast(me.address[0], refutation)

    def _report_alive(self, peer: Peer, was: State, *, changed: bool) -> None:
        if was is State.DEAD:
            self._context.notify(MemberJoined, peer)
        elif was is State.SUSPECT:
            self._context.notify(MemberRefuted, peer)
        elif changed:
            self._context.notify(MemberUpdated, peer)

    def _begin_suspicion(self, claim: Suspect) -> None:
        parameters, members = self._context.parameters, len(self._table)
        needed = parameters.suspicion_multiplier - 2
        shortest_s, longest_s = parameters.suspicion_bounds_s(members)
        self._serial += 1
        suspicion = self._suspicions[claim.node] = Suspicion(
            self._serial,
            self._context.now,
            shortest_s,
            longest_s,
            needed if members - 2 >= needed else 0,
            {claim.accuser},
        )
        self._arm(claim.node, suspicion)

    def _confirm(self, suspicion: Suspicion, claim: Suspect) -> None:
        if suspicion.confirm(claim.accuser):
            self._context.broadcast(claim.node, claim)
            self._arm(claim.node, suspicion)

    def _arm(self, node: str, suspicion: Suspicion) -> None:
        left_s = max(0.0, suspicion.ends_at - self._context.now)
        self._context.schedule(SuspicionTimeout(node, suspicion.serial), left_s)
