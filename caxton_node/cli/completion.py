"""Completion scripts: `eval "$(caxton completion bash)"`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.option("--program", type=click.Choice(["caxton", "caxton-node"]), default="caxton", show_default=True)
def completion(shell: str, program: str) -> None:
    r"""Print the completion script for a shell.

    \b
    bash: eval "$(caxton completion bash)"                           in ~/.bashrc
    zsh:  eval "$(caxton completion zsh)"                            in ~/.zshrc
    fish: caxton completion fish > ~/.config/fish/completions/caxton.fish
    """
    kind = get_completion_class(shell)
    assert kind is not None, "click knows every shell of SHELLS"
    command = click.get_current_context().find_root().command
    variable = f"_{program.replace('-', '_').upper()}_COMPLETE"
    click.echo(kind(command, {}, program, variable).source())
