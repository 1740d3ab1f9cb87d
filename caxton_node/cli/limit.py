"""`caxton limit`: see how much clients may ask of a node, and change it on every node."""

from __future__ import annotations

import re

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, Row, column
from caxton_node.cli.session import Session, verb

UNITS = {"s": 1.0, "second": 1.0, "m": 60.0, "min": 60.0, "minute": 60.0, "h": 3600.0, "hour": 3600.0}
_RATE = re.compile(r"(\d+(?:\.\d+)?)/(\w+)\Z")
_SHORT = {1.0: "s", 60.0: "min", 3600.0: "h"}


class RateType(click.ParamType[tuple[float, float]]):
    """Calls in a time: `10/min`, `1000/s`, or `none`."""

    name = "RATE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Return calls, and seconds in which they may come."""
        if isinstance(value, tuple):
            return value
        if value == "none":
            return 0.0, 1.0
        match = _RATE.match(str(value))
        if match is None or match[2] not in UNITS or not float(match[1]):
            self.fail(f"{value} is no rate; write 10/min, 1000/s or none", param, ctx)
        return float(match[1]), UNITS[match[2]]


def rate_of(row: Row) -> str:
    """Write calls in a time, as `RateType` reads it."""
    calls, per_s = float(str(row["calls"])), float(str(row["per_s"]))
    return f"{calls:g}/{_SHORT.get(per_s, f'{per_s:g}s')}" if calls else "none"


COLUMNS = (
    column("SCOPE", "scope"),
    Column("CLIENT", lambda row: row["client"] or "-"),
    Column("RATE", rate_of, right=True),
    Column("BURST", lambda row: row["burst"] if row["calls"] else "-", right=True),
    column("SOURCE", "source"),
    Column("SET BY", lambda row: row["set_by"] or "-", wide=True),
)

limit = VerbGroup(
    name="limit",
    aliases={"ls": "list", "show": "list", "put": "set", "delete": "reset", "rm": "reset", "unset": "reset"},
    help="See how much clients may ask of a node, and change it on every node.",
)
_client = click.option("--client", default="", help="Only for this client, as kind:name, such as api-key:ci.")


@verb(limit, "list")
def list_limits(session: Session) -> None:
    """List the limits in force on the node that is asked."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        facts = plain(client.limits.list())
    session.output.rows(facts["limits"], COLUMNS, empty="no limits")


@verb(limit, "set")
@click.argument("scope")
@click.argument("rate", type=RateType())
@click.option("--burst", type=click.IntRange(0), default=0, help="Calls at once. [default: those of RATE]")
@_client
def set_limit(session: Session, scope: str, rate: tuple[float, float], burst: int, client: str) -> None:
    """Set the limit SCOPE to RATE on every node: 10/min, 1000/s, or none.

    SCOPE is node (all clients together), client (each of them), anonymous, a class of calls (read, write,
    deploy, send, watch), or an operation, such as CaxtonManagement.DeployAgent. The most specific one counts.
    """
    from caxton_node.client.plain import plain

    calls, per_s = rate
    with session.client() as opened:
        facts = plain(opened.limits.set(scope, calls=calls, per_s=per_s, burst=burst, client=client))
    session.output.done(facts, f"{_named(facts)} is {rate_of(facts)} from now on, on every node")


@verb(limit, "reset")
@click.argument("scope")
@_client
def reset_limit(session: Session, scope: str, client: str) -> None:
    """Let the configuration of each node decide about the limit SCOPE again."""
    from caxton_node.client.plain import plain

    with session.client() as opened:
        facts = plain(opened.limits.reset(scope, client=client))
    now = rate_of(facts) if facts["scope"] else "gone"
    session.output.done(facts, f"{scope}{f' for {client}' if client else ''} is {now} again")


def _named(row: Row) -> str:
    return f"{row['scope']} for {row['client']}" if row["client"] else str(row["scope"])
