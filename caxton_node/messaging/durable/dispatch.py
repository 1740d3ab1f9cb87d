"""From the outbox to the router: what goes when, and again.

On the event loop. It decides by three things: what `outbox.py` says is next, where the address leads now, and
what is known of the node that a message was sent to before.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import count

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import parse_address
from caxton_node.fipa import decode, encode
from caxton_node.messaging.durable.header import with_passage
from caxton_node.messaging.durable.inbox import Inbox
from caxton_node.messaging.durable.office import Office
from caxton_node.messaging.durable.outbox import Entry, Key, Outbox, Talk
from caxton_node.messaging.durable.settings import DurableSettings

ASK_MAX_S = 60.0
COPIES_ASKED = 256
TURN_MAX = 512
"""Talks that are looked at in one turn of the loop; a node may have a hundred thousand."""


class Dispatcher:
    """Sends what is next in each talk.

    Args:
        office: The router.
        outbox: What nobody has handled yet.
        inbox: What is in hands here.
        settings: Window and patience.
        node_id: This node.
        now: Reads the monotonic clock.

    Attributes:
        is_alive: Tells whether a node can be reached, as far as known.
        recall: Asks a node to let go of a message that now leads elsewhere; the answer comes by
            `handle_unknown`, `handle_here` or `handle_closed`.
        launched: Times that a message went out.
    """

    def __init__(
        self,
        office: Office,
        *,
        outbox: Outbox,
        inbox: Inbox,
        settings: DurableSettings,
        node_id: str,
        now: Callable[[], float],
    ) -> None:
        self._office = office
        self.is_alive: Callable[[str], bool] = lambda _node: False
        self.recall: Callable[[str, bytes], None] = lambda _node, _copy: None
        self.launched = 0
        self._outbox = outbox
        self._inbox = inbox
        self._settings = settings
        self._node_id = node_id
        self._now = now
        self._due: list[tuple[float, int, Talk]] = []
        self._numbers = count()
        self._started = False

    def start(self) -> None:
        """Send what an earlier life has left, and whatever comes."""
        self._started = True
        self._send_all(list(self._outbox.talks.values()))

    def add(self, entry: Entry) -> None:
        """Send a message when it is its turn."""
        talk = self._outbox.add(entry)
        if talk is not None:
            self._push(talk)

    # -- what becomes of it ---------------------------------------------------------------------------------

    def handle_closed(self, copy: bytes) -> None:
        """Go on behind a message that is done with."""
        talk = self._outbox.close(copy)
        if talk is not None:
            talk.failures = talk.questions = 0
            talk.moved_at = self._now()
            self._push(talk)

    def handle_returned(self, copy: bytes) -> None:
        """Wait, and then send a talk again from its first message: this one was not taken."""
        entry, talk = self._outbox.entries.get(copy), self._outbox.find_talk(copy)
        if entry is not None and talk is not None and entry.is_under_way and not talk.is_blocked:
            talk.rewind()
            self._block(talk)

    def handle_unknown(self, copies: Iterable[bytes]) -> None:
        """Send talks again: the node that these were sent to does not have them, or not yet."""
        talks: dict[Key, Talk] = {}
        for copy in copies:
            entry, talk = self._outbox.entries.get(copy), self._outbox.find_talk(copy)
            if entry is not None and talk is not None:
                entry.node = ""
                talks[talk.key] = talk
        for talk in talks.values():
            talk.questions += 1  # so that a slow link is not filled with the same again and again
            self._send_again(talk)

    def handle_here(self, copy: bytes) -> None:
        """Be patient: the node that it was sent to has this message still."""
        talk = self._outbox.find_talk(copy)
        if talk is not None:
            talk.questions += 1

    def handle_node_lost(self, node: str) -> None:
        """Send again what was under way to a node whose life has ended; it may have begun another."""
        talks = self._outbox.talks_with(node)
        for talk in talks:
            for entry in talk.under_way.values():
                entry.node = "" if entry.node == node else entry.node
        self._send_all(talks)

    def retry(self) -> None:
        """Try all that could not be sent: somebody has come, or a route has changed."""
        self._send_all([talk for talk in self._outbox.talks.values() if talk.is_blocked])

    # -- as time passes -------------------------------------------------------------------------------------

    def tick(self) -> dict[str, list[bytes]]:
        """Send what has waited long enough; return by node which messages to ask about."""
        questions: dict[str, list[bytes]] = {}
        for talk in self._take_due():
            if talk.is_blocked or self._has_lost(talk):
                self._send_again(talk)
            elif not self._is_early(talk):
                for node, copies in self._strangers(talk):
                    questions.setdefault(node, []).extend(copies)
            self._arm(talk)
        return questions

    def expired(self, now_ms: int) -> Iterator[Entry]:
        """Yield what must be given up: neither in hands here, nor with a node that may still say."""
        grace_ms = round(self._settings.grace_s * 1000)
        for entry in self._outbox.expired(now_ms):
            is_away = (
                entry.is_under_way and entry.node not in {"", self._node_id} and self.is_alive(entry.node)
            )
            if entry.copy not in self._inbox.in_hand and not (
                is_away and now_ms < entry.expires_ms + grace_ms
            ):
                yield entry

    # -- within ---------------------------------------------------------------------------------------------

    def _push(self, talk: Talk) -> None:
        """Launch what may go."""
        while self._started and not talk.is_blocked and len(talk.under_way) < self._settings.window:
            entry = talk.next_waiting()
            if entry is None or not self._launch(talk, entry):
                break
        self._arm(talk)

    def _launch(self, talk: Talk, entry: Entry) -> bool:
        """Send the first that waits; False if it cannot go now, and the talk is blocked."""
        envelope = decode(entry.frame)
        found = self._office.find(envelope)
        if found.destination is None and may_come(entry.key[1]):
            self._block(talk)
            return False
        node = found.node or self._node_id
        if self._is_elsewhere(entry, node):
            self._block(talk)
            self.recall(entry.node, entry.copy)
            return False
        after = talk.last
        talk.launch()
        entry.node = node
        ready = with_passage(envelope, self._node_id, after)
        mailbox, entry.mailbox = entry.mailbox, None
        again, entry.is_followed = entry.is_followed, True
        self.launched += 1
        self._office.launch(ready, encode(ready), found, mailbox, again=again)
        return True

    def _is_elsewhere(self, entry: Entry, node: str) -> bool:
        """Tell whether another node that is alive may have the message already."""
        before = entry.node
        return before not in {"", node, self._node_id} and self.is_alive(before)

    def _send_all(self, talks: Sequence[Talk]) -> None:
        """Send talks again: some now, and with the next ticks the others, so that the loop has time."""
        for talk in talks[:TURN_MAX]:
            self._send_again(talk)
        for talk in talks[TURN_MAX:]:
            talk.rewind()
            talk.is_blocked = True
            self._set_timer(talk, self._now())

    def _send_again(self, talk: Talk) -> None:
        talk.rewind()
        talk.is_blocked = False
        self._push(talk)

    def _block(self, talk: Talk) -> None:
        settings = self._settings
        wait_s = min(settings.retry_min_s * 2 ** min(talk.failures, 16), settings.retry_max_s)
        talk.failures += 1
        talk.is_blocked = True
        self._set_timer(talk, self._now() + wait_s)

    def _arm(self, talk: Talk) -> None:
        """Make sure that a talk is looked at again as long as something is left of it."""
        if not talk.is_empty and not talk.due_at:
            self._set_timer(talk, self._now() + self._ask_after_s(talk))

    def _ask_after_s(self, talk: Talk) -> float:
        wait_s: float = self._settings.ask_s * 2 ** min(talk.questions, 8)
        return min(wait_s, ASK_MAX_S)

    def _set_timer(self, talk: Talk, at: float) -> None:
        talk.due_at = at
        heapq.heappush(self._due, (at, next(self._numbers), talk))

    def _take_due(self) -> Iterable[Talk]:
        """Remove and return talks whose time has come, a turn's worth; those that are over are forgotten."""
        now, due = self._now(), list[Talk]()
        while self._due and self._due[0][0] <= now and len(due) < TURN_MAX:
            at, _, talk = heapq.heappop(self._due)
            if talk.due_at == at and self._outbox.talks.get(talk.key) is talk:
                talk.due_at = 0.0
                due.append(talk)
        return due

    def _is_early(self, talk: Talk) -> bool:
        """Tell whether something of a talk was closed so lately that nobody need be asked."""
        return self._now() - talk.moved_at < self._settings.ask_s

    def _has_lost(self, talk: Talk) -> bool:
        """Tell whether something was to be here and is not, or is with a node that is gone."""
        for entry in talk.under_way.values():
            here = entry.node == self._node_id
            if (here and entry.copy not in self._inbox.in_hand) or not (here or self.is_alive(entry.node)):
                return True
        return False

    def _strangers(self, talk: Talk) -> Iterator[tuple[str, list[bytes]]]:
        """Yield which node to ask about which copies."""
        by_node: dict[str, list[bytes]] = {}
        for copy, entry in talk.under_way.items():
            if entry.node != self._node_id:
                by_node.setdefault(entry.node, []).append(copy)
        for node, copies in by_node.items():
            yield node, copies[:COPIES_ASKED]


def may_come(receiver: str) -> bool:
    """Tell whether somebody of this name may come: a client or a task lives once, and no name is nobody's."""
    try:
        return "~" not in parse_address(receiver).name
    except InvalidArgument:
        return False
