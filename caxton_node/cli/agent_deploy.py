"""Verbs of `caxton agent` that take a module: deploy, update, validate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from caxton_node.cli.agent_group import agent, node_option, row_of, say_state
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
from caxton_node.cli.module_argument import Module, ModuleArgument
from caxton_node.cli.patience import patience
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration

EXIT_FAILED = 1


@verb(agent, "deploy")
@click.argument("file", type=ModuleArgument())
@click.option("--name", default="", help="Name of the agent. [default: the name of the file]")
@click.option("--version", default="", help="Version of the agent. [default: 1.0.0]")
@click.option("--node", default="", help="Node that shall run it. [default: the node that is asked]")
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
@click.option("--no-start", is_flag=True, help="Leave it Loaded.")
def deploy(
    session: Session,
    *,
    file: Module,
    name: str,
    version: str,
    node: str,
    capabilities: tuple[str, ...],
    manages: tuple[str, ...],
    no_start: bool,
    seed: int | None,
    **options: Any,  # noqa: ANN401  those that verbs share
) -> None:
    """Validate FILE and start it as an agent.

    FILE is a .wasm or .wat, or sha256:DIGEST for a module that any node of the cluster has.
    """
    with patience(f"deploying {file.described}") as progress, session.client() as client:
        answer = client.agents.deploy(
            name or file.name,
            file.binary,
            progress=progress,
            module_sha256=file.sha256,
            version=version,
            node=node,
            capabilities=capabilities,
            do_not_start=no_start,
            seed=seed,
            manages=manages,
            **terms_of(options),
        )
    after = f" after {answer.elapsed_us / 1000:.0f} ms"
    say_state(session, answer.agent, more=after, elapsed_us=answer.elapsed_us)


@verb(agent, "update")
@click.argument("name")
@click.argument("file", type=ModuleArgument(), required=False)
@node_option
@click.option("--version", default="", help="Another version.")
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
@click.option("--manage-nobody", is_flag=True, help="Let it manage nobody.")
@click.option(
    "--drain", type=Duration(), default=0.0, help="How long an old version may finish. [default: 30s]"
)
def update(
    session: Session,
    *,
    name: str,
    file: Module | None,
    node: str,
    version: str,
    no_wasm_feature: bool,
    capabilities: tuple[str, ...],
    any_capability: bool,
    manages: tuple[str, ...],
    manage_nobody: bool,
    drain: float,
    **options: Any,  # noqa: ANN401  those that verbs share
) -> None:
    """Change NAME while it runs: limits, module, config.

    For a new FILE, version, config, cpu or features a new instance takes over; the rest changes at once. What
    is not given stays; --config changes one setting, --config-file all of them.
    """
    features = options["wasm_features"]
    doing = f"updating {name}" + (f" to {file.described}" if file else "")
    with patience(doing) as progress, session.client() as client:
        config = None
        if options["pairs"] or options["config_file"]:
            before = row_of(client.agents.get(name, node=node))["detail"].get("config", {})
            config = config_of(options, before)
        answer = client.agents.update(
            name,
            progress=progress,
            node=node,
            module=file.binary if file else b"",
            module_sha256=file.sha256 if file else "",
            version=version,
            limits=limits_of(options),
            config=config,
            capabilities=capabilities if capabilities or any_capability else None,
            cpu=options["cpu"] or "",
            wasm_features=features if features or no_wasm_feature else None,
            keeping=options["keep"] or "",
            checkpoint_every_s=options["checkpoint_every"],
            batching=options["batching"] or "",
            protocols=options["protocols"] or "",
            on_conflict=options["on_conflict"] or "",
            manages=manages if manages or manage_nobody else None,
            drain_s=drain,
        )
    after = f", changed after {answer.elapsed_us / 1000:.0f} ms"
    say_state(session, answer.agent, more=after, elapsed_us=answer.elapsed_us)


@verb(agent, "validate")
@click.argument("file", type=ModuleArgument())
@click.option("--node", default="", help="Node that shall try it. [default: the node that is asked]")
@limit_options
@engine_options
@config_options
def validate(
    session: Session,
    *,
    file: Module,
    node: str,
    **options: Any,  # noqa: ANN401  those that verbs share
) -> int:
    """Try FILE without deploying it; exit code 1 if it fails."""
    from caxton_node.cli.agent_report import show_report
    from caxton_node.client.plain import plain

    with patience(f"trying {file.described}"), session.client() as client:
        answer = client.agents.validate(
            file.binary,
            module_sha256=file.sha256,
            node=node,
            limits=limits_of(options),
            config=config_of(options),
            cpu=options["cpu"] or "",
            wasm_features=options["wasm_features"],
        )
    show_report(session.output, Path(file.text).name, plain(answer))
    return 0 if answer.passed else EXIT_FAILED
