"""Why an agent failed, in a form that outlives the node: the trap, where, and in which message."""

from __future__ import annotations

from msgspec import Struct

from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import MalformedEnvelope, decode
from caxton_node.runtime.outcomes import StartFailed
from caxton_node.runtime.traps import Trap


class Failure(Struct, frozen=True):
    """One failure of an agent.

    Attributes:
        kind: The cause in one word: a kind of trap, or the code of an error.
        message: One sentence for people.
        at_unix_ms: When.
        backtrace: WebAssembly frames, innermost first.
        message_id: Hex id of the message that it was handling, "" if it was in none.
        verdict: Why it was left alone, "" while it is restarted.
    """

    kind: str
    message: str
    at_unix_ms: int
    backtrace: tuple[str, ...] = ()
    message_id: str = ""
    verdict: str = ""

    def __str__(self) -> str:
        """Write it on one line."""
        where = f" in {self.backtrace[0]}" if self.backtrace else ""
        verdict = f"; left alone because {self.verdict}" if self.verdict else ""
        return f"{self.kind}: {self.message}{where}{verdict}"


def of_trap(trap: Trap, frame: bytes | None, now_ms: int) -> Failure:
    """Return the failure that a trap was, with the id of the message that it is blamed on."""
    return Failure(str(trap.kind), trap.message, now_ms, trap.backtrace, _id_of(frame))


def of_error(err: CaxtonError, now_ms: int) -> Failure:
    """Return the failure of a start: what the guest did if it got so far, else the error itself."""
    if isinstance(err, StartFailed):
        return of_trap(err.trap, None, now_ms)
    return Failure(err.code, str(err), now_ms)


def _id_of(frame: bytes | None) -> str:
    if frame is None:
        return ""
    try:
        return (decode(frame).message_id or b"").hex()
    except MalformedEnvelope:
        return ""
