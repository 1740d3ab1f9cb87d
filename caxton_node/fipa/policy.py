"""How strict a node is with the acts of one agent. Pure."""

from __future__ import annotations

from enum import StrEnum


class ProtocolPolicy(StrEnum):
    """What happens to an act that its interaction protocol does not allow, and to JSON that is none."""

    ENFORCE = "enforce"  # it goes back to its sender and reaches nobody
    WARN = "warn"  # it is delivered, counted and noted
    OFF = "off"  # it is delivered as it is
