"""Agents as WebAssembly: the strict engine, one sandbox per agent, ABI v1, and the workers that run them.

Start at `sandbox.py` (the life of one instance) with `DESIGN.md` beside it (the ABI and what it costs);
`native.py` is the only file that knows wasmtime's private bindings, `ports.py` says what the runtime needs.
It does not own envelopes (frames are opaque bytes here), mailboxes, or the decision to restart an agent.
"""

from caxton_node.runtime.engine import CompiledModule, Engine, EngineSettings, to_binary
from caxton_node.runtime.limits import Limits
from caxton_node.runtime.outcomes import CheckpointFailed, Outcome, StartFailed
from caxton_node.runtime.profile import STRICT, Cpu, Profile
from caxton_node.runtime.sandbox import Sandbox
from caxton_node.runtime.traps import Trap, TrapKind

__all__ = [
    "STRICT",
    "CheckpointFailed",
    "CompiledModule",
    "Cpu",
    "Engine",
    "EngineSettings",
    "Limits",
    "Outcome",
    "Profile",
    "Sandbox",
    "StartFailed",
    "Trap",
    "TrapKind",
    "to_binary",
]
