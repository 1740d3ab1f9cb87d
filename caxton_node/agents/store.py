"""What is deployed on this node, in SQLite: the tables `agents`, `modules` and `spooled_messages`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields

import msgspec

from caxton_node.agents.failures import Failure
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Keeping, Manifest
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.messaging.parking import Parked
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.host.determinism import Determinism
from caxton_node.runtime.limits import RANGES, Limits
from caxton_node.runtime.profile import Cpu
from caxton_node.storage import Database, Statement

_COLUMNS = (
    "name, version, module_sha256, limits, config, manifest, desired_state, deployed_unix_ms, number, failure"
)
_PUT_AGENT = (
    f"INSERT OR REPLACE INTO agents ({_COLUMNS}, updated_unix_ms) "  # noqa: S608  a constant
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_PUT_MODULE = (
    "INSERT OR IGNORE INTO modules (sha256, size_bytes, imports, stored_unix_ms) VALUES (?, ?, ?, ?)"
)
_SPOOL = "INSERT INTO spooled_messages (receiver, envelope, is_followed, spooled_unix_ms) VALUES (?, ?, ?, ?)"
_DELETE_UNUSED = "DELETE FROM modules WHERE sha256 = ? AND sha256 NOT IN (SELECT module_sha256 FROM agents)"
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
    """

    manifest: Manifest
    module_sha256: str
    module_bytes: int
    desired: State
    deployed_unix_ms: int
    number: int = 1
    failure: Failure | None = None


class AgentStore:
    """SQL of this package, and nothing else."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, row: Deployed, imports: Sequence[str], now_ms: int) -> None:
        """Keep an agent and its module, both or neither; one that was kept before is replaced."""
        manifest = row.manifest
        module = (row.module_sha256, row.module_bytes, _json(imports), now_ms)
        values = (
            manifest.name, manifest.version, row.module_sha256, _json(asdict(manifest.limits)),
            _json(manifest.config), _json(_rest_of(manifest)), row.desired.value, row.deployed_unix_ms,
            row.number, _json(row.failure) if row.failure else None, now_ms,
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

    async def knows_module(self, module_sha256: str) -> bool:
        """Return whether a module is kept for an agent."""
        return bool(await self._database.read("SELECT 1 FROM modules WHERE sha256 = ?", (module_sha256,)))

    async def sweep_modules(self) -> set[str]:
        """Forget every module that no agent uses; returns those that are used."""
        await self._database.write(
            "DELETE FROM modules WHERE sha256 NOT IN (SELECT module_sha256 FROM agents)", ()
        )
        rows = await self._database.read("SELECT module_sha256 FROM agents", ())
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


def _rest_of(manifest: Manifest) -> dict[str, object]:
    """Return what of a manifest has no column of its own."""
    return {
        "capabilities": manifest.capabilities,
        "cpu": manifest.cpu.value,
        "wasm_features": manifest.wasm_features,
        "world": asdict(manifest.world) if manifest.world else None,
        "keeping": manifest.keeping.value,
        "checkpoint_every_s": manifest.checkpoint_every_s,
        "batching": manifest.batching.value,
        "protocols": manifest.protocols.value,
    }


def _read_row(row: tuple[object, ...]) -> Deployed | None:
    """Read one agent; one of another age of this program must not keep all the others from starting."""
    try:
        return _deployed(row)
    except (CaxtonError, msgspec.DecodeError, TypeError, ValueError) as err:
        _log.error("a stored agent cannot be read and is left out", agent=str(row[0]), reason=str(err))
        return None


def _deployed(row: tuple[object, ...]) -> Deployed:
    name, version, sha256, limits, config, rest, desired, at, number, failure, size = row
    more = msgspec.json.decode(str(rest))
    world = more.get("world")
    manifest = Manifest(
        name=str(name),
        version=str(version),
        limits=_limits(msgspec.json.decode(str(limits))),
        config=msgspec.json.decode(str(config)),
        capabilities=tuple(more.get("capabilities", ())),
        cpu=Cpu(more.get("cpu", Cpu.BOTH)),
        wasm_features=tuple(more.get("wasm_features", ())),
        world=Determinism(**world) if world else None,
        keeping=Keeping(more.get("keeping", Keeping.AUTO)),
        checkpoint_every_s=float(more.get("checkpoint_every_s", 0.0)),
        batching=Batching(more.get("batching", Batching.ADAPTIVE)),
        protocols=ProtocolPolicy(more.get("protocols", ProtocolPolicy.ENFORCE)),
    )
    return Deployed(
        manifest=manifest,
        module_sha256=str(sha256),
        module_bytes=int(str(size)),
        desired=State(str(desired)),
        deployed_unix_ms=int(str(at)),
        number=int(str(number)),
        failure=msgspec.json.decode(str(failure), type=Failure) if failure else None,
    )


def _limits(kept: dict[str, float]) -> Limits:
    """Return limits as they were kept, brought into today's ranges: the operator cannot mend a stored one."""
    known = {item.name for item in fields(Limits)}
    inside = {
        name: type(value)(min(max(value, RANGES[name][0]), RANGES[name][1]))
        for name, value in kept.items()
        if name in known
    }
    return Limits(**inside)  # type: ignore[arg-type]  # the names are those of the dataclass


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
