"""Anti-entropy: find the difference between two tables and send only that.

Every ping and ack carries a digest of the whole table. If a peer's digest differs and keeps differing while
our own table is still, gossip has missed something, and the difference is narrowed down in bounded pieces:

    us  --- Buckets: 64 digests of slices --->  peer
    us  <-- Listing: id and version of each member in the slices that differ
    us  --- records that it lacks; Want: those that we lack --->
    us  <-- the records wanted

A newcomer has nothing to compare and asks for everything: `Pull` and `Page`, see `joining.py`.

Rejected: exchanging whole tables at intervals. At a thousand nodes that is most of memberlist's traffic,
and a lost rumour still waits minutes for its repair.

Source: DESIGN.md, "Anti-entropy".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from swim.context import Context
from swim.member import KEY_BYTES, Address, Member
from swim.messages import Buckets, Listing, Message, Page, Pull, Want, version_of
from swim.roster import BUCKETS, bucket_range
from swim.view import View
from swim.wire import Wire

ENTRY = struct.Struct(">8sIII")
"""Key, epoch, incarnation, revision."""
ENTRIES_PER_LISTING = 60
KEY_MAX = (1 << 8 * KEY_BYTES) - 1
PAGE_RECORDS = 64
WANTS_MAX = 100
CHURN_INTERVALS = 10
"""Probe intervals between exchanges while the own table keeps changing."""
FUTILE_MAX = 6
"""Doublings of the pause while exchanges change nothing: somebody may hold what is refused here for good."""
EAGER_INTERVALS = 8
"""Probe intervals after joining during which differences are looked into sooner."""
EAGER_SHARE = 0.25
"""Of the usual times, meanwhile."""


class Reconciler:
    """Compares tables with peers and repairs the difference."""

    def __init__(self, context: Context, *, view: View, wire: Wire) -> None:
        self._settings = context.settings
        self._rng = context.rng
        self._roster = context.roster
        self._statistics = context.statistics
        self._view = view
        self._wire = wire
        self._differs_since: float | None = None
        self._exchanged_at: float | None = None
        self._eager_until = 0.0
        self._futile = 0

    def compare(self, digest: bytes, source: Address, now: float) -> None:
        """Look at a peer's digest and begin an exchange if a difference has lasted."""
        if digest == self._roster.digest:
            self._differs_since, self._futile = None, 0
            return
        if self._differs_since is None or self._view.changed_at > self._differs_since:
            self._differs_since = now
        if self._exchanged_at is None:
            self._exchanged_at = now
        is_eager = now < self._eager_until
        pace = EAGER_SHARE if is_eager else 1.0
        still_since = self._view.changed_at if is_eager else self._differs_since
        settled = now - still_since >= pace * self._settings.reconcile_settle_s
        if self._view.changed_at > self._exchanged_at:
            self._futile = 0
        pause = min(CHURN_INTERVALS, pace * 2**self._futile) if settled else CHURN_INTERVALS
        due = now - self._exchanged_at >= pause * self._settings.probe_interval_s
        if due:
            self._exchanged_at = now
            self._futile = min(self._futile + 1, FUTILE_MAX)
            self._statistics.reconciliations += 1
            self._wire.send_bare(source, Buckets(self._roster.bucket_digests))

    def hurry(self, now: float) -> None:
        """Look into differences sooner for a while: a newcomer has missed what was told meanwhile."""
        self._eager_until = now + EAGER_INTERVALS * self._settings.probe_interval_s

    def handle_buckets(self, buckets: Buckets, source: Address) -> None:
        """List our members in the slices that differ, in random order since not all may fit."""
        mine, theirs = self._roster.bucket_digests, buckets.digests
        differing = [i for i in range(BUCKETS) if mine[4 * i : 4 * i + 4] != theirs[4 * i : 4 * i + 4]]
        self._rng.shuffle(differing)
        listings = (listing for index in differing for listing in self._list(index))
        self._wire.send_all(source, listings, self._settings.reconcile_burst)

    def handle_listing(self, listing: Listing, source: Address) -> None:
        """Send what the peer lacks, ask for what we lack."""
        theirs = {entry[0]: entry[1:] for entry in ENTRY.iter_unpack(listing.entries)}
        answer: list[Message] = []
        for member in self._roster.live_between(listing.low, listing.high):
            entry = theirs.get(member.key)
            if entry is None or version_of(member) > entry or _is_partly_newer(member, entry):
                answer += self._view.answers.records_of(member)
        wanted = [key for key, entry in theirs.items() if self._is_wanted(key, entry)]
        for key, entry in theirs.items():
            gone = self._roster.find(key)
            if self._view.suspicions.is_private(key):
                continue  # held dead by this node alone, for want of better news: that is asked for
            if gone is not None and not gone.is_live and (gone.epoch, gone.incarnation) >= entry[:2]:
                answer.append(self._view.answers.verdict(gone, stale_boot=entry[0] < gone.epoch))
        if wanted:
            answer.insert(0, Want(b"".join(wanted[:WANTS_MAX])))
        self._wire.send_all(source, answer, self._settings.reconcile_burst)

    def handle_want(self, want: Want, source: Address) -> None:
        """Send the records that a peer asks for."""
        answer: list[Message] = []
        for at in range(0, len(want.keys), KEY_BYTES):
            member = self._roster.find(want.keys[at : at + KEY_BYTES])
            if member is not None and member.is_live:
                answer += self._view.answers.records_of(member)
        self._wire.send_all(source, answer, self._settings.reconcile_burst)

    def handle_pull(self, pull: Pull, source: Address) -> None:
        """Send the next page of the whole table."""
        low = _after(pull.after) if pull.after else bytes(KEY_BYTES)
        members = self._roster.live_between(low, b"\xff" * KEY_BYTES, PAGE_RECORDS + 1)
        page = members[:PAGE_RECORDS]
        answer = [record for member in page for record in self._view.answers.records_of(member)]
        answer.append(Page(page[-1].key if len(members) > PAGE_RECORDS else b""))
        self._wire.send_all(source, answer, 2 * PAGE_RECORDS)

    def _list(self, index: int) -> Iterator[Listing]:
        low, end = bucket_range(index)
        members = self._roster.live_between(low, end)
        while len(members) > ENTRIES_PER_LISTING:
            piece, members = members[:ENTRIES_PER_LISTING], members[ENTRIES_PER_LISTING:]
            yield Listing(low, piece[-1].key, _pack(piece))
            low = _after(piece[-1].key)
        yield Listing(low, end, _pack(members))

    def _is_wanted(self, key: bytes, entry: tuple[int, int, int]) -> bool:
        known = self._roster.find(key)
        if known is None:
            return True
        if known.is_live:
            return entry > version_of(known) or (entry[0] == known.epoch and entry[2] > known.revision)
        held = (known.epoch, known.incarnation)
        return entry[:2] > held or (entry[:2] == held and self._view.suspicions.is_private(key))


def _is_partly_newer(member: Member, entry: tuple[int, int, int]) -> bool:
    return member.epoch == entry[0] and member.revision > entry[2]


def _pack(members: list[Member]) -> bytes:
    entries: list[bytes] = [ENTRY.pack(member.key, *version_of(member)) for member in members]
    return b"".join(entries)


def _after(key: bytes) -> bytes:
    return min(int.from_bytes(key, "big") + 1, KEY_MAX).to_bytes(KEY_BYTES, "big")
