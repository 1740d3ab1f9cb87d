"""Issue, authenticate, redeem and revoke tokens."""

from __future__ import annotations

import secrets
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum

from caxton_node.core.clock import Clock
from caxton_node.core.errors import InvalidArgument, NotFound, Unauthorized
from caxton_node.security.principal import Principal, parse_grants
from caxton_node.security.rbac import Role
from caxton_node.security.store import TokenRecord, TokenStore
from caxton_node.security.token import (
    API_SECRET_BYTES,
    JOIN_SECRET_BYTES,
    JoinToken,
    check_api_token,
    hash_token,
    write_api_token,
)
from caxton_node.storage import Database

CACHE_S = 60.0
CACHE_MAX = 1024
JOIN_LIFETIME_S_MAX = 7 * 86_400
_EXPIRED_KEPT_S = 7 * 86_400


class Redeemed(StrEnum):
    """What came of using a join token."""

    TAKEN = "taken"
    USED_UP = "used-up"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Tokens:
    """The tokens that this node knows.

    A token that was authenticated is remembered for `CACHE_S`: so long does one that another process revokes
    still work here. Unknown tokens are not remembered; each costs a look into the database.

    Args:
        database: Where hashes are kept.
        clock: For expiry.

    Attributes:
        find_elsewhere: Returns the token with a hash that another node of the cluster has issued.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = TokenStore(database)
        self._clock = clock
        self.find_elsewhere: Callable[[str], TokenRecord | None] = lambda _hash: None
        self._known: OrderedDict[str, tuple[float, TokenRecord]] = OrderedDict()

    async def issue_api_token(
        self, *, env: str, client: str, role: Role, lifetime_s: float | None = None
    ) -> str:
        """Return the text of a new API token; it is shown once and cannot be had again.

        Args:
            env: Kind of installation (`config.node.env`).
            client: Name of its holder, a DNS label.
            role: What it may do.
            lifetime_s: Seconds until it expires; None: never.

        Raises:
            InvalidArgument: The client's name cannot be part of a token.
        """
        text = write_api_token(env, client, secrets.token_bytes(API_SECRET_BYTES))
        now = self._now_unix_s()
        expires = None if lifetime_s is None else now + int(lifetime_s)
        await self._store.put(TokenRecord(hash_token(text), "api", client, role, now, expires, None))
        return text

    async def issue_join_token(
        self, *, ca_fingerprint: str, lifetime_s: float = 3600.0, uses: int | None = None, note: str = ""
    ) -> JoinToken:
        """Return a new join token; it is counted here, wherever it is redeemed.

        Args:
            ca_fingerprint: SHA-256 of the CA certificate (DER), hex.
            lifetime_s: Seconds until it expires, at most a week.
            uses: How many nodes it admits; None: any number while it lives.
            note: For the list of tokens.

        Raises:
            InvalidArgument: Lifetime or uses are out of range.
        """
        if not 0 < lifetime_s <= JOIN_LIFETIME_S_MAX or (uses is not None and uses < 1):
            raise InvalidArgument(
                "a join token cannot be issued like this",
                why=f"it lives up to {JOIN_LIFETIME_S_MAX} s and admits at least one node",
                hint="caxton-node token prints one that lives an hour",
            )
        now = self._now_unix_s()
        await self._store.delete_expired(now - _EXPIRED_KEPT_S)
        token = JoinToken(
            ca_fingerprint, secrets.token_bytes(JOIN_SECRET_BYTES), now + max(1, int(lifetime_s))
        )
        await self._store.put(
            TokenRecord(hash_token(token.text), "join", note, "", now, token.expires_unix_s, uses)
        )
        return token

    async def authenticate(self, text: str) -> Principal:
        """Return who holds an API token.

        Raises:
            Unauthorized: There is none, it is malformed, unknown, revoked or expired.
        """
        check_api_token(text)
        record = await self._find_api(hash_token(text))
        if record.expires_unix_s is not None and record.expires_unix_s <= self._now_unix_s():
            raise Unauthorized("the token has expired", hint="ask an administrator for a new one")
        return Principal(record.name, parse_grants(record.role), expires_unix_s=record.expires_unix_s)

    @property
    def now_unix_s(self) -> int:
        """Return the present by which tokens expire."""
        return self._now_unix_s()

    async def take_join_use(self, hash_hex: str) -> Redeemed:
        """Use a join token that was printed here once, if it admits another node.

        Args:
            hash_hex: Of its text, as `hash_token` makes it.
        """
        now = self._now_unix_s()
        if await self._store.take_use(hash_hex, now):
            return Redeemed.TAKEN
        record = await self._store.find(hash_hex)
        if record is None or record.kind != "join":
            return Redeemed.UNKNOWN
        is_over = record.expires_unix_s is not None and record.expires_unix_s <= now
        return Redeemed.EXPIRED if is_over else Redeemed.USED_UP

    async def void_join_tokens(self, before_unix_s: int) -> int:
        """Make the join tokens void that were printed here up to an instant; return how many.

        For when a node is revoked: who has taken its disk may have found a join token on it.

        Args:
            before_unix_s: When the node was revoked; a token of the same second is void, too.
        """
        return await self._store.delete_join_tokens(before_unix_s)

    async def list_api_tokens(self) -> list[TokenRecord]:
        """Return what is kept of the API tokens, oldest first."""
        return await self._store.list_by_kind("api")

    async def revoke(self, hash_hex: str) -> None:
        """Make a token void at once on this node.

        Raises:
            NotFound: There is none with this hash.
        """
        self._known.pop(hash_hex, None)
        if not await self._store.delete(hash_hex):
            raise NotFound(f"there is no token {hash_hex[:12]}", hint="caxton security keys lists them")

    async def _find_api(self, hash_hex: str) -> TokenRecord:
        found = self._known.get(hash_hex)
        if found is not None and found[0] > self._clock.now():
            return found[1]
        record = await self._store.find(hash_hex) or self.find_elsewhere(hash_hex)
        if record is None or record.kind != "api":
            self._known.pop(hash_hex, None)
            raise Unauthorized(
                "the token is not known", why="it was revoked, or issued elsewhere", hint="check CAXTON_TOKEN"
            )
        self._remember(record)
        return record

    def _remember(self, record: TokenRecord) -> None:
        self._known[record.hash] = (self._clock.now() + CACHE_S, record)
        self._known.move_to_end(record.hash)
        if len(self._known) > CACHE_MAX:
            self._known.popitem(last=False)

    def _now_unix_s(self) -> int:
        return self._clock.unix_us() // 1_000_000
