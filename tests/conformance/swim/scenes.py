"""What many scenarios begin with: a membership that knows its peers, and a clock that fires its timers."""

from __future__ import annotations

from heapq import heappop, heappush
from itertools import count

from swim.effects import Effect, Schedule
from swim.events import Event
from swim.member import MemberState
from swim.messages import Ack, Claim, Dead, Left, Message, Nack, Ping, PingRequest, Refute, Suspect
from swim.settings import Settings
from swim.timers import GossipRound, ProbePeriod, SuspicionExpiry, Timer
from tests.support.swim_pair import Peer, Subject, events, only

ACCUSER = b"acc1"
OTHERS = [b"acc2", b"acc3", b"acc4", b"acc5"]
WITNESSES = ACCUSER + b"".join(OTHERS[:3])
"""As many accusers as are kept, and more than any death needs."""
ROUNDING_S = 0.001
ROUNDS_MAX = 1000


class Stage(Subject):
    """A subject with a clock: its timers are handed back when they are due."""

    def __init__(self, settings: Settings | None = None, *, seed: int = 1) -> None:
        self._due: list[tuple[float, int, Timer]] = []
        self._order = count()
        self._answering: list[Peer] = []
        super().__init__(settings, seed=seed)

    def let_answer(self, *others: Peer) -> None:
        """Let these peers, and no others, answer every ping from now on."""
        self._answering = list(others)

    def run_for(self, seconds: float) -> list[Effect]:
        """Let time pass; return what the subject does meanwhile."""
        until, done = self.now + seconds, list[Effect]()
        while self._due[0][0] <= until:
            done += self._step()[1]
        self.now = until
        return done

    def run_until(self, kind: type[Timer]) -> list[Effect]:
        """Let time pass until a timer of this kind has fired; return what the subject does meanwhile."""
        done: list[Effect] = []
        while True:
            timer, effects = self._step()
            done += effects
            if isinstance(timer, kind):
                return done

    def _step(self) -> tuple[Timer, list[Effect]]:
        self.now, _, timer = heappop(self._due)
        effects = self._note(self.membership.handle_timer(timer, self.now))
        for peer in self._answering:
            for ping in only(peer.hears(effects), Ping):
                effects = effects + self.hear(peer, Ack(ping.sequence, self.membership.digest))
        return timer, effects

    def _note(self, effects: list[Effect]) -> list[Effect]:
        for effect in effects:
            if isinstance(effect, Schedule):
                heappush(self._due, (self.now + effect.after_s, next(self._order), effect.timer))
        return super()._note(effects)


def peers(number_of: int) -> list[Peer]:
    """Return so many peers."""
    return [Peer(f"peer-{number}", number) for number in range(1, number_of + 1)]


def settled(number_of: int, settings: Settings | None = None, *, seed: int = 1) -> tuple[Stage, list[Peer]]:
    """Return a subject that knows so many peers and has nothing left to tell, and the peers."""
    stage, others = Stage(settings, seed=seed), peers(number_of)
    stage.meet(*others)
    tell_all(stage)
    return stage, others


def tell_all(subject: Subject) -> list[Effect]:
    """Run gossip rounds until nothing is left to tell; return what was done."""
    effects: list[Effect] = []
    for _ in range(ROUNDS_MAX):
        if not subject.membership.has_rumours:
            return effects
        effects += subject.fire(GossipRound)
    raise AssertionError(f"there is still something to tell after {ROUNDS_MAX} rounds")


def gossip(subject: Subject, others: list[Peer]) -> list[Message]:
    """Return everything that is told until nothing is left to tell."""
    effects = tell_all(subject)
    return [message for peer in others for message in peer.hears(effects)]


def targets(effects: list[Effect], others: list[Peer], kind: type[Message]) -> list[Peer]:
    """Return the peers that were sent a message of this kind."""
    return [peer for peer in others if only(peer.hears(effects), kind)]


def claim_of(state: MemberState, peer: Peer, incarnation: int) -> Claim:
    """Return a claim that a peer is in a state, an accusation with as many witnesses as are ever needed."""
    claims: dict[MemberState, Claim] = {
        MemberState.ALIVE: Refute(peer.key, 1, incarnation),
        MemberState.SUSPECT: Suspect(peer.key, 1, incarnation, WITNESSES),
        MemberState.DEAD: Dead(peer.key, 1, incarnation, WITNESSES),
        MemberState.LEFT: Left(peer.key, 1, incarnation),
    }
    return claims[state]


def suspects(subject: Subject) -> list[str]:
    """Return the ids of the suspects."""
    return [member.node_id for member in subject.membership.members() if member.state is MemberState.SUSPECT]


# ---- probes


def probed(effects: list[Effect], others: list[Peer]) -> tuple[Peer, Ping]:
    """Return who was probed last, and the ping."""
    pings = [(ping.sequence, peer, ping) for peer in others for ping in only(peer.hears(effects), Ping)]
    _, target, ping = max(pings, key=lambda each: each[0])
    return target, ping


def begin_probe(stage: Stage, others: list[Peer]) -> tuple[Peer, Ping]:
    """Let the next probe begin; return who is probed, and the ping."""
    return probed(stage.run_until(ProbePeriod), others)


def ask_helpers(stage: Stage, others: list[Peer]) -> list[Peer]:
    """Let the time for direct answers pass; return who is asked to help."""
    return targets(stage.run_for(stage.settings.probe_timeout_s + ROUNDING_S), others, PingRequest)


def fail_probe(stage: Stage, others: list[Peer], *, nacks: int = 4) -> tuple[Peer, list[Effect]]:
    """Let a probe fail with so many nacks; return who was probed, and what its end brings."""
    target, ping = begin_probe(stage, others)
    for helper in ask_helpers(stage, others)[:nacks]:
        stage.hear(helper, Nack(ping.sequence))
    return target, stage.run_until(ProbePeriod)


def answer_probe(stage: Stage, others: list[Peer]) -> Peer:
    """Let the next probe be answered; return who was probed."""
    target, ping = begin_probe(stage, others)
    stage.hear(target, Ack(ping.sequence, stage.membership.digest))
    return target


# ---- suspicions


def end_suspicion(subject: Subject, effects: list[Effect]) -> tuple[float, list[Event]]:
    """Follow the timers of a suspicion alone; return how long it goes on from now, and its last events."""
    began_at = subject.now
    while waits := [
        effect.after_s
        for effect in effects
        if isinstance(effect, Schedule) and isinstance(effect.timer, SuspicionExpiry)
    ]:
        subject.now += waits[-1]
        effects = subject.fire(SuspicionExpiry)
    return subject.now - began_at, events(effects)
