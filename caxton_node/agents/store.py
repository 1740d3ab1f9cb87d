"""What is deployed on this node, in SQLite: the tables `agents`, `modules` and `spooled_messages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import msgspec

from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.runtime.limits import Limits
from caxton_node.storage import Database

_COLUMNS = "name, version, module_sha256, limits, config, manifest, desired_state, deployed_unix_ms"

_PUT_AGENT = f"INSERT INTO agents ({_COLUMNS}, updated_unix_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"  # noqa: S608  a constant
_PUT_MODULE = (
    "INSERT OR IGNORE INTO modules (sha256, size_bytes, imports, stored_unix_ms) VALUES (?, ?, ?, ?)"
)
_DELETE_UNUSED = "DELETE FROM modules WHERE sha256 = ? AND sha256 NOT IN (SELECT module_sha256 FROM agents)"
_SET_DESIRED = "UPDATE agents SET desired_state = ?, updated_unix_ms = ? WHERE name = ?"


@dataclass(frozen=True, slots=True)
class Deployed:
    """One row: an agent and the state that it shall be in.

    Attributes:
        manifest: What was asked for.
        module_sha256: Its module.
        module_bytes: Size of the module.
        desired: Running, Loaded or Stopped: where a restart of the node brings it back to.
        deployed_unix_ms: When it was deployed.
    """

    manifest: Manifest
    module_sha256: str
    module_bytes: int
    desired: State
    deployed_unix_ms: int


class AgentStore:
    """SQL of this package, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, row: Deployed, imports: Sequence[str]) -> None:
        """Keep a new agent and its module, both or neither."""
        manifest, at = row.manifest, row.deployed_unix_ms
        rest = {"capabilities": manifest.capabilities}
        module = (row.module_sha256, row.module_bytes, _json(imports), at)
        settings = (_json(asdict(manifest.limits)), _json(manifest.config), _json(rest))
        agent = (manifest.name, manifest.version, row.module_sha256, *settings, row.desired.value, at, at)
        await self._database.write_many([(_PUT_MODULE, module), (_PUT_AGENT, agent)])

    async def set_desired(self, name: str, desired: State, now_ms: int) -> None:
        """Note where a restart of the node shall bring an agent."""
        await self._database.write(_SET_DESIRED, (desired.value, now_ms, name))

    async def delete(self, name: str, module_sha256: str) -> bool:
        """Forget an agent; returns whether its module is used by no other now and was forgotten too."""
        changed = await self._database.write_many(
            [
                ("DELETE FROM agents WHERE name = ?", (name,)),
                ("DELETE FROM spooled_messages WHERE receiver = ?", (name,)),
                (_DELETE_UNUSED, (module_sha256,)),
            ]
        )
        return bool(changed[2])

    async def read_all(self) -> list[Deployed]:
        """Return every agent in the order of deployment."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS}, coalesce(size_bytes, 0) FROM agents "  # noqa: S608  a constant
            "LEFT JOIN modules ON sha256 = module_sha256 ORDER BY deployed_unix_ms, name"
        )
        return [_deployed(row) for row in rows]

    async def spool(self, name: str, frames: Sequence[bytes], now_ms: int) -> None:
        """Keep messages that waited when the node stopped."""
        sql = "INSERT INTO spooled_messages (receiver, envelope, spooled_unix_ms) VALUES (?,?,?)"
        await self._database.write_many([(sql, (name, frame, now_ms)) for frame in frames])

    async def read_spool(self) -> list[tuple[int, bytes]]:
        """Return the kept messages in their order, each with its number for `delete_spool`."""
        rows = await self._database.read("SELECT id, envelope FROM spooled_messages ORDER BY id")
        return [(int(number), bytes(frame)) for number, frame in rows]

    async def delete_spool(self, last: int) -> None:
        """Forget kept messages up to a number, once they are in the router's hands."""
        await self._database.write("DELETE FROM spooled_messages WHERE id <= ?", (last,))


def _deployed(row: tuple[object, ...]) -> Deployed:
    name, version, sha256, limits, config, rest, desired, at, size = row
    manifest = Manifest(
        name=str(name),
        version=str(version),
        limits=Limits(**msgspec.json.decode(str(limits))),
        config=msgspec.json.decode(str(config)),
        capabilities=tuple(msgspec.json.decode(str(rest)).get("capabilities", ())),
    )
    return Deployed(manifest, str(sha256), int(str(size)), State(str(desired)), int(str(at)))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
