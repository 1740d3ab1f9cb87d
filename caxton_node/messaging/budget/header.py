"""The header `budget`: what a message carries, and what a guest may write there.

    {"fuel": 100000, "time_us": 500000, "messages": 20, "bytes": 65536, "cost": 0,     what it carries
     "initiator": "buyer@n1", "conversation": "wall-7",                                whose budget it is
     "spent": {"buyer@n1": [fuel, time_us, messages, bytes, cost]},                    who spent what
     "refund": true}                                                                   it goes back

An amount that is absent has no limit. The host writes all of it, on every message. Of what a guest writes
only the five amounts are looked at, as a wish, so it may send a header on as it came.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Raw, Struct

from caxton_node.fipa import BrokenRule, Envelope
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.message import HEADERS_MAX, Text
from caxton_node.messaging.budget.amounts import Amount, Amounts, Usage
from caxton_node.messaging.budget.spending import SPENDERS_MAX

BUDGET = "budget"

_NOT_READ = Raw(b"\xc0")

_Spent = Annotated[dict[Text, Usage], Meta(max_length=SPENDERS_MAX + 1)]


class Grant(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What one message carries of a budget; written by hosts only.

    Attributes:
        initiator: Who opened the budget, `name@node`.
        conversation: The conversation that opened it; messages in others may be paid from it.
        fuel: Units.
        time_us: Microseconds inside guests.
        messages: Messages.
        bytes: Bytes of contents.
        cost: Tool cost in millionths.
        spent: Who spent what, as far as the sending node knew.
        refund: Whether it goes back to somebody who gave, instead of on to somebody who is to work.
    """

    initiator: Text
    conversation: Text
    fuel: Amount | None = None
    time_us: Amount | None = None
    messages: Amount | None = None
    bytes: Amount | None = None
    cost: Amount | None = None
    spent: _Spent = {}
    refund: bool = False

    @property
    def carried(self) -> Amounts:
        """Return the five amounts."""
        return Amounts(self.fuel, self.time_us, self.messages, self.bytes, self.cost)

    @property
    def key(self) -> tuple[str, str]:
        """Return what tells this budget from all others: two initiators may name a conversation alike."""
        return self.initiator, self.conversation


class _Wish(Struct, forbid_unknown_fields=True):
    """What a guest may write: a misspelt amount would be no limit at all, so it is refused."""

    fuel: Amount | None = None
    time_us: Amount | None = None
    messages: Amount | None = None
    bytes: Amount | None = None
    cost: Amount | None = None
    initiator: Raw = _NOT_READ
    conversation: Raw = _NOT_READ
    spent: Raw = _NOT_READ
    refund: Raw = _NOT_READ


_encode = msgspec.msgpack.Encoder().encode
_decode_grant = msgspec.msgpack.Decoder(Grant).decode
_decode_wish = msgspec.msgpack.Decoder(_Wish).decode


def write_grant(grant: Grant) -> Raw:
    """Return the value of the header."""
    return Raw(_encode(grant))


def read_grant(raw: Raw) -> Grant | None:
    """Read what a host has written; None if it is nothing that a host writes."""
    try:
        return _decode_grant(raw)
    except READ_ERRORS:
        return None


def grant_of(envelope: Envelope) -> Grant | None:
    """Return what a message carries that has passed a host; None if it is in no budget."""
    raw = envelope.headers and envelope.headers.get(BUDGET)
    return read_grant(raw) if raw else None


def returned(envelope: Envelope) -> Grant | None:
    """Return what the FAILURE about a message that was not handled carries: its share, going back."""
    grant = grant_of(envelope)
    return grant and msgspec.structs.replace(grant, refund=True)


def nothing_of(grant: Grant) -> Grant:
    """Return the same budget with nothing in it: its turn is paid, and it brings nothing."""
    return msgspec.structs.replace(grant, **grant.carried.emptied()._asdict(), spent={}, refund=True)


def has_room(envelope: Envelope) -> bool:
    """Tell whether the header finds room: a message may be full of its sender's own."""
    headers = envelope.headers or {}
    return len(headers) < HEADERS_MAX or BUDGET in headers


def with_grant(envelope: Envelope, grant: Grant | None) -> None:
    """Write what a message carries into it, in place of whatever stood there; see `has_room`."""
    headers = dict(envelope.headers or {})
    headers.pop(BUDGET, None)
    if grant is not None:
        headers[BUDGET] = write_grant(grant)
    envelope.headers = headers or None


def take_wish(envelope: Envelope) -> Amounts | None:
    """Take the header off that a guest or client wrote, and return what it asks for; None if it wrote none.

    Raises:
        BrokenRule: It cannot be read, limits something that does not exist, or is in no conversation. It is
            off all the same, so that nothing in it can pass for a host's.
    """
    raw = envelope.headers and envelope.headers.get(BUDGET)
    if not raw:
        return None
    with_grant(envelope, None)
    if envelope.conversation_id is None:
        raise BrokenRule("a budget belongs to a conversation, and this message names none", "conversation_id")
    try:
        wish = _decode_wish(raw)
    except READ_ERRORS as err:
        raise BrokenRule(f"the header budget cannot be used: {err}", "headers") from None
    return Amounts(wish.fuel, wish.time_us, wish.messages, wish.bytes, wish.cost)
