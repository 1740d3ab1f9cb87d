"""`caxton-node`: the daemon and what is done beside it: found or join a cluster, tokens, certificates."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from caxton_node.cli.failure import run
from caxton_node.cli.groups import Entry, LazyGroup

VERBS = {
    "init": Entry(
        "Make a cluster of one: CA, certificate, gossip key, admin token.", "caxton_node.cli.enter:init"
    ),
    "join": Entry("Join a cluster through one of its nodes, and run.", "caxton_node.cli.enter:join"),
    "run": Entry("Run the node in the foreground.", "caxton_node.cli.daemon:run_node", ("start", "serve")),
    "token": Entry("Print a join token for further nodes.", "caxton_node.cli.token:token", ("tokens",)),
    "certs": Entry(
        "Look at the node's certificates, renew them, issue them offline.",
        "caxton_node.cli.certificates:certs",
        ("cert",),
    ),
    "backup": Entry(
        "Restore a backup, and look at backups, of a node that does not run.",
        "caxton_node.cli.backup_offline:backup",
        ("backups",),
    ),
    "salvage": Entry(
        "Read what can still be read of a damaged database.", "caxton_node.cli.backup_offline:salvage"
    ),
    "audit": Entry("Check an audit log without a node.", "caxton_node.cli.audit_offline:audit"),
    "leave": Entry("Say goodbye to the cluster and stop the node.", "caxton_node.cli.token:leave"),
    "simulate": Entry(
        "Play a story with a cluster of any size, in virtual time.", "caxton_node.cli.simulate:simulate"
    ),
    "version": Entry("Print the version.", "caxton_node.cli.version:version"),
}

program = LazyGroup(
    name="caxton-node",
    entries=VERBS,
    help="""The Caxton daemon.

    \b
    First node:    caxton-node init && caxton-node run
    A token for others, on a running node:  caxton-node token
    Every further node:  caxton-node join HOST:50051 --token TOKEN
    """,
    epilog="Exit codes: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main(args: Sequence[str] | None = None) -> None:
    """Run `caxton-node` and leave the process with its exit code."""
    sys.exit(run(program, "caxton-node", args))


if __name__ == "__main__":
    main()
