"""`caxton`: the command line of operators and developers. `NOUNS` is what it can do."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

from caxton_node.cli.failure import run
from caxton_node.cli.groups import Entry, LazyGroup
from caxton_node.cli.session import Session, session_of, shared_options

NOUNS = {
    "agent": Entry(
        "Deploy agents and drive them through their life.", "caxton_node.cli.agent:agent", ("agents",)
    ),
    "message": Entry(
        "Send messages to agents and follow them.", "caxton_node.cli.message:message", ("messages", "msg")
    ),
    "task": Entry("Have work done by whoever offers it best.", "caxton_node.cli.task:task", ("tasks",)),
    "deployment": Entry(
        "Run an agent on several nodes, and let it outlive them.",
        "caxton_node.cli.deployment:deployment",
        ("deployments",),
    ),
    "capability": Entry(
        "Find out what agents offer.", "caxton_node.cli.capability:capability", ("capabilities", "cap")
    ),
    "cluster": Entry(
        "See who is a member, and let a node go.", "caxton_node.cli.cluster:cluster", ("clusters",)
    ),
    "security": Entry(
        "See certificates, keys, roles and audit records; cut nodes off, change the CA.",
        "caxton_node.cli.security:security",
        ("sec",),
    ),
    "module": Entry(
        "Send modules to a node, list them, and read them.", "caxton_node.cli.module:module", ("modules",)
    ),
    "queue": Entry("Look at waiting and undeliverable messages.", "caxton_node.cli.queue:queue", ("queues",)),
    "server": Entry(
        "Ask a node for its health and settings.", "caxton_node.cli.server:server", ("servers", "node")
    ),
    "limit": Entry("See and change how much clients may ask.", "caxton_node.cli.limit:limit", ("limits",)),
    "config": Entry("Read the settings of a node.", "caxton_node.cli.config:config", ("settings",)),
    "backup": Entry(
        "Back up a node's database, and look at backups.", "caxton_node.cli.backup:backup", ("backups",)
    ),
    "context": Entry(
        "Name clusters, and choose the one that is meant.",
        "caxton_node.cli.context:context",
        ("contexts", "ctx"),
    ),
    "interactive": Entry(
        "Type commands one after another, with history and completion.",
        "caxton_node.cli.interactive:interactive",
        ("shell", "repl"),
    ),
    "completion": Entry("Print the completion script for a shell.", "caxton_node.cli.completion:completion"),
    "version": Entry("Print the version.", "caxton_node.cli.version:version"),
}


@click.pass_context
def begin(ctx: click.Context) -> int | None:
    """Show what to do next when no noun was given."""
    if ctx.invoked_subcommand is not None:
        return None
    from caxton_node.cli.quick_start import show_quick_start

    return show_quick_start(session_of(ctx))


caxton = LazyGroup(
    name="caxton",
    entries=NOUNS,
    callback=begin,
    invoke_without_command=True,
    params=[*shared_options()],
    help="""Caxton: agents that talk, on nodes that find each other.

    Say a noun and a verb: `caxton agent list`. Without an endpoint it talks to the node on this machine
    through its Unix socket, which needs no token.
    """,
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(args: Sequence[str] | None = None) -> None:
    """Run `caxton` and leave the process with its exit code."""
    sys.exit(run(caxton, "caxton", args, obj=Session()))


if __name__ == "__main__":
    main()
