"""What a request with an `Idempotency-Key` means when the key came before.

    new key                       run it, and keep the answer for a day
    same request, answered        the same answer again, marked `Idempotent-Replayed: true`
    same request, not answered    409: it runs, or the node died in the middle of it
    another request               422

Kept is every answer that tells what became of the request. Refusals for want of permission or capacity are
not: nothing was done, and the same request may be let in later. Whoever is refused at the door leaves no
trace here: a write for each refusal would be work that no limit holds back.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from caxton_node.api.rest.refusals import KeyReused, Refusal, StillRunning
from caxton_node.core.errors import AccessError, CapacityError, CaxtonError, DeadlineExceeded

KEPT_S = 24 * 3600
KEPT_MAX = 10_000
KEPT_BYTES_MAX = 256 * 1024 * 1024
OF_ONE_MAX = 1_000
OF_ONE_BYTES_MAX = 16 * 1024 * 1024
"""What is kept of one caller, so that nobody who asks much pushes the answers of others out."""
BODY_BYTES_MAX = 256 * 1024
VERBS = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is known of a key.

    Attributes:
        request: Fingerprint of the request that it came with.
        status: HTTP status of the answer; 0 as long as there is none.
        content_type: Of the answer.
        body: Of the answer; empty beside a status if it was too large to be kept, or has a secret.
    """

    request: bytes
    status: int = 0
    content_type: str = ""
    body: bytes = b""


def read_key(header: str) -> str:
    """Return a key as the header has it, with or without the quotes of a structured field.

    Raises:
        Refusal: It is too long, or no text.
    """
    key = header[1:-1] if len(header) > 1 and header[0] == header[-1] == '"' else header
    if not _KEY.fullmatch(key):
        raise Refusal(
            "the idempotency key cannot be used",
            why="it has 1 to 255 printable characters without spaces",
            hint="use a UUID",
        )
    return key


def fingerprint(verb: str, path: str, query: str, body: bytes) -> bytes:
    """Return what two requests have in common only when they are the same."""
    digest = hashlib.sha256()
    for part in (verb.encode(), path.encode(), query.encode(), body):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.digest()


def replay_of(kept: Kept, request: bytes) -> Kept:
    """Return the answer that a key had, if this is the same request.

    Raises:
        KeyReused: It is another one.
        StillRunning: There is no answer yet, or none any more.
    """
    if kept.request != request:
        raise KeyReused(
            "this idempotency key came with another request", hint="use a new key for every new request"
        )
    if not kept.status:
        raise StillRunning(
            "a request with this idempotency key has not come to its end",
            why="it still runs, or the node stopped in the middle of it",
            hint="ask again in a moment; if this stays, look what became of it and use a new key",
            headers={"retry-after": "1"},
        )
    if not kept.body:
        raise StillRunning(
            f"the request was answered with {kept.status}, and the answer is not kept",
            why=f"it had a secret in it, or more than {BODY_BYTES_MAX} bytes",
            hint="read what it made instead of making it again",
        )
    return kept


def is_kept(error: CaxtonError) -> bool:
    """Tell whether an error is the answer for good, and not one that may be another in a moment."""
    if isinstance(error, DeadlineExceeded):
        return True  # the work may go on, so it must not be begun again under the same key
    return not error.retryable and not isinstance(error, AccessError | CapacityError)
