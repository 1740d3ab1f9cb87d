"""The node that all hostile modules meet, one after the other, and what it looks like afterwards.

Everything of it is real: `open_house` has engine, workers, router, registry and SQLite. The arena adds a good
agent, a witness, and eyes on everything that a node must not lose over an agent: its loop, its threads, its
memory, its counts.
"""

from __future__ import annotations

import asyncio
import re
import sys
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, MutableMapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import wasmtime
from structlog.testing import capture_logs

from caxton_node.agents.change import Change
from caxton_node.agents.manifest import Manifest
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import Envelope, Performative, decode
from caxton_node.runtime import CheckpointFailed, StartFailed
from tests.integration.runtime.hostile.building import WITNESS
from tests.integration.runtime.hostile.cases import End, Hostile, How
from tests.integration.runtime.hostile.impostors import find_overruled
from tests.support.agents import NODE, House, open_house
from tests.support.data_plane import until
from tests.support.guests import wat

GOOD = "good"
TEXT_MAX = 2_000
"""Longest sentence that an error may say about a module, in characters."""
LINES_MAX = 1_000
TEXT_CHARS_MAX = 400_000
_POISON = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_SPELLED = re.compile(r"\\x[0-9a-f]{2}|\\r|\\u20[0-9a-f]{2}")


@dataclass(frozen=True, slots=True)
class Vitals:
    """What a node holds on to.

    Attributes:
        memory_bytes: Resident now.
        peak_bytes: Most that was ever resident.
        threads: Threads of the process, of Python or not.
        descriptors: Open files.
    """

    memory_bytes: int
    peak_bytes: int
    threads: int
    descriptors: int


def read_vitals() -> Vitals:
    """Read what the process uses now."""
    facts = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    kib = {name: int(facts[name].split()[0]) for name in ("VmRSS", "VmHWM")}
    descriptors = len(list(Path("/proc/self/fd").iterdir()))
    return Vitals(kib["VmRSS"] * 1024, kib["VmHWM"] * 1024, int(facts["Threads"]), descriptors)


@dataclass
class Arena:
    """A node under attack.

    Attributes:
        house: The node.
        lines: What was logged since the latest attack began.
        escaped: Exceptions that reached the loop, a thread, or nobody.
    """

    house: House
    lines: list[MutableMapping[str, Any]]
    escaped: list[str]
    _ends: list[End] = field(default_factory=list)
    _name: str = ""

    async def meet(self, hostile: Hostile) -> set[End]:
        """Deploy a hostile module, ask it something, and say how that ended; nothing of it stays behind."""
        self._ends, self._name = [], hostile.name
        self.lines.clear()
        module = _module_of(hostile)
        try:
            await self.house.service.deploy(_manifest_of(hostile), module)
        except StartFailed as err:
            return {_tidy(End(How.NOT_STARTED, err.trap.kind, str(err)))}
        except CaxtonError as err:
            return {_tidy(End(How.REFUSED, err.code, str(err)))}
        unfollow = self.house.router.tap.follow(self._look)
        try:
            if hostile.updates:
                await self._update()
            else:
                await self._provoke()
        finally:
            unfollow()
            await self.house.service.undeploy(hostile.name, drain_s=0)
        return {_tidy(end) for end in self._ends} or self._read_log()

    async def _update(self) -> None:
        """Ask for another version, and see that the one that was there still answers if that fails."""
        try:
            await self.house.service.update(self._name, Change(version="2.0.0"))
        except CheckpointFailed as err:
            self._ends.append(End(How.NOT_KEPT, err.trap.kind, str(err)))
        except StartFailed as err:
            self._ends.append(End(How.NOT_TAKEN, err.trap.kind, str(err)))
        answer = await self.house.ask(self._name, b"are you there?")
        assert answer.content == b"are you there?", answer

    async def _provoke(self) -> None:
        with self.house.clients.open() as client:
            content = b'"' + b"x" * 62 + b'"'
            question = Envelope(Performative.REQUEST, None, self._name, content, "talk-0", "question")
            client.send(question)
            await until(lambda: bool(self._ends or self._read_log()), within_s=20)
            await until(lambda: self.house.router.counts().in_flight == 0, within_s=60)  # who floods rests

    def _look(self, frames: Sequence[bytes]) -> None:
        """See what is put into mailboxes; any thread."""
        for frame in frames:
            envelope = decode(frame)
            receiver, sender = str(envelope.receivers), envelope.sender or ""
            if sender in {"ams", f"df@{NODE}"} and envelope.performative in _BAD_NEWS:
                self._ends.append(self._read_news(envelope, receiver))

    def _read_news(self, envelope: Envelope, receiver: str) -> End:
        said: Mapping[str, Any] = msgspec.json.decode(envelope.content or b"{}")
        if envelope.performative is Performative.NOT_UNDERSTOOD:
            return End(How.TOLD, "not-understood", f"{said['field']}: {said['reason']}")
        if said["reason"] == "trapped" and receiver.startswith("client~"):
            return End(How.TRAPPED, str(said["detail"]).partition(":")[0], said["detail"])
        return End(How.TOLD, said["reason"], said["detail"])

    def testify(self, envelope: Envelope) -> None:
        """Remember what came to the witness."""
        overruled = find_overruled(envelope) if envelope.content and len(envelope.content) > 20 else []
        if overruled:
            self._ends.append(End(How.OVERRULED, ", ".join(overruled), envelope.sender or ""))

    def _read_log(self) -> set[End]:
        """Say what became of what the agent wrote to its log."""
        mine = [
            str(line["event"])
            for line in list(self.lines)
            if str(line.get("agent", "")).startswith(f"default/{self._name}#")
        ]
        mine = [text for text in mine if text not in _OWN_NEWS]
        found = {End(How.CUT, "length") for text in mine if "[cut at " in text}
        found |= {End(How.CUT, "encoding") for text in mine if "\ufffd" in text}
        found |= {End(How.CUT, "control") for text in mine if _SPELLED.search(text)}
        if len(mine) > 1:
            assert len(mine) < LINES_MAX, f"{len(mine):,} lines of one call are in the log"
            found.add(End(How.CUT, "rate" if len(mine) > 100 else "lines"))
        poison = [text for text in mine if _POISON.search(text)]
        assert not poison, f"the log has {poison[0]!r:.80}"
        return found

    # -- afterwards -----------------------------------------------------------------------------------------

    async def check_unharmed(self) -> None:
        """See that the node is as it was: the good agent answers, the sums are right, nothing escaped."""
        content = f"after {self._name}".encode()
        answer = await self.house.ask(GOOD, content)
        assert (answer.performative, answer.content) == (Performative.INFORM, content)
        await until(lambda: self.house.router.counts().in_flight == 0)
        counts = self.house.router.counts()
        assert counts.accepted == counts.settled, counts
        assert [view.manifest.name for view in self.house.service.views()] == [f"default/{GOOD}"]
        assert self.house.service.get(GOOD).restarts == 0
        assert self.escaped == []

    def traps(self) -> dict[str, int]:
        """Read how many traps there were of each kind."""
        readings = self.house.board.read()
        return {one.labels[0]: int(one.value) for one in readings if one.name == "caxton_wasm_traps_total"}  # type: ignore[arg-type]


_BAD_NEWS = {Performative.FAILURE, Performative.NOT_UNDERSTOOD, Performative.REFUSE}
_OWN_NEWS = {
    "agent changed", "agent deployed", "agent given up", "agent moved", "agent reloaded", "agent removed",
    "agent restarted", "limit passed", "no checkpoint was taken",
}  # fmt: skip


def _module_of(hostile: Hostile) -> bytes:
    """Return what is deployed: text as it is if it is small enough to be somebody's, else translated."""
    source = hostile.make()
    if isinstance(source, bytes):
        return source
    return source.encode() if len(source) < TEXT_CHARS_MAX else bytes(wasmtime.wat2wasm(source))


def _manifest_of(hostile: Hostile) -> Manifest:
    return Manifest(hostile.name, limits=hostile.limits, wasm_features=hostile.features, cpu=hostile.cpu)


def _tidy(end: End) -> End:
    """Check that a sentence about a module can be shown to people, whatever the module is called inside."""
    assert len(end.words) <= TEXT_MAX, f"{len(end.words):,} characters: {end.words:.200}"
    poison = _POISON.search(end.words)
    assert poison is None, f"{poison[0]!r} in {end.words!r:.200}"
    return end


@contextmanager
def _watching(escaped: list[str]) -> Iterator[None]:
    """Note every exception that reaches the loop, the end of a thread, or nobody at all."""
    loop, on_thread, on_nobody = asyncio.get_running_loop(), threading.excepthook, sys.unraisablehook
    loop.set_exception_handler(lambda _loop, facts: escaped.append(f"loop: {facts}"))
    threading.excepthook = lambda facts: escaped.append(f"thread: {facts}")
    sys.unraisablehook = lambda facts: escaped.append(f"nobody: {facts}")
    try:
        yield
    finally:
        loop.set_exception_handler(None)
        threading.excepthook, sys.unraisablehook = on_thread, on_nobody


@asynccontextmanager
async def open_arena(folder: Path) -> AsyncIterator[Arena]:
    """Open a node with a good agent and a witness, and watch what escapes."""
    escaped: list[str] = []
    with capture_logs() as lines, _watching(escaped):
        async with open_house(folder) as house:
            arena = Arena(house, lines, escaped)
            house.router.add_platform_agent(WITNESS, arena.testify)
            await house.service.deploy(Manifest(GOOD), wat("echo").encode())
            yield arena
