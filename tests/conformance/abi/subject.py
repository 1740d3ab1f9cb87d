"""The guest under test, and the messages that are put to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa.codec import decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.rules import check
from caxton_node.runtime import CompiledModule, Engine, Limits, Outcome, Sandbox

SENDER = "default/tester"


class Failed(Exception):
    """The guest does not do what the ABI says; the text says what it did instead."""


class NotShown(Exception):
    """The guest gives no occasion to see this."""


@dataclass
class Subject:
    """A guest, how to configure it, and what it answers to.

    Attributes:
        engine: Compiles and times it.
        data: The module, binary or text.
        config: Its own configuration, the `config` of `caxton_init`.
        request: Content of a REQUEST that it is expected to handle; it need not answer.
    """

    engine: Engine
    data: bytes | str
    config: Mapping[str, object] = field(default_factory=dict)
    request: bytes = b'"hello"'
    _module: CompiledModule | None = None

    @property
    def module(self) -> CompiledModule:
        """Compile the guest, once."""
        if self._module is None:
            self._module = self.engine.compile(self.data)
        return self._module

    def start(self, limits: Limits | None = None) -> Sandbox:
        """Return a fresh instance that has started."""
        return self.start_sent(limits)[0]

    def start_sent(self, limits: Limits | None = None) -> tuple[Sandbox, list[bytes]]:
        """Return a fresh instance and what it sent while starting."""
        sandbox = Sandbox(self.engine, self.module, limits or Limits(), lambda _level, _text: None)
        sent = sandbox.start(
            {"agent": "subject", "tenant": "default", "node": "node-1", "config": dict(self.config)}
        )
        return sandbox, sent

    def message(self, number: int = 0, **changes: object) -> Envelope:
        """Return a REQUEST as the host would deliver it, with all that the host stamps."""
        fields: dict[str, object] = {
            "performative": Performative.REQUEST,
            "sender": SENDER,
            "receivers": "default/subject",
            "content": self.request,
            "conversation_id": "conformance",
            "reply_with": f"question-{number}",
            "message_id": number.to_bytes(16, "big"),
            "sent_at": 1_700_000_000_000_000 + number,
            "trace": bytes(25),
        }
        return Envelope(**{**fields, **changes})  # type: ignore[arg-type]  # field names are checked by the struct

    def frame(self, number: int = 0, **changes: object) -> bytes:
        """Return the same as bytes."""
        return encode(self.message(number, **changes))

    def frames(self, count: int) -> list[bytes]:
        """Return that many different requests."""
        return [self.frame(number) for number in range(count)]


def handle(sandbox: Sandbox, frames: Sequence[bytes], what: str) -> list[Envelope]:
    """Have a batch handled completely and return what it sent, decoded and checked."""
    outcome = sandbox.handle(frames)
    if outcome.trap is not None:
        raise Failed(f"{what}: {outcome.trap}")
    if outcome.handled != len(frames):
        raise Failed(f"{what}: {outcome.handled} of {len(frames)} handled")
    return read(outcome, what)


def read(outcome: Outcome, what: str) -> list[Envelope]:
    """Decode what a batch sent."""
    return read_frames(outcome.outbox, what)


def read_frames(frames: Iterable[bytes], what: str) -> list[Envelope]:
    """Decode frames and check each as the host would before it delivers them."""
    sent = []
    for number, frame in enumerate(frames):
        try:
            envelope = decode(frame)
            check(envelope)
        except InvalidMessage as error:
            raise Failed(f"{what}: frame {number} of its outbox: {error}") from None
        sent.append(envelope)
    return sent


def answers(sent: Iterable[Envelope]) -> list[Envelope]:
    """Return what is an answer to one of the suite's requests."""
    return [envelope for envelope in sent if (envelope.in_reply_to or "").startswith("question-")]


def outline(envelope: Envelope) -> tuple[object, ...]:
    """Return what must be the same each time; ids that a guest makes up may differ."""
    return envelope.performative, envelope.receivers, envelope.content, envelope.in_reply_to
