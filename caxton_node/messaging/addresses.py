"""One spelling for each receiver, so that a request and its answer meet however they were addressed."""

from __future__ import annotations

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import Address, parse_address

MARKS = "marks~0"
"""Where the marks of a fence arrive (`clearing.py`); nobody misses one that does not."""


def canonical_address(text: str, node: str) -> str:
    """Return `name@node` of an address, or "" if it is none.

    Args:
        text: As written in an envelope.
        node: Node to assume when the address names none.
    """
    try:
        address = parse_address(text)
    except InvalidArgument:
        return ""
    return str(Address(address.name, address.node or node))
