"""Guests for tests: the example agents, and agents that misbehave on demand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from caxton_node.runtime import CompiledModule, Engine, Limits, Sandbox
from caxton_node.runtime.ports import LogLevel

ROOT = Path(__file__).parents[2]
WAT = ROOT / "sdk" / "wat"
RUST = ROOT / "sdk" / "rust" / "examples"


class LogLines(list[tuple[LogLevel, str]]):
    """A log sink that keeps what it is given."""

    def __call__(self, level: LogLevel, text: str) -> None:
        self.append((level, text))


def wat(name: str) -> str:
    """Return the text of an agent of sdk/wat."""
    return (WAT / f"{name}.wat").read_text()


def start(
    engine: Engine,
    module: CompiledModule | str | bytes,
    *,
    limits: Limits | None = None,
    log: LogLines | None = None,
    config: Mapping[str, object] | None = None,
    name: str = "agent",
) -> tuple[Sandbox, list[bytes]]:
    """Start an agent with a plain configuration; return its sandbox and what it sent while starting."""
    compiled = module if isinstance(module, CompiledModule) else engine.compile(module)
    sandbox = Sandbox(engine, compiled, limits or Limits(), LogLines() if log is None else log)
    sent = sandbox.start({"agent": name, "tenant": "default", "node": "node-1", "config": dict(config or {})})
    return sandbox, sent
