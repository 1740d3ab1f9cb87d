"""What fences say between nodes: marks on the lanes, the question beside them, and the marks that came."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec

from caxton_node.fipa import Envelope
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.replies import PLATFORM_SENDER

METHOD = "messaging.clear"
LANES_CAP = 1024
SEEN_MAX = 1_024

Number = Annotated[int, msgspec.Meta(ge=0, lt=2**53)]


class Mark(msgspec.Struct, array_like=True, frozen=True):
    """What stands in a mark: whose it is, of which question, on which lane of how many."""

    node: str
    number: Number
    lane: Annotated[int, msgspec.Meta(ge=0, lt=LANES_CAP)]
    lanes: Annotated[int, msgspec.Meta(ge=1, le=LANES_CAP)]


class Question(msgspec.Struct, array_like=True, frozen=True):
    """Is everything through that came for this name before these marks?

    Attributes:
        name: `tenant/name`.
        number: Of the marks.
        nodes: Who gets messages from now on.
        path: Nodes that have asked already, this one's asker last.
        within_s: How long the asker waits.
    """

    name: str
    number: Number
    nodes: list[str]
    path: list[str]
    within_s: Annotated[float, msgspec.Meta(gt=0, le=60)]


encode = msgspec.msgpack.Encoder().encode
decode_mark = msgspec.msgpack.Decoder(Mark).decode
decode_question = msgspec.msgpack.Decoder(Question).decode


class _Seen:
    """The marks of one question that have come."""

    def __init__(self) -> None:
        self.lanes: set[int] = set()
        self.all_came = asyncio.Event()


class Marks:
    """The marks that have come to this node; those of which nobody asks make room for others."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], _Seen] = {}

    def take(self, envelope: Envelope) -> None:
        """Take what came to the address of marks; only the platform of a node writes them."""
        if envelope.sender != PLATFORM_SENDER:
            return
        try:
            mark = decode_mark(envelope.content or b"")
        except READ_ERRORS:
            return
        seen = self._get(mark.node, mark.number)
        seen.lanes.add(mark.lane)
        if len(seen.lanes) >= mark.lanes:
            seen.all_came.set()

    async def wait_for(self, node: str, number: int) -> None:
        """Return when all marks of a question have come."""
        try:
            await self._get(node, number).all_came.wait()
        finally:
            self._seen.pop((node, number), None)

    def _get(self, node: str, number: int) -> _Seen:
        seen = self._seen.get((node, number))
        if seen is None:
            if len(self._seen) >= SEEN_MAX:
                del self._seen[next(iter(self._seen))]
            seen = self._seen[node, number] = _Seen()
        return seen
