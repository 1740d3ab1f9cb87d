"""The keys of agents in SQLite."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from caxton_node.kv.ledger import Account, Held, Ledger
from caxton_node.storage import Database, Statement

_BEYOND = "\x7f"
"""Sorts behind every character that a key may have."""
_PUT = """
INSERT INTO agent_keys (agent, key, value, version, changed_unix_ms) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (agent, key) DO UPDATE SET value = excluded.value, version = excluded.version,
    changed_unix_ms = excluded.changed_unix_ms
"""
_READ_ACCOUNT = "SELECT keys, bytes, version FROM agent_key_accounts WHERE agent = ?"
_COUNT = """
SELECT count(*), coalesce(sum(length(key) + length(value)), 0), coalesce(max(version), 0)
FROM agent_keys WHERE agent = ?
"""
_PUT_ACCOUNT = """
INSERT INTO agent_key_accounts (agent, keys, bytes, version) VALUES (?, ?, ?, ?)
ON CONFLICT (agent) DO UPDATE SET keys = excluded.keys, bytes = excluded.bytes, version = excluded.version
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list.

    Attributes:
        key: Its name.
        version: Of its value.
        size: Bytes of its value.
        value: JSON; None where it was not wanted.
    """

    key: str
    version: int
    size: int
    value: bytes | None = None


class KeyStore:
    """Reads and writes the keys of agents; names are `tenant/name`.

    Args:
        database: Where they are kept.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read_account(self, agent: str) -> Account:
        """Return what an agent uses; an account that was lost with a damaged page is made from its keys."""
        rows = await self._database.read(_READ_ACCOUNT, (agent,))
        return Account(*(rows or await self._database.read(_COUNT, (agent,)))[0])

    async def read_ledger(self, agent: str, keys: Iterable[str]) -> Ledger:
        """Return what a batch that names these keys needs to know."""
        named = sorted(set(keys))
        marks = ", ".join("?" * len(named))
        sql = f"SELECT key, value, version FROM agent_keys WHERE agent = ? AND key IN ({marks})"  # noqa: S608  marks only
        rows = await self._database.read(sql, (agent, *named))
        held = {str(key): Held(bytes(value), int(version)) for key, value, version in rows}
        return Ledger(await self.read_account(agent), held)

    async def write(self, agent: str, ledger: Ledger, now_ms: int) -> None:
        """Write what a batch changed; returns when it is durable."""
        if not ledger.changed:
            return
        account = ledger.account
        statements: list[Statement] = [(_PUT_ACCOUNT, (agent, account.keys, account.bytes, account.version))]
        for key in sorted(ledger.changed):
            held = ledger.held.get(key)
            if held is None:
                statements.append(("DELETE FROM agent_keys WHERE agent = ? AND key = ?", (agent, key)))
            else:
                statements.append((_PUT, (agent, key, held.value, held.version, now_ms)))
        await self._database.write_many(statements)

    async def read_page(self, agent: str, *, prefix: str, after: str, limit: int, values: bool) -> list[Row]:
        """Return keys in their order, those behind `after` that begin with `prefix`."""
        column = "value" if values else "NULL"
        sql = (
            f"SELECT key, version, length(value), {column} FROM agent_keys "  # noqa: S608  one of two words
            "WHERE agent = ? AND key >= ? AND key > ? AND key < ? ORDER BY key LIMIT ?"
        )
        rows = await self._database.read(sql, (agent, prefix, after, prefix + _BEYOND, limit))
        return [
            Row(str(key), int(version), int(size), None if value is None else bytes(value))
            for key, version, size, value in rows
        ]

    async def clear(self, agent: str) -> int:
        """Remove all keys of an agent and return how many; its versions go on where they were."""
        statements: list[Statement] = [
            ("DELETE FROM agent_keys WHERE agent = ?", (agent,)),
            (
                "UPDATE agent_key_accounts SET keys = 0, bytes = 0, version = version + 1 WHERE agent = ?",
                (agent,),
            ),
        ]
        removed, _ = await self._database.write_many(statements)
        return removed
