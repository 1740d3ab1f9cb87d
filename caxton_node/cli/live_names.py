"""Names of what is there now, for completion: asked of the node while the user waits for the Tab key.

A shell that hangs or prints errors in the middle of a line is worse than one that completes nothing, so it is
silent whatever goes wrong, and gives up after `PATIENCE_S`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from caxton_node.cli.session import Session
    from caxton_node.client import Client

PATIENCE_S: Final = 0.3
NAMES_MAX: Final = 500

Lookup = Callable[["Client"], Iterable[str]]

LOOKUPS: Final[Mapping[str, Lookup]] = {
    "agents": lambda client: (found.name for found in client.agents.list()),
    "nodes": lambda client: (member.node_id for member in client.cluster.members()),
    "deployments": lambda client: (found.name for found in client.deployments.list()),
    "capabilities": lambda client: (found.name for found in client.agents.capabilities()),
    "tasks": lambda client: (found.task_id for found in client.tasks.list()),
}

_ANYWHERE: Final[Mapping[str, str]] = {
    "node": "nodes",
    "on_node": "nodes",
    "to": "agents",
    "agent": "agents",
    "agents": "agents",
    "contractors": "agents",
    "capability": "capabilities",
}
_IN_GROUP: Final[Mapping[tuple[str, str], str]] = {
    ("agent", "name"): "agents",
    ("kv", "name"): "agents",
    ("deployment", "name"): "deployments",
    ("capability", "name"): "capabilities",
    ("cluster", "target"): "nodes",
    ("task", "task"): "tasks",
}
"""What an argument means, by its name, and by the noun where the same name means different things."""


class LiveName(click.ParamType[str]):
    """A text whose completion is asked of the node.

    Args:
        kind: One of `LOOKUPS`, or `contexts`.
    """

    name = "text"

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def shell_complete(
        self,
        ctx: click.Context,
        param: click.Parameter,  # noqa: ARG002  the signature is click's
        incomplete: str,
    ) -> list[CompletionItem]:
        """List the names that begin with what is there."""
        from click.shell_completion import CompletionItem

        from caxton_node.cli.session import session_of

        names = dict.fromkeys(live_names(session_of(ctx), self.kind))
        return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def live_names(session: Session, kind: str, *, most: int = NAMES_MAX) -> list[str]:
    """Return up to so many names of one kind, or none of them when they cannot be had in time."""
    try:
        if kind == "contexts":
            return list(session.config.contexts)
        until = time.monotonic() + PATIENCE_S
        with session.client(timeout_s=PATIENCE_S) as client:
            found = takewhile(lambda _: time.monotonic() < until, LOOKUPS[kind](client))
            return list(islice(found, most))
    except Exception:  # noqa: BLE001  whatever it is, it must not appear in the middle of a command line
        return []


def offer_live_names(group: str, command: click.Command) -> None:
    """Let arguments and options of a verb complete by what is there, where their names say what they are."""
    for param in command.params:
        kind = _IN_GROUP.get((group, param.name or "")) or _ANYWHERE.get(param.name or "")
        if kind and param.type is click.STRING:
            param.type = LiveName(kind)
