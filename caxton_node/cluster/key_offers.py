"""What nodes tell each other about their gossip keys, and which of two rings takes the place of the other."""

from __future__ import annotations

from typing import Annotated

import msgspec

from caxton_node.core.errors import InvalidArgument
from swim import InvalidKey, Ring
from swim.ring import REVISION_MAX

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Offer(msgspec.Struct, array_like=True):
    """A ring as it travels, always inside mutual TLS.

    Attributes:
        keys: The one that seals first.
        revision: Of the ring.
        alive: How many members the sender sees; the larger side is right when both changed equally often.
    """

    keys: list[bytes]
    revision: int
    alive: int = 0

    def __repr__(self) -> str:
        """Show no key."""
        return f"Offer(revision={self.revision}, alive={self.alive})"


class Shown(msgspec.Struct, array_like=True, frozen=True):
    """What a node tells of its keys; nothing in it is secret.

    Attributes:
        ids: Ids of its keys, the one that seals first.
        revision: Of its ring.
        encryption: Whether it seals and what it takes: required, accept-plain, off.
        unopened: Datagrams since it started that no key of its opened.
        plain: Plain datagrams since it started that it refused.
    """

    ids: tuple[str, ...] = ()
    revision: Annotated[int, msgspec.Meta(ge=0, le=REVISION_MAX)] = 0
    encryption: str = ""
    unopened: Count = 0
    plain: Count = 0


encode = msgspec.msgpack.Encoder().encode
_decode_shown = msgspec.msgpack.Decoder(Shown).decode
_decode_offer = msgspec.msgpack.Decoder(Offer).decode


def outranks(theirs: Ring, mine: Ring, *, their_alive: int, my_alive: int) -> bool:
    """Tell whether another node's ring takes the place of this node's own.

    The later revision does. Equal ones differ only when the two sides of a split have both changed their
    keys, or two members changed them at once: then the side with more members is right, and between equals
    the ids decide, so that both choose the same.
    """
    if theirs == mine:
        return False
    if theirs.revision != mine.revision:
        return theirs.revision > mine.revision
    return (their_alive, theirs.ids) > (my_alive, mine.ids)


def offer_of(ring: Ring, *, alive: int = 0) -> Offer:
    """Return a ring as it travels."""
    return Offer(list(ring.keys), ring.revision, alive)


def read_offer(payload: bytes) -> Offer:
    """Read what another node sent.

    Raises:
        InvalidArgument: It is no offer; the peer's fault.
    """
    try:
        return _decode_offer(payload)
    except msgspec.DecodeError as err:
        raise InvalidArgument("a ring of gossip keys cannot be read", why=str(err)) from err


def read_shown(payload: bytes) -> Shown:
    """Read what another node tells of its keys.

    Raises:
        InvalidArgument: It tells something else; the peer's fault.
    """
    try:
        return _decode_shown(payload)
    except msgspec.DecodeError as err:
        raise InvalidArgument("what a member tells of its gossip keys cannot be read", why=str(err)) from err


def ring_of(offer: Offer) -> Ring:
    """Return the ring that is offered.

    Raises:
        InvalidArgument: It could not be used; the peer's fault.
    """
    try:
        return Ring(tuple(offer.keys), offer.revision)
    except InvalidKey as err:
        raise InvalidArgument("a ring of gossip keys cannot be used", why=str(err)) from err
