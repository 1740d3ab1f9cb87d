"""API keys of the whole cluster: made, judged, rotated and revoked on any node, and good on all.

What is known of a key travels between the nodes (`KeyRegister`); its text is shown once and kept nowhere. The
node that made it has a row of its own besides, from which the entry is written again should it be missing.

A revoked key is marked, not removed, and every node notes the mark in its own database: a node that comes
back from an old backup, or publishes what it made, finds the others knowing better. Who says that a marked
key is good is told of the mark again. It is kept until the key would have expired, or for a year. A key that
was replaced carries the same mark with an instant that is yet to come, so rotation needs no rule of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, NotFound, ResourceLimit, StateError
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.security.key_register import KeyRegister
from caxton_node.security.key_rules import (
    MARK_KEPT_S,
    check_grants,
    check_lifetime,
    check_overlap,
    is_forgettable,
    is_void,
)
from caxton_node.security.key_uses import KeyUses
from caxton_node.security.principal import Grant, write_grants
from caxton_node.security.refusal import Reason, refusal
from caxton_node.security.service import make_api_key
from caxton_node.security.store import TokenRecord, TokenStore
from caxton_node.security.token import check_api_token, hash_token
from caxton_node.storage import Database

KEYS_MAX = 10_000

_log = get_logger("security")


class KeyNotFound(NotFound):
    """No API key has this id; nothing was changed."""

    code = "API_KEY_NOT_FOUND"


@dataclass(frozen=True, slots=True)
class MadeKey:
    """A key that was made just now.

    Attributes:
        text: What its holder shows; nobody can find it out again.
        record: What is kept of it.
    """

    text: str
    record: TokenRecord


class ApiKeys:
    """Makes, judges, rotates and revokes API keys.

    Args:
        database: Of this node.
        clock: For expiry.
        register: Where keys travel.
        node_id: This node, which issues what is made here.
        env: Kind of installation, a part of each key's text.

    Attributes:
        cut_off_unix_s: Tells since when a node is cut off, given its id; None: it is not.
        uses: When keys were shown last.
    """

    def __init__(
        self, database: Database, clock: Clock, register: KeyRegister, *, node_id: str, env: str
    ) -> None:
        self.cut_off_unix_s: Callable[[str], float | None] = lambda _issuer: None
        self.uses = KeyUses(register)
        self._store = TokenStore(database)
        self._clock = clock
        self._register = register
        self._node_id = node_id
        self._env = env
        self._marks: dict[str, int] = {}
        self._listeners: list[Callable[[str], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Learn what was revoked, then publish what this node has made and the others may not know."""
        now = self.now_unix_s
        self._marks = await self._store.read_revoked(now)
        self._register.watch(self.handle_changes)
        known = self._register.all()
        self.handle_changes([(record.hash, record) for record in known])
        for record in await self._store.list_by_kind("api"):
            await self._publish(record, now)
        self._forget_old(known, now)

    async def close(self) -> None:
        """Write down what is still to be written."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def listen(self, listener: Callable[[str], None]) -> None:
        """Call `listener` with the hash of each key that is not what it was."""
        self._listeners.append(listener)

    @property
    def now_unix_s(self) -> int:
        """Return the present by which keys expire."""
        return self._clock.unix_us() // 1_000_000

    # -- judging --------------------------------------------------------------------------------------------

    def check(self, text: str) -> TokenRecord:
        """Return what is known of a key that is good now; its `expires_unix_s` is when it ends to be.

        Raises:
            Unauthorized: It is malformed, unknown, revoked, void or expired.
        """
        check_api_token(text)
        record = self._find(hash_token(text))
        if record is None:
            raise refusal(
                Reason.UNKNOWN,
                "the token is not known",
                why="it is mistyped, or of another cluster",
                hint="check CAXTON_TOKEN",
            )
        now = self.now_unix_s
        self._check_good(record, now)
        self.uses.note(record.hash, now)
        ends = min(filter(None, (record.expires_unix_s, record.revoked_unix_s)), default=None)
        return replace(record, expires_unix_s=ends)

    def state_of(self, record: TokenRecord) -> str:
        """Return how it stands with a key: active, replaced, revoked, expired, void."""
        now, revoked = self.now_unix_s, record.revoked_unix_s
        if revoked is not None and revoked <= now:
            return "revoked"
        if record.expires_unix_s is not None and record.expires_unix_s <= now:
            return "expired"
        if self._is_void(record, now):
            return "void"
        return "active" if revoked is None else "replaced"

    def _check_good(self, record: TokenRecord, now: int) -> None:
        if record.revoked_unix_s is not None and record.revoked_unix_s <= now:
            raise refusal(Reason.REVOKED, "the token was revoked", hint="ask an administrator for a new one")
        if record.expires_unix_s is not None and record.expires_unix_s <= now:
            raise refusal(Reason.EXPIRED, "the token has expired", hint="ask an administrator for a new one")
        if self._is_void(record, now):
            raise refusal(
                Reason.REVOKED,
                "the token is void",
                why=f"node {record.issuer}, which made it, was cut off from the cluster later",
                hint="ask an administrator for a new one",
            )

    def _is_void(self, record: TokenRecord, now: int) -> bool:
        return is_void(record.created_unix_s, self.cut_off_unix_s(record.issuer), now)

    def _find(self, hash_hex: str) -> TokenRecord | None:
        record = self._register.find(hash_hex) or self._store.find_now(hash_hex)
        if record is None or record.kind != "api":
            return None
        return self._marked(replace(record, issuer=record.issuer or self._node_id))

    def _marked(self, record: TokenRecord) -> TokenRecord:
        """Return the record as this node knows it, whatever the register says."""
        instants = (record.revoked_unix_s, self._marks.get(record.hash))
        return replace(record, revoked_unix_s=min((at for at in instants if at is not None), default=None))

    # -- managing -------------------------------------------------------------------------------------------

    async def records(self) -> list[TokenRecord]:
        """Return the keys of the cluster, oldest first, with those that were revoked or have expired."""
        found = {record.hash: record for record in await self._store.list_by_kind("api")}
        found |= {record.hash: record for record in self._register.all()}
        records = [
            self._marked(replace(each, issuer=each.issuer or self._node_id)) for each in found.values()
        ]
        return sorted(records, key=lambda each: (each.created_unix_s, each.name, each.hash))

    def is_known(self, key_id: str) -> bool:
        """Tell whether this node has heard of a key."""
        return any(record.id == key_id for record in self._register.all())

    async def get(self, key_id: str) -> TokenRecord:
        """Return a key by its id.

        Raises:
            KeyNotFound: There is none.
        """
        for record in await self.records():
            if record.id == key_id:
                return record
        raise KeyNotFound(f"there is no API key {key_id[:64]}", hint="caxton security keys list shows them")

    async def create(self, *, name: str, grants: Iterable[Grant], lifetime_s: float | None = None) -> MadeKey:
        """Make a key.

        Args:
            name: Of its holder, a DNS label.
            grants: What it may do, at least one thing.
            lifetime_s: Seconds until it expires; None: never.

        Raises:
            InvalidArgument: The name, the grants or the lifetime cannot be; nothing was made.
            ResourceLimit: There are too many keys.
        """
        given = tuple(dict.fromkeys(grants))
        check_grants(given)
        check_lifetime(lifetime_s)
        known = await self.records()
        self._forget_old(known, self.now_unix_s)
        if len(known) >= KEYS_MAX:
            raise ResourceLimit(
                f"there are {len(known)} API keys",
                why=f"a cluster keeps {KEYS_MAX}",
                hint="caxton security keys list shows those that are not needed any more",
            )
        return await self._make(name, write_grants(given), lifetime_s)

    async def rotate(
        self, key_id: str, *, overlap_s: float = 0.0, lifetime_s: float | None = None
    ) -> MadeKey:
        """Make a key that takes the place of another one: same name, same grants, another secret.

        Args:
            key_id: The old one.
            overlap_s: How long the old one stays good; 0: it is void at once.
            lifetime_s: Of the new one; None: as long as the old one was to live.

        Raises:
            KeyNotFound: There is none.
            StateError: It is not good any more.
            InvalidArgument: The overlap or the lifetime cannot be.
        """
        old = await self.get(key_id)
        if self.state_of(old) != "active":
            raise StateError(
                f"API key {key_id} cannot be rotated",
                why=f"it is {self.state_of(old)}",
                hint="caxton security keys create makes a new one",
            )
        check_overlap(overlap_s)
        if lifetime_s is None and old.expires_unix_s is not None:
            lifetime_s = old.expires_unix_s - old.created_unix_s
        check_lifetime(lifetime_s)
        made = await self._make(old.name, old.role, lifetime_s)
        await self._mark(old, self.now_unix_s + int(overlap_s))
        return made

    async def revoke(self, key_id: str) -> TokenRecord:
        """Make a key void now, on every node; repeating it changes nothing.

        Raises:
            KeyNotFound: There is none.
        """
        old = await self.get(key_id)
        return await self._mark(old, self.now_unix_s)

    async def _make(self, name: str, grants: str, lifetime_s: float | None) -> MadeKey:
        now = self.now_unix_s
        if is_void(now, self.cut_off_unix_s(self._node_id), now):
            raise StateError(
                "this node makes no API keys now",
                why="it was revoked less than a minute ago, and its keys of that time are void",
                hint="make it on another node, or in a minute",
            )
        text, record = make_api_key(
            env=self._env, name=name, grants=grants, now_unix_s=now, lifetime_s=lifetime_s
        )
        await self._store.put(record)
        record = replace(record, issuer=self._node_id)
        self._register.put(record)
        return MadeKey(text, record)

    async def _mark(self, record: TokenRecord, revoked_unix_s: int) -> TokenRecord:
        marked = self._marked(replace(record, revoked_unix_s=revoked_unix_s))
        self._marks[marked.hash] = min(revoked_unix_s, self._marks.get(marked.hash, revoked_unix_s))
        self._register.put(marked)
        await self._write_down(marked)
        return marked

    # -- what the register tells ----------------------------------------------------------------------------

    def handle_changes(self, changes: Iterable[tuple[str, TokenRecord | None]]) -> None:
        """Act on keys that are not what they were; None stands for one that is gone."""
        for hash_hex, record in changes:
            if record is not None:
                self._note_mark(record)
                self._revoke_if_ahead(record)
            for listener in self._listeners:
                listener(hash_hex)

    def _note_mark(self, record: TokenRecord) -> None:
        marked, known = self._marked(record), self._marks.get(record.hash)
        if marked.revoked_unix_s is None:
            return
        if marked.revoked_unix_s != known:
            self._marks[record.hash] = marked.revoked_unix_s
            self._in_background(self._write_down(marked))
        if marked.revoked_unix_s != record.revoked_unix_s:  # an older copy has come up
            _log.warning("a revoked API key came back, and is revoked again", key=record.id)
            self._register.put(marked)

    def handle_cut_off(self) -> None:
        """Act on what nodes are cut off now: what they have dated ahead would be good again with time."""
        for record in self._register.all():
            self._revoke_if_ahead(record)

    def _revoke_if_ahead(self, record: TokenRecord) -> None:
        now, known = self.now_unix_s, self._marks.get(record.hash)
        if record.created_unix_s <= now or self.cut_off_unix_s(record.issuer) is None:
            return
        if known is None or known > now:
            _log.warning("a node that was cut off had dated an API key ahead: revoked", key=record.id)
            self._marks[record.hash] = now
            self._in_background(self._revoke_now(record))

    async def _revoke_now(self, record: TokenRecord) -> None:
        await self._mark(record, self.now_unix_s)

    async def _write_down(self, marked: TokenRecord) -> None:
        revoked = marked.revoked_unix_s
        if revoked is None:
            return
        ends = marked.expires_unix_s if marked.expires_unix_s is not None else revoked + MARK_KEPT_S
        try:
            await self._store.put_revoked(
                marked.hash, revoked_unix_s=revoked, forget_unix_s=max(ends, revoked)
            )
        except CaxtonError as err:  # the register keeps it too; this is for when an older copy comes up
            _log.error("that an API key was revoked was not written down", key=marked.id, reason=str(err))

    async def _publish(self, record: TokenRecord, now: int) -> None:
        is_over = record.expires_unix_s is not None and record.expires_unix_s <= now
        if record.hash in self._marks or is_over or self._register.was_forgotten(record.hash):
            await self._store.delete(record.hash)
        elif self._register.find(record.hash) is None:
            self._register.put(replace(record, issuer=self._node_id))

    def _forget_old(self, known: Iterable[TokenRecord], now: int) -> None:
        """Let keys go that nobody can want to know of any more."""
        for record in known:
            if is_forgettable(record, now):
                self._register.forget(record.hash)
                self.uses.forget(record.hash)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name="write-revoked-key")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell_of_bug)
