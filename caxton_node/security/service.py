"""Issue tokens, and redeem those that admit nodes. API keys are the matter of `api_keys.py`."""

from __future__ import annotations

import secrets
from enum import StrEnum

from caxton_node.core.clock import Clock
from caxton_node.core.errors import InvalidArgument
from caxton_node.security.rbac import Role
from caxton_node.security.store import TokenRecord, TokenStore
from caxton_node.security.token import (
    API_SECRET_BYTES,
    JOIN_SECRET_BYTES,
    JoinToken,
    hash_token,
    write_api_token,
)
from caxton_node.storage import Database

JOIN_LIFETIME_S_MAX = 7 * 86_400
_EXPIRED_KEPT_S = 7 * 86_400


class Redeemed(StrEnum):
    """What came of using a join token."""

    TAKEN = "taken"
    USED_UP = "used-up"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class Tokens:
    """The tokens that this node issues.

    Args:
        database: Where hashes are kept.
        clock: For expiry.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._store = TokenStore(database)
        self._clock = clock

    async def issue_api_token(
        self, *, env: str, client: str, role: Role, lifetime_s: float | None = None
    ) -> str:
        """Return the text of a new API token, for a node that knows no cluster yet; it is shown once.

        Args:
            env: Kind of installation (`config.node.env`).
            client: Name of its holder, a DNS label.
            role: What it may do.
            lifetime_s: Seconds until it expires; None: never.

        Raises:
            InvalidArgument: The client's name cannot be part of a token.
        """
        text, record = make_api_key(
            env=env, name=client, grants=role, now_unix_s=self._now_unix_s(), lifetime_s=lifetime_s
        )
        await self._store.put(record)
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

    def _now_unix_s(self) -> int:
        return self._clock.unix_us() // 1_000_000


def make_api_key(
    *, env: str, name: str, grants: str, now_unix_s: int, lifetime_s: float | None
) -> tuple[str, TokenRecord]:
    """Make the text of a new API key, and what is kept of it.

    Raises:
        InvalidArgument: The name cannot be part of a key.
    """
    text = write_api_token(env, name, secrets.token_bytes(API_SECRET_BYTES))
    expires = None if lifetime_s is None else now_unix_s + max(1, int(lifetime_s))
    return text, TokenRecord(hash_token(text), "api", name, grants, now_unix_s, expires, None)
