"""SQL over the table `tokens`; decides nothing."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.storage import Database

ID_DIGITS = 16
_COLUMNS = "hash, kind, name, role, created_unix_s, expires_unix_s, uses_left"


@dataclass(frozen=True, slots=True)
class TokenRecord:
    """What is kept of a token.

    Attributes:
        hash: SHA-256 of its text, hex.
        kind: `api` or `join`.
        name: The client (api) or a note (join).
        role: A role's name; empty for join.
        created_unix_s: When it was issued.
        expires_unix_s: When it becomes void, or None.
        uses_left: How often it may still be used, or None for any number.
        issuer: The node that made it; empty in the database of that node.
        revoked_unix_s: When it was made void before its time, or None.
    """

    hash: str
    kind: str
    name: str
    role: str
    created_unix_s: int
    expires_unix_s: int | None
    uses_left: int | None
    issuer: str = ""
    revoked_unix_s: int | None = None

    @property
    def id(self) -> str:
        """Return what people call it by: the beginning of the hash, from which no text can be found."""
        return self.hash[:ID_DIGITS]


class TokenStore:
    """The tokens of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, record: TokenRecord) -> None:
        """Store a token; a known hash keeps its first record."""
        await self._database.write(
            f"INSERT INTO tokens ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING",  # noqa: S608 - a constant list of columns
            (
                record.hash, record.kind, record.name, record.role,
                record.created_unix_s, record.expires_unix_s, record.uses_left,
            ),
        )  # fmt: skip

    async def find(self, hash_hex: str) -> TokenRecord | None:
        """Return the token with this hash."""
        rows = await self._database.read(f"SELECT {_COLUMNS} FROM tokens WHERE hash = ?", (hash_hex,))  # noqa: S608 - a constant list of columns
        return TokenRecord(*rows[0]) if rows else None

    async def list_by_kind(self, kind: str) -> list[TokenRecord]:
        """Return the tokens of a kind, oldest first."""
        query = f"SELECT {_COLUMNS} FROM tokens WHERE kind = ? ORDER BY created_unix_s, name, hash"  # noqa: S608 - a constant list of columns
        return [TokenRecord(*row) for row in await self._database.read(query, (kind,))]

    async def take_use(self, hash_hex: str, now_unix_s: int) -> bool:
        """Count one use of a join token down, if it has one left and is not over; return whether it had."""
        changed = await self._database.write(
            "UPDATE tokens SET uses_left = uses_left - 1 WHERE hash = ? AND kind = 'join'"
            " AND (uses_left IS NULL OR uses_left > 0) AND (expires_unix_s IS NULL OR expires_unix_s > ?)",
            (hash_hex, now_unix_s),
        )
        return changed == 1

    async def delete_expired(self, before_unix_s: int) -> int:
        """Remove tokens that expired before an instant; return how many."""
        return await self._database.write("DELETE FROM tokens WHERE expires_unix_s < ?", (before_unix_s,))

    async def delete_join_tokens(self, until_unix_s: int) -> int:
        """Remove join tokens that were issued at an instant or earlier; return how many."""
        return await self._database.write(
            "DELETE FROM tokens WHERE kind = 'join' AND created_unix_s <= ?", (until_unix_s,)
        )

    async def delete(self, hash_hex: str) -> bool:
        """Remove a token; return whether it was there."""
        return await self._database.write("DELETE FROM tokens WHERE hash = ?", (hash_hex,)) == 1

    def find_now(self, hash_hex: str) -> TokenRecord | None:
        """Return the token with this hash; some microseconds of the event loop instead of a wait."""
        row = self._database.find(f"SELECT {_COLUMNS} FROM tokens WHERE hash = ?", (hash_hex,))  # noqa: S608 - a constant list of columns
        return None if row is None else TokenRecord(*row)

    async def put_revoked(self, hash_hex: str, *, revoked_unix_s: int, forget_unix_s: int) -> None:
        """Remove a token and note when it became void; of two instants the earlier one holds."""
        mark = (
            "INSERT INTO revoked_tokens (hash, revoked_unix_s, forget_unix_s) VALUES (?, ?, ?)"
            " ON CONFLICT (hash) DO UPDATE SET revoked_unix_s = min(revoked_unix_s, excluded.revoked_unix_s)"
        )
        await self._database.write_many(
            [
                ("DELETE FROM tokens WHERE hash = ?", (hash_hex,)),
                (mark, (hash_hex, revoked_unix_s, forget_unix_s)),
            ]
        )

    async def read_revoked(self, now_unix_s: int) -> dict[str, int]:
        """Return when each revoked token became void, by hash; what need not be known any more is removed."""
        await self._database.write("DELETE FROM revoked_tokens WHERE forget_unix_s < ?", (now_unix_s,))
        return dict(await self._database.read("SELECT hash, revoked_unix_s FROM revoked_tokens"))
