"""The parts of one membership, each made with those that it works with."""

from __future__ import annotations

import random
from dataclasses import dataclass

from swim.contents import Contents
from swim.context import Context
from swim.detector import Detector
from swim.gossip import Gossip
from swim.healing import Healer
from swim.joining import Joiner
from swim.keyring import Keyring
from swim.last_chance import LastChances
from swim.locating import Locator
from swim.member import Identity, node_key
from swim.own import OwnRecord
from swim.pings import Pings
from swim.relay import Relays
from swim.rounds import Rounds
from swim.settings import Settings
from swim.sync import Reconciler
from swim.topics import Topics
from swim.view import View
from swim.wire import Wire


@dataclass(frozen=True, slots=True)
class Parts:
    """What a membership consists of; the table in DESIGN.md says which part answers which question."""

    context: Context
    wire: Wire
    rounds: Rounds
    contents: Contents
    own: OwnRecord
    view: View
    relays: Relays
    locator: Locator
    detector: Detector
    last_chances: LastChances
    gossip: Gossip
    reconciler: Reconciler
    joiner: Joiner
    healer: Healer
    topics: Topics

    @classmethod
    def make(cls, identity: Identity, settings: Settings, keyring: Keyring, rng: random.Random) -> Parts:
        """Return the parts of a node that knows nobody yet."""
        context = Context.make(node_key(identity.node_id), settings, rng)
        wire = Wire(context, keyring)
        rounds = Rounds(context.key, context.roster, rng)
        contents = Contents(context, wire)
        own = OwnRecord(context, identity, contents.refer(identity.metadata))
        view = View(context, identity.versions)
        relays = Relays(context, view=view, wire=wire)
        locator = Locator(context)
        detector = Detector(
            context,
            rounds=rounds,
            view=view,
            relays=relays,
            pings=Pings(context, wire),
            locator=locator,
            wire=wire,
        )
        joiner = Joiner(context, own=own, wire=wire)
        return cls(
            context=context,
            wire=wire,
            rounds=rounds,
            contents=contents,
            own=own,
            view=view,
            relays=relays,
            locator=locator,
            detector=detector,
            last_chances=LastChances(context, rounds=rounds, view=view, wire=wire),
            gossip=Gossip(context, rounds=rounds, wire=wire),
            reconciler=Reconciler(context, view=view, wire=wire),
            joiner=joiner,
            healer=Healer(context, detector=detector, joiner=joiner),
            topics=Topics(context),
        )

    def forget(self, key: bytes) -> None:
        """Drop what is kept about a member that the table no longer holds."""
        self.view.suspicions.forget(key)
        self.locator.forget(key)
        self.contents.forget(key)
