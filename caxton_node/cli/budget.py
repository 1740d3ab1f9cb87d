"""Budgets on the command line: how one is written, and what is told of it afterwards."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from caxton_node.cli.types import Duration, Size

if TYPE_CHECKING:
    from caxton_node.pb import messages_pb2

AMOUNT_MAX = 2**53
FIELDS = {"messages": "messages", "bytes": "bytes", "time": "time_us", "fuel": "fuel", "cost": "cost"}
"""What people write, and what the schema calls it."""


class Budget(click.ParamType[dict[str, int]]):
    """Amounts by name, such as `messages=100,bytes=1MiB,time=5s,fuel=1e9,cost=500`."""

    name = "amounts"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, int]:
        """Return the amounts by the names of the schema."""
        if isinstance(value, dict):
            return value
        amounts: dict[str, int] = {}
        for part in str(value).split(","):
            name, equals, text = part.strip().partition("=")
            if name not in FIELDS or not equals:
                self.fail(f"{part!r} is no limit; write for example messages=100,time=5s", param, ctx)
            if FIELDS[name] in amounts:
                self.fail(f"{name} is limited twice", param, ctx)
            amounts[FIELDS[name]] = self._amount(name, text, param, ctx)
        return amounts

    def _amount(self, name: str, text: str, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if name == "bytes":
            return Size().convert(text, param, ctx)
        if name == "time":
            return round(Duration().convert(text, param, ctx) * 1e6)
        try:
            amount = float(text)  # 1e9 is how people write a billion
        except ValueError:
            amount = -1.0
        if not (0 <= amount <= AMOUNT_MAX and amount.is_integer()):
            self.fail(f"{name}={text} is not a number from 0 to {AMOUNT_MAX:,}", param, ctx)
        return int(amount)


def bill_lines(answer: messages_pb2.SendMessageResponse) -> list[str]:
    """Say what is left of a budget and who spent it; nothing without a budget."""
    if not answer.HasField("budget_left"):
        return []
    left = [_amount(field.name, value) for field, value in answer.budget_left.ListFields()]
    lines = [f"left of the budget: {', '.join(left)}"] if left else []
    for row in answer.spent:
        used = [_amount(field.name, value) for field, value in row.ListFields() if field.name != "agent"]
        lines.append(f"spent by {row.agent}: {', '.join(used)}")
    return lines


def _amount(name: str, value: int) -> str:
    if name == "time_us":
        return f"{value / 1000:,.1f} ms"
    return f"{value:,} {name}"
