"""What a module was found to be and to do when it was tried, as plain values for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from caxton_node.agents.manifest import Manifest
from caxton_node.runtime.trial import Started

LISTED_MAX = 64
"""Entries of any list in a report: what a module says about itself has no bound of its own."""


class StageName(StrEnum):
    """The stages in their order."""

    STATIC = "static"
    SANDBOX = "sandbox"
    CONTRACTS = "contracts"
    RESOURCES = "resources"


class StageOutcome(StrEnum):
    """What came of a stage."""

    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Attributes:
        name: Which.
        outcome: Whether it passed.
        reason: Why it did not.
        hint: What to do about it.
        backtrace: WebAssembly frames, innermost first, if it trapped.
        notes: What else is worth knowing.
    """

    name: StageName
    outcome: StageOutcome
    reason: str = ""
    hint: str = ""
    backtrace: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(slots=True)
class ModuleFacts:
    """What a module is, without running it.

    Attributes:
        sha256: Digest of the binary module; empty if it could not even be read as one.
        size: Bytes of the binary module.
        imports: As `module.name`, the first of them; empty for a module that was refused.
        exports: The same.
        needs: Features beyond MVP WebAssembly that it needs and an operator could allow.
        checkpoints: It makes checkpoints and takes them.
        whole: An image of its memory and globals is its whole state.
        compile_s: Time until it was ready to run.
    """

    sha256: str = ""
    size: int = 0
    imports: tuple[str, ...] = ()
    exports: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    checkpoints: bool = False
    whole: bool = False
    compile_s: float = 0.0


@dataclass(frozen=True, slots=True)
class StartFacts:
    """How a module started.

    Attributes:
        started: Time, fuel and memory.
        capabilities: What it asked the directory to register, the first of it.
    """

    started: Started
    capabilities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What it did with the messages of one call.

    Attributes:
        name: Which messages.
        given: How many.
        handled: How many were completed.
        sent: The acts that it sent, in order, the first of them.
        sent_count: How many messages it sent.
        fuel_units: For each message; 0 where none is counted.
        elapsed_s: For each message.
        memory_bytes: Linear memory afterwards.
    """

    name: str
    given: int
    handled: int
    sent: tuple[str, ...]
    sent_count: int
    fuel_units: int
    elapsed_s: float
    memory_bytes: int


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that was found.

    Attributes:
        manifest: What it was tried as.
        stages: All four.
        module: What it is.
        start: How it started; None if it did not.
        messages: What it did with messages, as far as it came.
        log: The first lines that it wrote.
        elapsed_s: Time that all of this took.
    """

    manifest: Manifest
    stages: tuple[Stage, ...]
    module: ModuleFacts
    start: StartFacts | None
    messages: tuple[MessageFacts, ...]
    log: tuple[str, ...]
    elapsed_s: float

    @property
    def failed(self) -> Stage | None:
        """Return the first stage that failed."""
        return next((stage for stage in self.stages if stage.outcome is StageOutcome.FAILED), None)

    @property
    def passed(self) -> bool:
        """Return whether no stage failed."""
        return self.failed is None
