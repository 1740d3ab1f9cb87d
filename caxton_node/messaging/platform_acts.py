"""What all platform agents do alike: read a request, do it, answer, and never keep each other busy.

    acts = PlatformActs(
        name="kv", node_id=node_id, submit=router.submit,
        readers={Performative.REQUEST: msgspec.json.Decoder(Get | Put).decode},
        do=self._do,                                    # Call[Get | Put] -> content of the INFORM, or None
    )
    router.add_platform_agent("kv", acts.handle)

A request is JSON, `{"action": ...}`. Its answer is one of

    INFORM            what `do` returned, or later what was given to `inform`
    AGREE             it is taken, and an INFORM follows
    REFUSE            `{"reason", "detail"}`: allowed and possible are not the same as understood (`Refused`)
    FAILURE           `{"reason", "detail"}`: it was tried (any other `CaxtonError`; the reason is its code)
    NOT_UNDERSTOOD    `{"reason", "position", "field"}`: it is none of the requests that this agent knows

Answers go to the sender, whatever `reply_to` says: nobody has the platform speak to others in its name. Acts
that are answers themselves are never answered.

Source: FIPA SC00023K section 4 (agent management services), SC00026H (FIPA-Request).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import msgspec

from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import CaxtonError, InternalError, InvalidMessage, StateError
from caxton_node.core.ids import Address, parse_address
from caxton_node.core.shown import show
from caxton_node.fipa import Envelope, Performative, not_understood, reply
from caxton_node.messaging.durable.header import make_durable

REASON_CHARS_MAX = 500
DEPTH_MAX = 32

ANSWERS = frozenset({Performative.FAILURE, Performative.NOT_UNDERSTOOD, Performative.REFUSE})

R = TypeVar("R")
Asked_co = TypeVar("Asked_co", covariant=True)
Reader = Callable[[bytes], R]
Submit = Callable[[Envelope], object]

_write = msgspec.json.Encoder().encode


class Refused(StateError):
    """A platform agent understood a request and will not do it; nothing was changed.

    Args:
        reason: One word for programs.
        detail: One sentence for people.
    """

    code = "REQUEST_REFUSED"

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Call(Generic[Asked_co]):
    """One request and who makes it.

    Attributes:
        request: What is asked for.
        sender: Who asks, stamped by its node: with a node, always.
        envelope: The message, to be answered.
    """

    request: Asked_co
    sender: Address
    envelope: Envelope

    @property
    def is_client(self) -> bool:
        """Return whether somebody outside asks, who has no name of its own (`client~...`)."""
        return "~" in self.sender.name


class Voice(Protocol):
    """How the parts of a platform agent answer; `PlatformActs` does."""

    def inform(self, envelope: Envelope, content: object, *, durable: bool = False) -> None:
        """Say what came of a request."""
        ...

    def agree(self, envelope: Envelope, content: object) -> None:
        """Say that a request is taken and that more will follow."""
        ...

    def fail(self, envelope: Envelope, error: CaxtonError) -> None:
        """Say that a request came to nothing."""
        ...

    def say(self, envelope: Envelope, act: Performative, content: object) -> None:
        """Answer a message by any act."""
        ...


class PlatformActs(Generic[R]):
    """The conversation of one platform agent with everybody; runs on the event loop.

    Args:
        name: What it is called: `ams`, `df`, `kv`.
        node_id: This node.
        submit: `Router.submit`.
        readers: Reads the content, by the acts that it takes; each returns a request or raises as msgspec
            does.
        do: Carries a request out and returns the content of the INFORM, None if the answer comes later.
        on_answer: Called with the answers to what this agent has sent itself.

    Attributes:
        address: `name@node`.
        answered: How often it has said what, by act: `inform`, `refuse`, ...
    """

    def __init__(
        self,
        *,
        name: str,
        node_id: str,
        submit: Submit,
        readers: Mapping[Performative, Reader[R]],
        do: Callable[[Call[R]], object | None],
        on_answer: Callable[[Envelope], bool] | None = None,
    ) -> None:
        self.name = name
        self.address = f"{name}@{node_id}"
        self.answered: Counter[str] = Counter()
        self._submit = submit
        self._readers = readers
        self._do = do
        self._on_answer = on_answer

    def handle(self, envelope: Envelope) -> None:
        """Answer one message."""
        if self._on_answer is not None and self._on_answer(envelope):
            return
        if envelope.performative in ANSWERS:
            return
        reader = self._readers.get(envelope.performative)
        if reader is None:
            self.misunderstand(envelope, f"{self.name} takes {self._words()}, not {_word(envelope)}")
            return
        try:
            request = reader(envelope.content or b"")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as err:
            self.misunderstand(envelope, show(str(err), REASON_CHARS_MAX))
            return
        self._carry_out(request, envelope)

    def _carry_out(self, request: R, envelope: Envelope) -> None:
        try:
            content = self._do(Call(request, parse_address(envelope.sender or ""), envelope))
        except CaxtonError as err:
            self.fail(envelope, err)
        except Exception:  # a bug, of which the box will tell; whoever asked shall not wait for ever
            self.fail(envelope, InternalError(f"{self.name} met a fault", hint="its node's log says which"))
            raise
        else:
            if content is not None:
                self.inform(envelope, content)

    # -- answers --------------------------------------------------------------------------------------------

    def inform(self, envelope: Envelope, content: object, *, durable: bool = False) -> None:
        """Say what came of a request; a durable answer waits for who asked, and outlives the node."""
        self.say(envelope, Performative.INFORM, content, durable=durable)

    def agree(self, envelope: Envelope, content: object) -> None:
        """Say that a request is taken and that more will follow."""
        self.say(envelope, Performative.AGREE, content)

    def refuse(self, envelope: Envelope, reason: str, detail: str) -> None:
        """Say that a request will not be done, and why."""
        answer = {"reason": reason, "detail": show(detail, REASON_CHARS_MAX)}
        self.say(envelope, Performative.REFUSE, answer)

    def fail(self, envelope: Envelope, error: CaxtonError) -> None:
        """Say that a request came to nothing: REFUSE for a `Refused`, FAILURE for any other error."""
        if isinstance(error, Refused):
            self.refuse(envelope, error.reason, error.what)
            return
        answer = {"reason": error.code, "detail": show(str(error), REASON_CHARS_MAX)}
        self.say(envelope, Performative.FAILURE, answer)

    def misunderstand(self, envelope: Envelope, reason: str) -> None:
        """Say that a message is no request that this agent knows."""
        answer = not_understood(envelope, reason, 3, "content")
        answer.sender = self.address
        self._send(answer)

    def say(self, envelope: Envelope, act: Performative, content: object, *, durable: bool = False) -> None:
        """Answer a message by any act; an answer larger than a message may be becomes a FAILURE."""
        answer = reply(envelope, act, _write(content), self.address)
        answer.receivers = envelope.sender
        if durable:
            make_durable(answer)
        try:
            self._send(answer)
        except InvalidMessage as err:
            if act is Performative.FAILURE:  # there is nobody who could be told
                return
            self.fail(envelope, err)

    def _send(self, answer: Envelope) -> None:
        # What the request said of its own form says nothing about the answer's, which is JSON.
        answer.language = answer.encoding = None
        self._submit(answer)
        self.answered[answer.performative.word] += 1

    def _words(self) -> str:
        return " and ".join(sorted(act.word for act in self._readers))


def json_reader(kind: type[R], *, depth_max: int = DEPTH_MAX) -> Reader[R]:
    """Return a reader of JSON requests: one struct, or a union of structs tagged by `action`.

    Args:
        kind: What to read.
        depth_max: Levels of nesting that any value of it may have.
    """
    decode = msgspec.json.Decoder(kind).decode

    def read(content: bytes) -> R:
        request = decode(content)
        fields = [getattr(request, name) for name in getattr(request, "__struct_fields__", ())]
        if nests_deeper(fields, depth_max + 1):
            raise msgspec.ValidationError(f"it nests deeper than {depth_max}")
        return request

    return read


def _word(envelope: Envelope) -> str:
    return envelope.performative.word
