"""`caxton security can` and `roles`: who may do what, and who has which role by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session, verb

DENIED = 4
PERMISSIONS_SHOWN = 3
KINDS = ("api-key", "jwt", "oauth2", "certificate")


def _where(row: Mapping[str, Any]) -> str:
    return row["tenant"] or "everywhere"


def _role(row: Mapping[str, Any]) -> str:
    return f"{row['role']} (there is none)" if row["unknown_role"] else row["role"]


def _first(row: Mapping[str, Any]) -> str:
    found = row["permissions"]
    left = len(found) - PERMISSIONS_SHOWN
    return ", ".join(found[:PERMISSIONS_SHOWN]) + (f" and {left} more" if left > 0 else "")


ROLE_COLUMNS = (
    column("ROLE", "role"),
    column("BUILT IN", "built_in"),
    Column("PERMISSIONS", _first),
    column("ALL OF THEM", "permissions", wide=True),
    column("NOTE", "note"),
    column("BY", "by", wide=True),
)
ASSIGNMENT_COLUMNS = (
    column("KNOWN BY", "kind"),
    column("NAME", "principal"),
    Column("ROLE", _role),
    Column("WHERE", _where),
)

roles = VerbGroup(
    name="roles",
    aliases={
        "ls": "list",
        "get": "show",
        "create": "put",
        "set": "put",
        "rm": "delete",
        "grant": "assign",
        "revoke": "unassign",
        "bindings": "assignments",
    },
    help="Make roles, give and take them.",
)

kind_option = click.option(
    "--kind", type=click.Choice(KINDS), default="api-key", help="By what it is known. [default: api-key]"
)
tenant_option = click.option("--tenant", default="", help="In this tenant. [default: everywhere]")


@click.argument("what", metavar="PERMISSION|OPERATION")
@click.option("--as", "principal", default="", metavar="NAME", help="Ask about another caller.")
@kind_option
@tenant_option
@click.pass_context
def can(ctx: click.Context, session: Session, *, what: str, principal: str, kind: str, tenant: str) -> None:
    """Tell whether you, or --as NAME, may do something, and why; the exit code is 0 or 4."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        asked_kind = kind if principal else ""
        answer = plain(client.access.can(what, tenant=tenant, principal=principal, kind=asked_kind))
    lines = [
        ("allowed", answer["allowed"]),
        ("why", answer["why"]),
        ("permission", answer["permission"] or "none"),
        ("has", answer["grants"] or "nothing"),
        ("roles that would do", answer["roles"] or "any"),
    ]
    session.output.facts(answer, lines)
    if not answer["allowed"]:
        ctx.exit(DENIED)


@verb(roles, "list")
def list_roles(session: Session) -> None:
    """List the roles with what they allow: the built-in ones first, then the others by name.

    `-o wide` and `caxton security roles show ROLE` have all permissions.
    """
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(role) for role in client.access.roles()]
    session.output.rows(rows, ROLE_COLUMNS, empty="no roles")


@verb(roles, "show")
@click.argument("role")
def show(session: Session, role: str) -> None:
    """Tell what ROLE allows, and who has it by name."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = plain(client.access.role(role))
    facts, held = found["role"], found["assignments"]
    lines = [
        ("role", facts["role"]),
        ("built in", facts["built_in"]),
        ("permissions", facts["permissions"]),
        ("note", facts["note"] or "-"),
        ("written by", facts["by"] or "-"),
        ("assigned to", [f"{each['kind']} {each['principal']} {_where(each)}" for each in held] or "nobody"),
    ]
    session.output.facts(found, lines)


@verb(roles, "put")
@click.argument("role")
@click.option(
    "-p", "--permission", "permissions", multiple=True, required=True, help="All it allows; may be repeated."
)
@click.option("--note", default="", help="What it is for.")
def put(session: Session, *, role: str, permissions: tuple[str, ...], note: str) -> None:
    """Make ROLE, or change what it allows for all who have it, on every node at once."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        answer = plain(client.access.put_role(role, permissions, note=note))
    done = "made" if answer["created"] else "changed"
    session.output.done(answer, f"{role} is {done}: {', '.join(answer['role']['permissions'])}")


@verb(roles, "delete")
@click.argument("role")
@click.option("--force", is_flag=True, help="Even if somebody has it, who then has nothing by it.")
def delete(session: Session, *, role: str, force: bool) -> None:
    """Let ROLE go; the built-in ones stay."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        answer = plain(client.access.delete_role(role, force=force))
    left = len(answer["assignments"])
    session.output.done(answer, f"{role} is gone" + (f"; {left} have nothing by it now" if left else ""))


@verb(roles, "assignments")
@click.option("--name", "principal", default="", help="Only to this caller.")
@click.option("--role", default="", help="Only this role.")
@click.option("--tenant", default="", help="Only in this tenant.")
def assignments(session: Session, *, principal: str, role: str, tenant: str) -> None:
    """List who has which role by name, besides what credentials bring."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = client.access.assignments(principal=principal, role=role, tenant=tenant)
        rows = [plain(each) for each in found]
    session.output.rows(rows, ASSIGNMENT_COLUMNS, empty="nothing is assigned by name")


@verb(roles, "assign")
@click.argument("name")
@click.argument("role")
@kind_option
@tenant_option
def assign(session: Session, *, name: str, role: str, kind: str, tenant: str) -> None:
    """Give ROLE to all callers with this NAME, besides what their credentials bring."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        made = plain(client.access.assign(name, role, kind=kind, tenant=tenant))
    session.output.done(made, f"{kind} {name} is {role} {_where(made)}")


@verb(roles, "unassign")
@click.argument("name")
@click.argument("role")
@kind_option
@tenant_option
def unassign(session: Session, *, name: str, role: str, kind: str, tenant: str) -> None:
    """Take ROLE from callers with this NAME; what their credentials bring stays."""
    with session.client() as client:
        client.access.unassign(name, role, kind=kind, tenant=tenant)
    taken = {"kind": kind, "principal": name, "role": role, "tenant": tenant}
    session.output.done(taken, f"{kind} {name} is no longer {role} {_where(taken)} by assignment")
