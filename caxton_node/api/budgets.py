"""Budgets of conversations between the schema, the header that carries them, and people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa.replies import ExhaustedContent
from caxton_node.messaging.budget import AMOUNT_MAX, Bill, Usage
from caxton_node.pb import messages_pb2 as pb

SHOWN = 8
"""Agents that an error names; the FAILURE has them all."""
_UNITS = {"fuel": "fuel", "time_us": "us", "messages": "messages", "bytes": "bytes", "cost": "cost"}


def header_value(budget: pb.Budget) -> msgspec.Raw:
    """Return the header that opens a budget.

    Raises:
        InvalidArgument: An amount is negative, or more than anybody can count.
    """
    amounts = {field.name: value for field, value in budget.ListFields()}
    for name, value in amounts.items():
        if not 0 <= value <= AMOUNT_MAX:
            raise InvalidArgument(
                f"a budget of {value} {_UNITS[name]} cannot be given", why=f"it is from 0 to {AMOUNT_MAX:,}"
            )
    return msgspec.Raw(msgspec.msgpack.encode(amounts))


def left_of(bill: Bill) -> pb.Budget:
    """Write what is left; amounts without a limit are absent."""
    return pb.Budget(**{name: value for name, value in bill.left.items() if value is not None})


def spent_in(bill: Bill) -> list[pb.Spending]:
    """Write who spent what, whoever spent first first."""
    return [pb.Spending(agent=agent, **usage._asdict()) for agent, usage in bill.spent.items()]


def explain(content: bytes) -> str:
    """Say why a budget has run out and who spent it, from the FAILURE about that.

    A sender who is not told as the initiator gets only the reason.
    """
    try:
        said = msgspec.json.decode(content, type=ExhaustedContent)
    except msgspec.ValidationError:
        return ""
    rows = list(_rows(said.spent))
    more = f" and {len(rows) - SHOWN} more agents" if len(rows) > SHOWN else ""
    return f"; spent: {'; '.join(rows[:SHOWN])}{more}" if rows else ""


def _rows(spent: Mapping[str, Mapping[str, int]]) -> Iterable[str]:
    for agent, usage in spent.items():
        used = ", ".join(f"{usage[name]:,} {_UNITS[name]}" for name in Usage._fields if usage.get(name))
        if used:
            yield f"{agent} {used}"
