"""Bounds on what comes from outside, before anything recursive walks through it."""

from __future__ import annotations


def nests_deeper(value: object, depth: int) -> bool:
    """Tell whether lists and maps are nested deeper than this; a bare scalar has depth 0.

    What one node can just read, another that stands deeper in its own stack cannot, and a message that only
    some can read is lost on the way. So depth is bounded where a value comes in, far below what anybody can.

    Args:
        value: Decoded JSON or MessagePack.
        depth: Levels that are allowed; also bounds the recursion here.
    """
    if isinstance(value, dict):
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple):
        parts = list(value)
    else:
        return False
    return depth < 1 or any(nests_deeper(part, depth - 1) for part in parts)
