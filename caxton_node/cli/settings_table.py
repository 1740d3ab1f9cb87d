"""The settings in force on a node, as a table."""

from __future__ import annotations

import json
from typing import Any

from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session

COLUMNS = (
    column("SETTING", "key"),
    Column("VALUE", lambda row: json.dumps(row["value"], ensure_ascii=False)),
    column("UNIT", "unit"),
    Column("DEFAULT", lambda row: json.dumps(row["default"], ensure_ascii=False), wide=True),
    column("RELOADABLE", "reloadable", wide=True),
    column("HELP", "help", wide=True),
)


def setting_rows(session: Session, node: str) -> list[dict[str, Any]]:
    """Ask a node for all of its settings."""
    with session.client() as client:
        found = client.server.config(node=node)
    return [
        {
            "key": setting.key,
            "value": json.loads(setting.value_json),
            "unit": setting.unit,
            "default": json.loads(setting.default_json),
            "reloadable": setting.reloadable,
            "help": setting.help,
        }
        for setting in found
    ]
