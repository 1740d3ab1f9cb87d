"""Requests that the `ams` of another node must carry out, and its answers.

    agent --> ams@here, which permits it --> ams@there, which does it --> ams@here --> agent

The nodes of a cluster trust one another, and it is the `ams` of the sender's node that knows the sender's
manifest. Every request that is passed on has a deadline, so the router answers it if nobody else does.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from secrets import token_hex

import msgspec

from caxton_node.ams.acts import About
from caxton_node.core.clock import Clock
from caxton_node.core.ids import Address
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.platform_acts import ANSWERS, Call, Refused, Submit, Voice

PENDING_MAX = 256
PATIENCE_MS = 60_000
FORGET_S = 2 * PATIENCE_MS / 1000
FINAL = ANSWERS | {Performative.INFORM}

_write = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class _Pending:
    """A request that was passed on: to whom, what it was, and when (monotonic)."""

    receiver: str
    asked: Envelope
    since: float


class Relay:
    """Passes requests on; on the event loop.

    Args:
        address: The `ams` of this node.
        submit: `Router.submit`.
        clock: For deadlines.
    """

    def __init__(self, address: str, submit: Submit, clock: Clock) -> None:
        self._address = address
        self._submit = submit
        self._clock = clock
        self._boot = token_hex(4)
        self._numbers = count(1)
        self._pending: dict[str, _Pending] = {}

    def __len__(self) -> int:
        return len(self._pending)

    def pass_on(self, call: Call[About], target: str, node: str) -> None:
        """Let the `ams` of another node do it; the answer goes to who asked.

        Raises:
            Refused: Too many wait for an answer.
        """
        self._forget_old()
        if len(self._pending) >= PENDING_MAX:
            raise Refused("busy", f"{PENDING_MAX} requests wait for other nodes; ask again later")
        token = f"ams-{self._boot}-{next(self._numbers)}"
        request = msgspec.structs.replace(
            call.request, agent=str(Address(target)), node=node, on_behalf_of=call.sender.name
        )
        receiver = f"{PLATFORM_SENDER}@{node}"
        self._submit(
            Envelope(
                Performative.REQUEST,
                sender=self._address,
                receivers=receiver,
                content=_write(request),
                conversation_id=token,
                reply_with=token,
                reply_by=self._clock.unix_us() // 1000 + PATIENCE_MS,
                protocol="fipa-request",
            )
        )
        asked = msgspec.structs.replace(call.envelope, content=None)
        self._pending[token] = _Pending(receiver, asked, self._clock.now())

    def take_answer(self, answer: Envelope, acts: Voice) -> bool:
        """Hand on what came of a request; tell whether it was the answer to one."""
        token = answer.in_reply_to or ""
        pending = self._pending.get(token)
        if pending is None or answer.sender not in {pending.receiver, PLATFORM_SENDER}:
            return False
        if answer.performative in FINAL:
            del self._pending[token]
            acts.say(pending.asked, answer.performative, msgspec.Raw(answer.content or b"null"))
        return True

    def _forget_old(self) -> None:
        """Drop what the router was to answer and did not, since its own table of requests was full."""
        oldest = self._clock.now() - FORGET_S
        for token in [token for token, pending in self._pending.items() if pending.since < oldest]:
            del self._pending[token]
