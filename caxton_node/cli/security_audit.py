"""`caxton security audit`: what was done and refused, and whether the log of it is whole."""

from __future__ import annotations

import time

import click

from caxton_node.cli.audit_sheet import RECORD_COLUMNS, show_verdict
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration

audit = VerbGroup(
    name="audit",
    aliases={"ls": "list", "log": "list", "check": "verify"},
    help="Read the audit log of a node, and check that it is whole.",
)
node_option = click.option("--node", default="", help="Whose log. [default: of the node that is asked]")


@verb(audit, "list")
@node_option
@click.option("--since", type=Duration(), help="Only the last so much time, such as 2h.")
@click.option("--name", "principal", default="", help="Only calls of this caller.")
@click.option("--operation", default="", help="Only this operation.")
@click.option("--outcome", default="", help="Only these: OK, FORBIDDEN, ...; or denied.")
@click.option("--subject", default="", help="Only what was about this.")
@click.option("--tenant", default="", help="Only what touched this tenant.")
@click.option("--trace", default="", help="Only this trace id.")
@click.option("--limit", type=Count(), default=50, help="At most so many. [default: 50]")
def list_records(
    session: Session,
    *,
    node: str,
    since: float | None,
    principal: str,
    operation: str,
    outcome: str,
    subject: str,
    tenant: str,
    trace: str,
    limit: int,
) -> None:
    """List the latest records, the newest first."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = client.access.audit_records(
            limit=limit,
            node=node,
            since_unix_ms=0 if since is None else max(0, round((time.time() - since) * 1000)),
            principal=principal,
            operation=operation,
            outcome=outcome,
            subject=subject,
            tenant=tenant,
            trace_id=trace,
        )
        rows = [plain(record) for record in found]
    session.output.rows(rows, RECORD_COLUMNS, empty="no records")


@verb(audit, "verify")
@node_option
def verify(session: Session, node: str) -> None:
    """Walk through the log of a node and tell where it is not as it was written."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        verdict = plain(client.access.verify_audit(node=node))
    show_verdict(session.output, verdict)
