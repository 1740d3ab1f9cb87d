"""A partial update: some fields of an entry's map changed, the rest as they were."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.registry.entry import Entry
from caxton_node.registry.values import UnreadableValue, ValueReader, is_shallow


class EntryNotFound(NotFound):
    """There is no such entry to change; it may have been deleted elsewhere."""

    code = "ENTRY_NOT_FOUND"


_MAP = ValueReader(dict[str, object], fits=is_shallow)


def patch(entry: Entry, changes: Mapping[str, object]) -> bytes:
    """Return an entry's value with some fields changed; fields that this version does not know stay.

    Args:
        entry: Its value is a MessagePack map.
        changes: New values by field; None takes a field out.

    Raises:
        InvalidArgument: The value is no map with text as keys.
    """
    try:
        fields = _MAP.read(entry.value)
    except UnreadableValue as err:
        raise InvalidArgument(
            f"the {entry.kind} {entry.key} cannot be changed by field", why=err.why, hint="write it whole"
        ) from err
    fields.update(changes)
    return msgspec.msgpack.encode({name: value for name, value in fields.items() if value is not None})
