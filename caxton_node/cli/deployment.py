"""`caxton deployment`: run an agent on several nodes, and let it outlive them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.agent_options import (
    config_of,
    config_options,
    engine_options,
    limit_options,
    limits_of,
    message_options,
    state_options,
    terms_of,
)
from caxton_node.cli.deployment_options import EVERYWHERE, Replicas, placement_options
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.module_argument import Module, ModuleArgument
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration

if TYPE_CHECKING:
    from caxton_node.client import Client
    from caxton_node.pb import deployments_pb2

EXIT_NOT_RUNNING = 1
LOOK_EVERY_S = 0.2

deployment = VerbGroup(
    name="deployment",
    aliases={
        "ls": "list",
        "show": "get",
        "inspect": "get",
        "rm": "delete",
        "remove": "delete",
        "set": "update",
        "follow": "watch",
    },
    help="Run an agent on several nodes, and let it outlive them.",
)
wait_option = click.option(
    "--wait", type=Duration(), default=0.0, help="Wait until it runs as wanted, at most so long, such as 30s."
)


@verb(deployment, "create")
@click.argument("file", type=ModuleArgument())
@click.option("--name", default="", help="Name of the deployment and its agents. [default: that of the file]")
@click.option("--version", default="", help="Version of the agent. [default: 1.0.0]")
@click.option(
    "--replicas", "-n", type=Replicas(), default="1", help="How many nodes run it, or all. [default: 1]"
)
@placement_options
@limit_options
@engine_options
@click.option("--seed", type=Count(2**64 - 1), help="Make it deterministic, with this seed.")
@state_options
@message_options
@config_options
@click.option(
    "--capability", "capabilities", multiple=True, help="Capability that it may register; repeatable."
)
@click.option("--manage", "manages", multiple=True, help="Agents that it may manage, as work*; repeatable.")
@wait_option
def create(
    session: Session,
    *,
    file: Module,
    name: str,
    version: str,
    replicas: int,
    constraints: tuple[str, ...],
    spread: str | None,
    consistency: str | None,
    capabilities: tuple[str, ...],
    manages: tuple[str, ...],
    seed: int | None,
    wait: float,
    **options: Any,  # noqa: ANN401  those that verbs share
) -> int:
    """Let the cluster run FILE on so many nodes, also when nodes die and return.

    FILE is a .wasm or .wat, or sha256:DIGEST for a module that any node of the cluster has. With --wait the
    exit code is 1 if it does not run as wanted in time.
    """
    with session.client() as client:
        made = client.deployments.create(
            name or file.name,
            file.binary,
            module_sha256=file.sha256,
            version=version,
            replicas=None if replicas == EVERYWHERE else replicas,
            constraints=constraints,
            spread=spread or "",
            consistency=consistency or "",
            capabilities=capabilities,
            manages=manages,
            seed=seed,
            **terms_of(options),
        )
        return _say(session, client, made, wait)


@verb(deployment, "update")
@click.argument("name")
@click.argument("file", type=ModuleArgument(), required=False)
@click.option("--version", default="", help="Another version.")
@click.option("--replicas", "-n", type=Replicas(), default=None, help="Another number of nodes, or all.")
@placement_options
@click.option("--no-constraint", is_flag=True, help="Lift all constraints.")
@limit_options
@engine_options
@click.option("--no-wasm-feature", is_flag=True, help="Allow it nothing beyond MVP WebAssembly.")
@state_options
@message_options
@config_options
@click.option(
    "--capability", "capabilities", multiple=True, help="Capability that it may register; repeatable."
)
@click.option("--any-capability", is_flag=True, help="Let it register any capability.")
@click.option("--manage", "manages", multiple=True, help="Agents that it may manage, as work*; repeatable.")
@click.option("--manage-nobody", is_flag=True, help="Let it manage no other agent.")
@wait_option
def update(
    session: Session,
    *,
    name: str,
    file: Module | None,
    version: str,
    replicas: int | None,
    constraints: tuple[str, ...],
    no_constraint: bool,
    spread: str | None,
    consistency: str | None,
    no_wasm_feature: bool,
    capabilities: tuple[str, ...],
    any_capability: bool,
    manages: tuple[str, ...],
    manage_nobody: bool,
    wait: float,
    **options: Any,  # noqa: ANN401  those that verbs share
) -> int:
    """Change NAME; its replicas follow one node after the other.

    What is not given stays; --config changes one setting, --config-file all of them. A version that does not
    come up on the first node is tried on no other.
    """
    features = options["wasm_features"]
    with session.client() as client:
        config = None
        if options["pairs"] or options["config_file"]:
            config = config_of(options, _config_before(client, name))
        changed = client.deployments.update(
            name,
            module=file.binary if file else b"",
            module_sha256=file.sha256 if file else "",
            version=version,
            replicas=replicas or None,
            everywhere=replicas == EVERYWHERE,
            constraints=constraints if constraints or no_constraint else None,
            spread=spread,
            consistency=consistency or "",
            limits=limits_of(options),
            config=config,
            capabilities=capabilities if capabilities or any_capability else None,
            manages=manages if manages or manage_nobody else None,
            cpu=options["cpu"] or "",
            wasm_features=features if features or no_wasm_feature else None,
            keeping=options["keep"] or "",
            checkpoint_every_s=options["checkpoint_every"],
            batching=options["batching"] or "",
            protocols=options["protocols"] or "",
            on_conflict=options["on_conflict"] or "",
        )
        return _say(session, client, changed, wait)


@verb(deployment, "scale")
@click.argument("name")
@click.argument("replicas", type=Replicas())
@wait_option
def scale(session: Session, name: str, replicas: int, wait: float) -> int:
    """Let REPLICAS nodes run NAME, or all."""
    with session.client() as client:
        changed = client.deployments.update(
            name, replicas=replicas or None, everywhere=replicas == EVERYWHERE
        )
        return _say(session, client, changed, wait)


@verb(deployment, "list")
def list_deployments(session: Session) -> None:
    """List the deployments of the cluster."""
    from caxton_node.cli.deployment_sheet import COLUMNS
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(found) for found in client.deployments.list()]
    empty = "no deployments; make one with: caxton deployment create FILE --replicas 3"
    session.output.rows(rows, COLUMNS, empty=empty)


@verb(deployment, "get")
@click.argument("name")
def get(session: Session, name: str) -> None:
    """Show NAME: what is wanted, where it runs, and why not where it does not."""
    from caxton_node.cli.deployment_sheet import show_deployment
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = client.deployments.get(name)
    show_deployment(session.output, plain(found))


@verb(deployment, "delete")
@click.argument("name")
def delete(session: Session, name: str) -> None:
    """Drain and remove all replicas of NAME."""
    with session.client() as client:
        nodes = list(client.deployments.delete(name))
    where = f"; its replicas on {', '.join(nodes)} drain" if nodes else ""
    session.output.done({"name": name, "nodes": nodes}, f"{name} is deleted{where}")


@verb(deployment, "watch")
@click.argument("name")
def watch(session: Session, name: str) -> None:
    """Follow NAME: a line whenever something about it changes, until it is deleted."""
    from caxton_node.cli.deployment_sheet import event_line
    from caxton_node.client.plain import plain

    with session.client() as client:
        for event in client.deployments.watch(name):
            row = plain(event)
            session.output.event(row, event_line(name, row))


def _say(session: Session, client: Client, made: deployments_pb2.Deployment, wait_s: float) -> int:
    """Say how a deployment is, now or when it runs as wanted; return the exit code."""
    from caxton_node.cli.deployment_sheet import RUNNING, summary
    from caxton_node.client.plain import plain

    row, until = plain(made), time.monotonic() + wait_s
    while row["phase"] != RUNNING and time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        row = plain(client.deployments.get(made.name))
    session.output.done(row, summary(row))
    return 0 if not wait_s or row["phase"] == RUNNING else EXIT_NOT_RUNNING


def _config_before(client: Client, name: str) -> dict[str, object]:
    from caxton_node.client.plain import plain

    config: dict[str, object] = plain(client.deployments.get(name))["detail"].get("config", {})
    return config
