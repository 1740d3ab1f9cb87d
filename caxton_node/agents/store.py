"""What is deployed on this node, in SQLite: the tables `agents`, `modules` and `spooled_messages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from caxton_node.agents.failures import Failure
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.manifest_form import limits_to_plain, manifest_from_plain, traits_to_plain
from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.parking import Parked
from caxton_node.observability.logs import get_logger
from caxton_node.storage import Database, Statement

_COLUMNS = (
    "name, version, module_sha256, limits, config, manifest, desired_state, deployed_unix_ms, number, "
    "failure, deployment"
)
_PUT_AGENT = (
    f"INSERT OR REPLACE INTO agents ({_COLUMNS}, updated_unix_ms) "  # noqa: S608  a constant
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_MODULE = (
    "INSERT OR IGNORE INTO modules (sha256, size_bytes, imports, stored_unix_ms) VALUES (?, ?, ?, ?)"
)
_SPOOL = "INSERT INTO spooled_messages (receiver, envelope, is_followed, spooled_unix_ms) VALUES (?, ?, ?, ?)"
_HOLD_MODULE = (
    "INSERT INTO modules (sha256, size_bytes, imports, stored_unix_ms, is_held) VALUES (?, ?, ?, ?, 1) "
    "ON CONFLICT (sha256) DO UPDATE SET is_held = 1"
)
_UNUSED = "is_held = 0 AND sha256 NOT IN (SELECT module_sha256 FROM agents)"
_DELETE_UNUSED = f"DELETE FROM modules WHERE sha256 = ? AND {_UNUSED}"  # noqa: S608  a constant
_SET_DESIRED = "UPDATE agents SET desired_state = ?, updated_unix_ms = ? WHERE name = ?"
_SET_FAILURE = "UPDATE agents SET failure = ?, updated_unix_ms = ? WHERE name = ?"

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class Spooled:
    """A message that waited when the node stopped.

    Attributes:
        number: Its place among all of them.
        receiver: `tenant/name` of who it waited for.
        frame: The envelope's bytes.
        is_followed: Whether its conversation knows of it; not if it never had a receiver.
    """

    number: int
    receiver: str
    frame: bytes
    is_followed: bool


class Tie(StrEnum):
    """What an agent is to the deployments of the cluster."""

    NONE = ""  # somebody deployed it on this node
    AVAILABLE = "available"  # a replica, which runs wherever its node is
    CONSISTENT = "consistent"  # a replica, which runs only among a majority


@dataclass(frozen=True, slots=True)
class Deployed:
    """One row: an agent and the state that it shall be in.

    Attributes:
        manifest: What was asked for.
        module_sha256: Its module.
        module_bytes: Size of the module.
        desired: Running, Loaded, Stopped or Failed: where a restart of the node brings it back to.
        deployed_unix_ms: When it was deployed.
        number: Which instance of its version runs.
        failure: Why it failed last, if it ever did.
        tie: Whether it is a replica of a deployment.
    """

    manifest: Manifest
    module_sha256: str
    module_bytes: int
    desired: State
    deployed_unix_ms: int
    number: int = 1
    failure: Failure | None = None
    tie: Tie = Tie.NONE

    @property
    def starts_with_node(self) -> bool:
        """Return whether it is to run as soon as its node does: not before it is known who is there."""
        return self.desired is State.RUNNING and self.tie is not Tie.CONSISTENT


class AgentStore:
    """SQL of this package, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, row: Deployed, imports: Sequence[str], now_ms: int) -> None:
        """Keep an agent and its module, both or neither; one that was kept before is replaced."""
        manifest = row.manifest
        module = (row.module_sha256, row.module_bytes, _json(imports), now_ms)
        values = (
            manifest.name, manifest.version, row.module_sha256, _json(limits_to_plain(manifest.limits)),
            _json(manifest.config), _json(traits_to_plain(manifest)), row.desired.value, row.deployed_unix_ms,
            row.number, _json(row.failure) if row.failure else None, row.tie.value, now_ms,
        )  # fmt: skip
        await self._database.write_many([(_PUT_MODULE, module), (_PUT_AGENT, values)])

    async def set_desired(self, name: str, desired: State, now_ms: int) -> None:
        """Note where a restart of the node shall bring an agent."""
        await self._database.write(_SET_DESIRED, (desired.value, now_ms, name))

    async def set_failure(self, name: str, failure: Failure | None, now_ms: int) -> None:
        """Note why an agent failed last."""
        await self._database.write(_SET_FAILURE, (_json(failure) if failure else None, now_ms, name))

    async def delete(self, name: str, module_sha256: str) -> bool:
        """Forget an agent; returns whether its module is used by no other now and was forgotten too."""
        mine: list[Statement] = [
            (f"DELETE FROM {table} WHERE {column} = ?", (name,))  # noqa: S608  constants
            for table, column in _OF_AGENT
        ]
        changed = await self._database.write_many([*mine, (_DELETE_UNUSED, (module_sha256,))])
        return bool(changed[-1])

    async def forget_module(self, module_sha256: str) -> bool:
        """Forget a module if no agent uses it; returns whether it was forgotten."""
        return bool(await self._database.write(_DELETE_UNUSED, (module_sha256,)))

    async def hold_module(self, sha256: str, size_bytes: int, imports: Sequence[str], now_ms: int) -> None:
        """Keep a module whether an agent uses it or not."""
        await self._database.write(_HOLD_MODULE, (sha256, size_bytes, _json(imports), now_ms))

    async def let_go_of_module(self, sha256: str) -> None:
        """Keep a module only as long as an agent uses it."""
        await self._database.write("UPDATE modules SET is_held = 0 WHERE sha256 = ?", (sha256,))

    async def held_modules(self) -> set[str]:
        """Return the modules that are kept whether an agent uses them or not."""
        rows = await self._database.read("SELECT sha256 FROM modules WHERE is_held = 1")
        return {str(sha256) for (sha256,) in rows}

    async def knows_module(self, module_sha256: str) -> bool:
        """Return whether a module is kept for an agent."""
        return bool(await self._database.read("SELECT 1 FROM modules WHERE sha256 = ?", (module_sha256,)))

    async def sweep_modules(self) -> set[str]:
        """Forget every module that no agent uses and that is not held; returns the others."""
        await self._database.write(f"DELETE FROM modules WHERE {_UNUSED}", ())  # noqa: S608  a constant
        rows = await self._database.read(
            "SELECT module_sha256 FROM agents UNION SELECT sha256 FROM modules WHERE is_held = 1", ()
        )
        return {str(sha256) for (sha256,) in rows}

    async def read_all(self) -> list[Deployed]:
        """Return every agent in the order of deployment; a row that cannot be understood is left out."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS}, coalesce(size_bytes, 0) FROM agents "  # noqa: S608  a constant
            "LEFT JOIN modules ON sha256 = module_sha256 ORDER BY deployed_unix_ms, name"
        )
        return [found for row in rows if (found := _read_row(row)) is not None]

    async def spool(self, name: str, frames: Sequence[bytes], now_ms: int) -> None:
        """Keep messages that waited in the mailbox of an agent (`tenant/name`) when the node stopped."""
        await self._database.write_many([(_SPOOL, (name, frame, True, now_ms)) for frame in frames])

    async def spool_parked(self, parked: Sequence[Parked], now_ms: int) -> None:
        """Keep messages that waited for agents who were not there when the node stopped."""
        rows = [(letter.name, letter.frame, letter.again, now_ms) for letter in parked]
        await self._database.write_many([(_SPOOL, row) for row in rows])

    async def read_spool(self) -> list[Spooled]:
        """Return the kept messages in their order."""
        rows = await self._database.read(
            "SELECT id, receiver, envelope, is_followed FROM spooled_messages ORDER BY id"
        )
        return [
            Spooled(int(number), str(name), bytes(frame), bool(flag)) for number, name, frame, flag in rows
        ]

    async def delete_spool(self, last: int) -> None:
        """Forget kept messages up to a number, once they are in the router's hands."""
        await self._database.write("DELETE FROM spooled_messages WHERE id <= ?", (last,))


_OF_AGENT = (
    ("agents", "name"),
    ("spooled_messages", "receiver"),
    ("checkpoints", "agent"),
    ("agent_transitions", "agent"),
)


def _read_row(row: tuple[object, ...]) -> Deployed | None:
    """Read one agent; one of another age of this program must not keep all the others from starting."""
    try:
        return _deployed(row)
    except (CaxtonError, msgspec.DecodeError, TypeError, ValueError) as err:
        _log.error("a stored agent cannot be read and is left out", agent=str(row[0]), reason=str(err))
        return None


def _deployed(row: tuple[object, ...]) -> Deployed:
    name, version, sha256, limits, config, rest, desired, at, number, failure, tie, size = row
    manifest = manifest_from_plain(
        str(name),
        str(version),
        limits=msgspec.json.decode(str(limits)),
        config=msgspec.json.decode(str(config)),
        traits=msgspec.json.decode(str(rest)),
    )
    return Deployed(
        manifest=manifest,
        module_sha256=str(sha256),
        module_bytes=int(str(size)),
        desired=State(str(desired)),
        deployed_unix_ms=int(str(at)),
        number=int(str(number)),
        failure=msgspec.json.decode(str(failure), type=Failure) if failure else None,
        tie=Tie(str(tie)),
    )


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
