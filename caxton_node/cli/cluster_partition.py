"""`caxton cluster partition` and `resolve-partition`: which side of a split a node is on, and the way out."""

from __future__ import annotations

import click

from caxton_node.cli.cluster_sheet import Row, names_column, some, span
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, Output, cell, column, paint
from caxton_node.cli.session import Session, verb
from caxton_node.cli.sheet import moment


def _began(row: Row) -> str:
    return moment(row["began_unix_ms"])


def _lasted(row: Row) -> str:
    return span((row["ended_unix_ms"] - row["began_unix_ms"]) / 1000)


REPORT_COLUMNS = (
    Column("BEGAN", _began),
    Column("LASTED", _lasted, right=True),
    column("VIEW", "view"),
    names_column("HERE", "here"),
    names_column("THERE", "there"),
    names_column("RESTARTED", "restarted", empty="-"),
    names_column("STILL MISSING", "missing", empty="-"),
    column("CONFLICTS", "conflicts", right=True),
)

partitions = VerbGroup(name="partitions", help="Verbs of `caxton cluster`.")

_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


@verb(partitions, "partition")
@_node
def partition(session: Session, node: str) -> None:
    """Show which side of a split a node is on, who counts, and the splits that have healed."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        facts = plain(client.cluster.partition(node=node))
    output = session.output
    output.facts(facts, _lines(facts))
    if facts["reports"] and not output.for_programs:
        output.line("")
        output.rows(facts["reports"], REPORT_COLUMNS, empty="")


@verb(partitions, "resolve-partition")
@_node
@click.option("--forget", multiple=True, metavar="NODE", help="Give up this member; may be repeated.")
@click.option("--forget-all-dead", is_flag=True, help="Give up every member that counts and is not seen.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def resolve_partition(
    session: Session, *, node: str, forget: tuple[str, ...], forget_all_dead: bool, yes: bool
) -> int:
    """Give up dead members for good, so that those who are left are the majority.

    Only you can know that they will not come back: if they run on another side of a split, both sides will
    call themselves the majority. A member that comes back all the same simply joins again.
    """
    from caxton_node.client.plain import plain

    if not forget and not forget_all_dead:
        raise click.UsageError("say whom to give up: --forget NODE, or --forget-all-dead")
    with session.client() as client:
        if not yes:
            _confirm(plain(client.cluster.partition(node=node)), forget, forget_all_dead=forget_all_dead)
        answer = plain(
            client.cluster.resolve_partition(forget=forget, forget_all_dead=forget_all_dead, node=node)
        )
    return _tell(session.output, answer)


def _lines(facts: Row) -> list[tuple[str, object]]:
    agreed, sees = facts["agreed"], _seen(facts)
    lines: list[tuple[str, object]] = [
        ("node", facts["node_id"]),
        ("view", facts["view"]),
        ("counts", f"{len(agreed):,}: {some(agreed)}"),
        ("sees", f"{sees:,} of {len(agreed):,}"),
        ("missing", some(facts["lost"]) or "nobody"),
        ("waiting", some(facts["waiting"]) or "nobody"),
        ("changes", _policy(facts)),
    ]
    if facts["view"] != "majority" and 2 * sees > len(agreed):
        lines.insert(2, ("because", "it does not see enough of those who counted before the latest change"))
    return lines


def _seen(facts: Row) -> int:
    """Return how many of those that count are seen and have a vote."""
    return len(set(facts["agreed"]).intersection(facts["alive"]).difference(facts["waiting"]))


def _policy(facts: Row) -> str:
    if facts["on_minority"] == "available":
        return "accepted on any side (cluster.on_minority is available)"
    taken = facts["view"] == "majority"
    return f"{'accepted' if taken else 'refused'} here (cluster.on_minority is consistent)"


def _confirm(facts: Row, forget: tuple[str, ...], *, forget_all_dead: bool) -> None:
    chosen = sorted({*forget, *(facts["lost"] if forget_all_dead else ())})
    left = len(set(facts["agreed"]) - set(chosen))
    begins = f"{facts['node_id']} is {facts['view']}: "
    if not facts["agreed"]:
        said = f"nobody counts. The members that it sees will: {some(facts['alive'])}."
    else:
        said = f"it sees {_seen(facts)} of {len(facts['agreed'])} that count. "
        said += f"Without {some(chosen) or 'nobody'}, {left} count."
    click.echo(begins + said, err=True)
    click.confirm("Make sure that they do not run anywhere. Give them up for good?", abort=True, err=True)


def _tell(output: Output, answer: Row) -> int:
    """Print what became of it; return the exit code, 1 if a node did not follow."""
    if output.for_programs:
        output.data(answer)
    else:
        output.line(f"given up: {some(answer['forgotten']) or 'nobody'}")
        for row in answer["nodes"]:
            said = paint(row["view"]) if not row["error"] else f"{paint('failed')}: {cell(row['error'])}"
            output.line(f"  {row['node']}  {said}")
    return int(any(row["error"] for row in answer["nodes"]))
