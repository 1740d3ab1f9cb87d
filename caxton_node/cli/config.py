"""`caxton config`: the settings of a node."""

from __future__ import annotations

import json

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.session import Session, verb
from caxton_node.cli.settings_table import COLUMNS, setting_rows
from caxton_node.core.errors import NotFound

config = VerbGroup(
    name="config",
    aliases={"show": "get", "list": "get", "ls": "get"},
    help="Read the settings of a node.",
)


class SettingNotFound(NotFound):
    """There is no setting of this name."""

    code = "SETTING_NOT_FOUND"


@verb(config, "get")
@click.argument("key", default="")
@click.option("--node", default="", help="Which node. [default: the node that is asked]")
def get(session: Session, key: str, node: str) -> None:
    """Print the value of KEY, or the settings of a section, or all of them."""
    rows = setting_rows(session, node)
    exact = next((row for row in rows if row["key"] == key), None)
    if exact is not None:
        text = exact["value"] if isinstance(exact["value"], str) else json.dumps(exact["value"])
        session.output.done(exact, text)
        return
    section = [row for row in rows if row["key"].startswith(f"{key}.")] if key else rows
    if not section:
        raise _unknown(key, [row["key"] for row in rows])
    session.output.rows(section, COLUMNS, empty="")


def _unknown(key: str, known: list[str]) -> SettingNotFound:
    from difflib import get_close_matches

    close = get_close_matches(key, known, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]}?  " if close else ""
    return SettingNotFound(f"no setting {key}", hint=f"{meant}caxton config get lists them all")
