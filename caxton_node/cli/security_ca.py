"""`caxton security ca`: the authority that signs certificates, and putting another one in its place."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.security_sheet import CA_COLUMNS, ca_row, short, span
from caxton_node.cli.session import Session, verb

if TYPE_CHECKING:
    from caxton_node.pb.security_pb2 import AuthorityStep

STEPS = ("announce", "switch", "renew", "retire", "abandon")
_DONE = {
    "announce": "a new CA is trusted by {done} of {all} members; {primary} goes on signing",
    "switch": "{primary} signs, as {done} of {all} members know",
    "renew": "{done} of {all} members show a certificate of {primary}",
    "retire": "{done} of {all} members trust {primary} alone",
    "abandon": "{done} of {all} members have forgotten the new CA; {primary} signs as before",
}
_STAGES = {
    "settled": "settled: one CA is trusted, and it signs",
    "announced": "a new CA is trusted and does not sign yet: rotate goes on, --step abandon goes back",
    "switched": "the new CA signs, the old one is still trusted: rotate goes on",
}

ca = VerbGroup(
    name="ca",
    aliases={"show": "status", "list": "status", "change": "rotate"},
    help="See the CA that signs certificates, and put another one in its place.",
)


@verb(ca, "status")
def status(session: Session) -> None:
    """Show which CAs are trusted, who holds their keys, and where a change of the CA stands."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        facts = plain(client.security.authorities())
    if session.output.for_programs:
        session.output.data(facts)
        return
    now = time.time()
    session.output.line(_STAGES.get(facts["stage"], facts["stage"]))
    rows = [ca_row(each, now) for each in facts["authorities"]]
    session.output.rows(rows, CA_COLUMNS, empty="no CA")
    behind = [node["node"] for node in facts["nodes"] if node["trust_revision"] != facts["trust_revision"]]
    if behind:
        click.echo(f"warning: not as the latest change left it: {', '.join(behind)}", err=True)
    if not any(each["holders"] for each in facts["authorities"] if each["signs"]):
        click.echo("warning: no live member holds the key of the CA that signs: nobody can join", err=True)


@verb(ca, "rotate")
@click.option("--step", type=click.Choice(STEPS), default=None, help="Only this step. [default: all]")
@click.option(
    "--force",
    is_flag=True,
    help="Go on without members that are away or have not followed; they are cut off.",
)
def rotate(session: Session, step: str | None, force: bool) -> None:
    """Put a new CA in the place of the one that signs: announce, switch, renew, retire.

    Each step is confirmed by every live member before the next begins. If one does not answer, or a member is
    away, it stops where everything works, and goes on when it is given again.

    It is for a CA that ends, or whose key may have been seen. Who has the old key can follow the change: if
    it was stolen, make the CA anew with all nodes stopped, see docs/runbooks/certificates.md.
    """
    with session.client() as client:
        _tell(session, client.security.rotate_authority(step=step or "", force=force))


def _tell(session: Session, steps: Iterable[AuthorityStep]) -> None:
    from caxton_node.client.plain import plain

    for each in steps:
        step = plain(each)
        nodes: Sequence[dict[str, Any]] = step["nodes"]
        done = sum(not node["error"] for node in nodes)
        line = _DONE[step["step"]].format(done=done, all=len(nodes), primary=f"CA {short(step['primary'])}")
        session.output.event(step, line)
        if not session.output.for_programs:
            now = time.time()
            for node in nodes:
                session.output.line(f"  {node['node']}  {node['error'] or _stand(node, now)}")


def _stand(node: dict[str, Any], now_s: float) -> str:
    trusts = ", ".join(short(each) for each in node["authorities"])
    left = span(node["not_after_unix_s"] - now_s)
    return f"certificate of {short(node['issuer'])} for {left}, trusts {trusts}"
