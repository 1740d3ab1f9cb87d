"""The failure detector: drives the probes of `probe.py` through time and answers those of others."""

from __future__ import annotations

from swim.codec import SEQUENCE_MAX, TARGET_BYTES
from swim.context import Context
from swim.member import Address, Member, MemberState
from swim.messages import Ack, Message, Nack, Ping, PingRequest
from swim.probe import ISOLATION_PATIENCE, Probe, Verdict, judge
from swim.relay import Relays
from swim.rounds import Rounds
from swim.statistics import Drop
from swim.timers import ProbePeriod, ProbeStep, Step
from swim.view import View
from swim.wire import Wire


class Detector:
    """Probes one member per period and answers pings."""

    def __init__(self, context: Context, *, rounds: Rounds, view: View, relays: Relays, wire: Wire) -> None:
        self._key = context.key
        self._settings = context.settings
        self._rng = context.rng
        self._roster = context.roster
        self._awareness = context.awareness
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._rounds = rounds
        self._view = view
        self._relays = relays
        self._wire = wire
        self._probe: Probe | None = None
        self._period = 0
        self._sequence = 0  # 0 is for pings whose answer nobody waits for
        self._isolations = 0

    def start(self) -> None:
        """Begin probing, at a random moment so that the nodes of a cluster do not probe in step."""
        after_s = self._rng.random() * self._settings.probe_interval_s
        self._outbox.schedule(ProbePeriod(self._period), after_s)

    # ---- time

    def handle_period(self, timer: ProbePeriod, now: float) -> None:
        """Judge the probe that is over and begin the next."""
        if timer.number != self._period:
            return
        unsure = self._conclude(now) if self._probe else None
        self._begin(unsure, now)
        self._period += 1
        period_s = self._awareness.stretch(self._settings.probe_interval_s)
        self._outbox.schedule(ProbePeriod(self._period), period_s)

    def handle_step(self, timer: ProbeStep) -> None:
        """Ping again, or ask helpers, if there is no answer yet."""
        probe = self._probe
        if probe is None or probe.sequence != timer.sequence or probe.answered:
            return
        if timer.step is Step.RETRY:
            self._ping(probe)
            self._schedule_step(probe, Step.INDIRECT)
            return
        for helper in self._rounds.helpers(self._settings.helpers, for_target=probe.target):
            probe.helpers.append(helper.key)
            self._wire.send(helper.address, PingRequest(probe.sequence, probe.target))

    # ---- messages

    def handle_ping(self, ping: Ping, source: Address) -> None:
        """Answer, unless the ping was meant for whoever had this address before."""
        if ping.target != self._key[:TARGET_BYTES]:
            self._statistics.drop(Drop.MISDIRECTED)
            return
        self._wire.send(source, Ack(ping.sequence, self._roster.digest))

    def handle_ack(self, ack: Ack, sender: bytes) -> None:
        """Count an answer to our probe, or pass on one that we made for somebody else."""
        probe = self._probe
        if probe is None or ack.sequence != probe.sequence:
            self._relays.handle_ack(ack.sequence, sender)
        elif sender == probe.target or sender in probe.helpers:
            probe.answered = True

    def handle_nack(self, nack: Nack, sender: bytes) -> None:
        """Count a helper that could not reach the target, once."""
        probe = self._probe
        if (
            probe is not None
            and nack.sequence == probe.sequence
            and sender in probe.helpers
            and sender not in probe.nackers
        ):
            probe.nackers.append(sender)

    def handle_request(self, request: PingRequest, sender: bytes, source: Address) -> None:
        """Probe a member for another one."""
        self._relays.begin(request, sender, source, self._next_sequence())

    def hear(self, sender: bytes) -> None:
        """Note that a member was heard, whatever it said."""
        self._rounds.hear(sender)
        if self._probe is not None:
            self._probe.anybody_heard = True
            self._probe.target_heard |= sender == self._probe.target

    def warn(self, suspect: Member) -> None:
        """Ping a suspect a last time, with the accusation that it should refute."""
        ping = Ping(0, suspect.key[:TARGET_BYTES], self._roster.digest)
        self._wire.send(suspect.address, ping, self._view.accusation(suspect))

    def ping_dead(self, member: Member) -> None:
        """Try somebody who is held dead, and tell it so: if it lives it will refute."""
        ping = Ping(0, member.key[:TARGET_BYTES], self._roster.digest)
        self._wire.send(member.address, ping, self._view.verdict(member))

    # ---- inside

    def _begin(self, unsure: Probe | None, now: float) -> None:
        self._probe = None
        target = self._roster.find(unsure.target) if unsure else None
        strikes = unsure.strikes + 1 if unsure else 0
        if target is None or not target.is_live:
            target, strikes = self._rounds.next(), 0
        if target is None:
            return
        ends_at = now + self._awareness.stretch(self._settings.probe_interval_s)
        self._probe = Probe(self._next_sequence(), target.key, now, ends_at, strikes)
        self._statistics.probes += 1
        self._ping(self._probe)
        self._schedule_step(self._probe, Step.RETRY)

    def _ping(self, probe: Probe) -> None:
        target = self._roster.find(probe.target)
        if target is None or not target.is_live:
            return
        messages: list[Message] = [Ping(probe.sequence, target.key[:TARGET_BYTES], self._roster.digest)]
        if target.state is MemberState.SUSPECT:
            messages.append(self._view.accusation(target))  # the suspect hears of it first
        self._wire.send(target.address, *messages)

    def _schedule_step(self, probe: Probe, step: Step) -> None:
        self._outbox.schedule(ProbeStep(probe.sequence, step), self._settings.probe_timeout_s / 2)

    def _conclude(self, now: float) -> Probe | None:
        """Judge the probe; return it if the same member should be probed again."""
        probe = self._probe
        assert probe is not None, "called with a probe under way"
        if probe.answered:
            self._isolations = 0
            self._awareness.improve()
            return None
        if now - probe.ends_at > self._settings.probe_interval_s / 2:
            self._statistics.probes_voided += 1  # we had stalled: the answers may still wait to be read
            return None
        return self._act_on(judge(probe), probe, now)

    def _act_on(self, verdict: Verdict, probe: Probe, now: float) -> Probe | None:
        if verdict is Verdict.ALIVE:
            self._isolations = 0
            return None
        self._statistics.probes_failed += 1
        if verdict is Verdict.ISOLATED:
            self._count_isolation(now)
            return None
        self._awareness.worsen(probe.silent_helpers if probe.helpers else 1)
        if verdict is Verdict.UNSURE:
            return probe
        self._view.accuse(probe.target, probe.nackers, now)
        self._tell_suspect(probe.target)
        return None

    def _count_isolation(self, now: float) -> None:
        self._awareness.worsen()
        self._statistics.isolations += 1
        self._isolations += 1
        if self._isolations == ISOLATION_PATIENCE:
            self._isolations = 0
            self._view.doubt_all(now)

    def _tell_suspect(self, key: bytes) -> None:
        suspect = self._roster.find(key)
        if suspect is not None and suspect.state is MemberState.SUSPECT:
            self._wire.send(suspect.address, self._view.accusation(suspect))

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence
