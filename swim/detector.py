"""The failure detector: drives the probes of `probe.py` through time and answers those of others."""

from __future__ import annotations

from dataclasses import replace

from swim.codec import SEQUENCE_MAX, TARGET_BYTES
from swim.context import Context
from swim.cooldown import Cooldown
from swim.events import DatagramsBlocked
from swim.locating import Locator
from swim.member import Address, Member, MemberState
from swim.messages import Ack, Message, Nack, Ping, PingRequest
from swim.path import Path
from swim.pings import Pings
from swim.probe import ISOLATION_PATIENCE, Probe, Verdict, claim_of, judge
from swim.relay import Relays
from swim.rounds import Rounds
from swim.statistics import Drop
from swim.timers import ProbePeriod, ProbeStep, Step
from swim.view import View
from swim.wire import Wire

DIRECT_SHARE = 0.86
"""Part of the time for direct answers over which the pings are spread; the last one needs the rest."""
COST_MAX = 2
"""Points of local health that one failed probe costs at most. Without a bound a node on the small side of a
split, whose helpers are on the other, takes itself for unwell and gives nobody up for minutes."""
BLOCKED_REPORT_S = 60.0
"""At most so often it is reported that a member answers over its link only."""


class Detector:
    """Probes one member per period and answers pings.

    Attributes:
        path: Loss and round trip as the probes see them.
    """

    def __init__(
        self,
        context: Context,
        *,
        rounds: Rounds,
        view: View,
        relays: Relays,
        pings: Pings,
        locator: Locator,
        wire: Wire,
    ) -> None:
        self.path = Path()
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
        self._pings = pings
        self._locator = locator
        self._wire = wire
        self._probe: Probe | None = None
        self._period = 0
        # Begins at random, so that a recorded answer to another node fits none of our pings; 0 is for pings
        # whose answer nobody waits for.
        self._sequence = context.rng.randrange(1 << 16)
        self._isolations = 0
        self._was_isolated = False
        self._blocked = Cooldown(BLOCKED_REPORT_S)

    def start(self) -> None:
        """Begin probing, at a random moment so that the nodes of a cluster do not probe in step."""
        after_s = self._rng.random() * self._settings.probe_interval_s
        self._outbox.schedule(ProbePeriod(self._period), after_s)

    def ping(self, member: Member, now: float) -> None:
        """Ping a member because somebody asked for it."""
        self._pings.begin(member, self._next_sequence(), now)

    def ping_dead(self, member: Member) -> None:
        """Try somebody who is held dead, and tell it so: if it lives it will refute."""
        ping = Ping(0, member.key[:TARGET_BYTES], self._roster.digest)
        verdict = [] if self._view.suspicions.is_private(member.key) else [self._view.answers.verdict(member)]
        self._wire.send_bare(member.address, ping, *verdict)

    # ---- time

    def handle_period(self, timer: ProbePeriod, now: float) -> None:
        """Judge the probe that is over and begin the next."""
        if timer.number != self._period:
            return
        unsure = self._conclude(self._probe, now) if self._probe else None
        self._begin(unsure, now)
        self._period += 1
        period_s = self._awareness.stretch(self._settings.probe_interval_s)
        self._outbox.schedule(ProbePeriod(self._period), period_s)

    def handle_step(self, timer: ProbeStep, now: float) -> None:
        """Ping again, or ask helpers, if there is no answer yet."""
        probe = self._probe
        if probe is None or probe.sequence != timer.sequence or probe.answered:
            return
        if timer.step is Step.RETRY:
            self._statistics.retries += 1
            self._ping(probe, self._next_sequence(), now)
            self._schedule_step(probe, now)
        else:
            self._ask_helpers(probe)

    # ---- messages

    def handle_ping(self, ping: Ping, sender: bytes, source: Address) -> None:
        """Answer, unless the ping was meant for whoever had this address before."""
        if ping.target != self._key[:TARGET_BYTES]:
            self._statistics.drop(Drop.MISDIRECTED)
            return
        if self._probe is not None:
            self._probe.target_heard |= sender == self._probe.target
        self._wire.send(source, Ack(ping.sequence, self._roster.digest, self._locator.own()))

    def handle_ack(self, ack: Ack, sender: bytes, now: float) -> None:
        """Count an answer to our probe, or pass on one that we made for somebody else."""
        probe = self._probe
        if probe is not None and sender == probe.target and ack.sequence in probe.pings:
            rtt_s = now - probe.pings[ack.sequence]
            self.path.count_rtt(rtt_s)
            self._locator.observe(sender, ack.coordinate, rtt_s)
            probe.answered_first |= ack.sequence == probe.sequence
            probe.answered = True
        elif probe is not None and sender in probe.helpers and ack.sequence == probe.sequence:
            probe.answered = True
        elif not self._pings.handle_ack(ack.sequence, sender, now):
            self._relays.handle_ack(ack.sequence, sender)

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

    def handle_link_answer(self, sender: bytes, sequence: int) -> None:
        """Count an answer over a link; late and unasked ones change nothing."""
        probe = self._probe
        if probe is not None and (probe.target, probe.sequence) == (sender, sequence):
            probe.answered_by_link = True

    def hear(self, sender: bytes) -> None:
        """Note that a member was heard, whatever it said."""
        self._rounds.hear(sender)
        if self._probe is not None:
            self._probe.anybody_heard = True

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
        tries = self.path.tries()
        pause_s = self.path.pause_s(DIRECT_SHARE * self._settings.probe_timeout_s, tries)
        self._probe = Probe(
            self._next_sequence(),
            target.key,
            claim_of(target),
            now,
            ends_at,
            strikes,
            tries=tries,
            pause_s=pause_s,
        )
        self._statistics.probes += 1
        self._ping(self._probe, self._probe.sequence, now)
        self._schedule_step(self._probe, now)

    def _ping(self, probe: Probe, sequence: int, now: float) -> None:
        is_first = not probe.pings
        probe.pings[sequence] = now
        target = self._roster.find(probe.target)
        if target is None or not target.is_live:
            return
        messages: list[Message] = [Ping(sequence, target.key[:TARGET_BYTES], self._roster.digest)]
        messages += self._view.suspicions.shown(target)  # the suspect hears of it first
        send = self._wire.send if is_first else self._wire.send_bare
        send(target.address, *messages)

    def _schedule_step(self, probe: Probe, now: float) -> None:
        left_s = probe.began_at + self._settings.probe_timeout_s - now
        if len(probe.pings) < probe.tries and probe.pause_s < left_s:
            self._outbox.schedule(ProbeStep(probe.sequence, Step.RETRY), probe.pause_s)
        else:
            self._outbox.schedule(ProbeStep(probe.sequence, Step.INDIRECT), left_s)

    def _ask_helpers(self, probe: Probe) -> None:
        probe.is_asked = True
        count = self._settings.helpers + (self._settings.helpers_if_lossy if self.path.is_lossy else 0)
        for helper in self._rounds.helpers(count, for_target=probe.target):
            probe.helpers.append(helper.key)
            self._wire.send(helper.address, PingRequest(probe.sequence, probe.target))
        target = self._roster.find(probe.target)
        if target is not None and self._settings.asks_over_link(target.node_id):
            self._outbox.ping_link(target.node_id, probe.sequence)

    def _conclude(self, probe: Probe, now: float) -> Probe | None:
        """Judge the probe; return it if the same member should be probed again."""
        if now - probe.ends_at > self._settings.probe_interval_s / 2 and not probe.answered:
            self._statistics.probes_voided += 1  # we had stalled: the answers may still wait to be read
            return None
        verdict = judge(probe)
        if verdict is Verdict.ALIVE:
            self._note_life(probe, now)
            return None
        if self._has_moved_on(probe):
            return None
        self._statistics.probes_failed += 1
        if verdict is Verdict.ISOLATED:
            self._count_isolation(now)
            return replace(probe, strikes=probe.strikes - 1)  # this one has shown nothing of the target
        self._awareness.worsen(min(COST_MAX, probe.silent_helpers) if probe.helpers else 1)
        if verdict is Verdict.UNSURE:
            return probe
        self._view.accuse(probe.target, probe.nackers, now)
        self._tell_suspect(probe.target)
        return None

    def _has_moved_on(self, probe: Probe) -> bool:
        """Tell whether the target refuted, started again or moved meanwhile: silence says nothing of that."""
        target = self._roster.find(probe.target)
        return target is not None and claim_of(target) != probe.claim

    def _note_life(self, probe: Probe, now: float) -> None:
        if self._was_isolated:
            self._was_isolated = False
            self._awareness.recover()
        self._isolations = 0
        self.path.count_ping(answered=probe.answered_first)
        if probe.answered or probe.answered_by_link:
            self._awareness.improve()
        if probe.answered_by_link and not probe.answered and not probe.target_heard:
            self._statistics.link_rescues += 1
            target = self._roster.find(probe.target)
            if target is not None and self._blocked.is_ready(probe.target, now):
                self._outbox.notify(DatagramsBlocked(target))

    def _count_isolation(self, now: float) -> None:
        self._awareness.worsen()
        self._was_isolated = True
        self._statistics.isolations += 1
        self._isolations += 1
        if self._isolations == ISOLATION_PATIENCE:
            self._isolations = 0
            self._view.doubt_all(now)

    def _tell_suspect(self, key: bytes) -> None:
        suspect = self._roster.find(key)
        if suspect is not None and suspect.state is MemberState.SUSPECT:
            self._wire.send_bare(suspect.address, *self._view.suspicions.shown(suspect))

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % SEQUENCE_MAX + 1
        return self._sequence
