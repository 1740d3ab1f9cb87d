"""Guests for tests: the example agents, and agents that misbehave on demand."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from caxton_node.fipa.codec import decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.runtime import CompiledModule, Engine, Limits, Outcome, Sandbox
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


def request(content: str | bytes, reply_with: str = "question-1", sender: str = "bob") -> bytes:
    """Return the frame of a REQUEST."""
    data = content.encode() if isinstance(content, str) else content
    return encode(Envelope(Performative.REQUEST, sender, "agent", data, "talk-1", reply_with))


def contents(outcome: Outcome) -> list[bytes | None]:
    """Return the contents of what a batch sent."""
    return [decode(frame).content for frame in outcome.outbox]


def tiny(
    *,
    handle: str = "(i32.const 0)",
    init: str = "(i32.const 0)",
    inbox: str = "(i32.const 1024)",
    abi: str = "(i32.const 64)",
    extra: str = "",
    memory: str = "1",
    imports: str = "",
) -> str:
    """Return a guest whose functions are exactly these bodies; its control block is at 64.

    `$handled` and `$out` set words of the block; `extra` holds further definitions.
    """
    return f"""(module {imports}
      (memory (export "memory") {memory})
      (data (i32.const 64) "\\01\\00\\00\\00")
      (func $handled (param i32) (i32.store (i32.const 68) (local.get 0)))
      (func $out (param i32 i32)
        (i32.store (i32.const 72) (local.get 0)) (i32.store (i32.const 76) (local.get 1)))
      (func (export "caxton_abi_v1") (result i32) {abi})
      (func (export "caxton_inbox") (param i32) (result i32) {inbox})
      (func (export "caxton_init") (param i32) (result i32) {init})
      (func (export "caxton_handle") (param i32) (result i32) {handle})
      {extra})"""


_ACTS = {
    "trap": "unreachable",
    "spin": "(loop $again (br $again))",
    "deep": "(call $deep)",
    "wild": "(drop (i32.load (i32.const -4)))",
    "zero": "(drop (i32.div_u (i32.const 1) (i32.const 0)))",
    "call": "(call_indirect (i32.const 0))",
    "grow": "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable",
    "exit": "(call $exit (i32.const 3))",
    "talk": "(call $log (i32.const 1) (i32.const 900) (i32.const 5))",
    "lost": "(call $log (i32.const 1) (i32.const -16) (i32.const 64))",
}
MARKERS = tuple(_ACTS)


def _when(word: str, act: str) -> str:
    number = int.from_bytes(word.encode(), "little")
    return f"(if (i32.eq (i32.load (local.get $at)) (i32.const {number})) (then {act}))\n"


def faulty() -> str:
    """Return the echo agent with a weakness: content that starts with one of `MARKERS` makes it misbehave."""
    acts = "".join(_when(word, act) for word, act in _ACTS.items())
    misbehave = f"""
  (table 1 funcref)
  (data (i32.const 900) "hello")
  (func $deep (call $deep) (call $deep))
  (func $misbehave (param $at i32) {acts})
"""
    imports = """(module
  (import "caxton" "log" (func $log (param i32 i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
"""
    hook = "    ;; 0x13 is REQUEST;"
    text = wat("echo")
    assert text.count(hook) == text.count("(module\n") == 1
    text = text.replace("(module\n", imports).replace(
        hook, f"    (call $misbehave (i32.add (call $field (i32.const 3)) (i32.const 2)))\n{hook}"
    )
    return text.rstrip().removesuffix(")") + misbehave + ")\n"


def rust(name: str) -> bytes:
    """Return the module of an example of the Rust SDK."""
    return (RUST / f"{name}.wasm").read_bytes()
