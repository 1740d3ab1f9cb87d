"""Reading the values of entries: one way for all kinds, and one error whatever another node has written.

A value comes from any node of the cluster, lies on every disk and is read again at every start. So a faulty
node or one flipped bit must cost nothing but the entry that it is about, on whatever node. A MessagePack
decoder fails in more ways than its own error: bad text, lists in lists until the stack ends, keys that cannot
be keys. And what can just be read here cannot be walked through elsewhere: so depth is bounded as well.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import InputError
from caxton_node.core.shown import show
from caxton_node.registry.entry import Entry

DEPTH_MAX = 64
"""Levels of lists and maps in one field of a value."""
UNREADABLE = (msgspec.DecodeError, ValueError, TypeError, OverflowError, RecursionError)
"""What decoding raises about bytes that are no such value; `UnicodeDecodeError` is a `ValueError`."""

T = TypeVar("T")


class UnreadableValue(InputError):
    """The value of a registry entry is not what its kind says; the entry is kept and left out here."""

    code = "UNREADABLE_REGISTRY_VALUE"


class ValueReader(Generic[T]):
    """Reads the values of one kind.

    Args:
        form: Type of the values.
        fits: Tells whether a part may stand where the form takes anything; only such forms need it.
    """

    def __init__(self, form: type[T], *, fits: Callable[[object], bool] | None = None) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(form)
        self._fits = fits

    def read(self, value: bytes) -> T:
        """Read a value.

        Raises:
            UnreadableValue: It is none, or one of a later version of this program.
        """
        try:
            read = self._decoder.decode(value)
        except UNREADABLE as err:
            raise UnreadableValue("a registry value cannot be read", why=show(str(err))) from err
        if self._fits is not None and not all(map(self._fits, _parts_of(read))):
            raise UnreadableValue("a registry value cannot be read", why="it nests too deep, or is no JSON")
        return read

    def find(self, entry: Entry | None) -> T | None:
        """Return what an entry says; None if it is gone, or cannot be read by this node."""
        if entry is None or entry.deleted:
            return None
        try:
            return self.read(entry.value)
        except UnreadableValue:
            return None


def is_shallow(part: object) -> bool:
    """Tell whether a part nests no deeper than all can walk through."""
    return not nests_deeper(part, DEPTH_MAX)


def is_json(part: object, depth: int = DEPTH_MAX) -> bool:
    """Tell whether a part is shallow and can be written as JSON; MessagePack can hold other things."""
    if isinstance(part, dict):
        return depth > 0 and all(
            isinstance(key, str) and is_json(inner, depth - 1) for key, inner in part.items()
        )
    if isinstance(part, list | tuple):
        return depth > 0 and all(is_json(inner, depth - 1) for inner in part)
    return part is None or isinstance(part, str | int | float)


def _parts_of(read: object) -> list[object]:
    names = getattr(read, "__struct_fields__", ())
    return [getattr(read, name) for name in names] if names else [read]
