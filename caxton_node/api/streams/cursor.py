"""A place in a stream, as clients keep it: `<stream id>.<number of the last event that came>`."""

from __future__ import annotations

import re
from typing import NamedTuple, Self

from caxton_node.core.errors import InvalidArgument

_PATTERN = re.compile(r"([A-Za-z0-9_-]{16,64})\.(0|[1-9][0-9]{0,17})", re.ASCII)


class Cursor(NamedTuple):
    """A place in a stream.

    Attributes:
        stream_id: Which stream; cannot be guessed.
        seq: Number of the last event that the reader has; 0 if it has none.
    """

    stream_id: str
    seq: int

    def __str__(self) -> str:
        """Return what `parse` reads."""
        return f"{self.stream_id}.{self.seq}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a cursor that a client sends back.

        Raises:
            InvalidArgument: No node has written this.
        """
        found = _PATTERN.fullmatch(text)
        if found is None:
            raise InvalidArgument(
                "the cursor cannot be read",
                why=f"{text[:80]!r} is not what a node writes",
                hint="send back the cursor of the last event as it came, or none to begin anew",
            )
        return cls(found[1], int(found[2]))
