"""Real shells complete the names of what really runs."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.api import Node, call
from tests.support.cli import ROOT, caxton
from tests.support.terminal import on_terminal

pytestmark = [pytest.mark.story("008"), pytest.mark.asyncio(loop_scope="session")]

BASH = """
eval "$(caxton completion bash)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_caxton_completion caxton
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
PROGRAM = """#!{python}
from caxton_node.cli import live_names
live_names.PATIENCE_S = 20.0  # what a user waits for is not what is looked at here
from caxton_node.cli.main import main
main()
"""
FISH = """
caxton completion fish | source
complete -C 'caxton {words}'
"""


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def node(nodes: tuple[Node, Node]) -> AsyncIterator[Node]:
    """Return the founder, with two agents."""
    first = nodes[0]
    module = (ROOT / "sdk" / "wat" / "echo.wat").read_bytes()
    for name in ("price-checker", "price-watcher"):
        await call(first.local, lambda client, name=name: client.agents.deploy(name, module))
    yield first
    for name in ("price-checker", "price-watcher"):
        await call(first.local, lambda client, name=name: client.agents.undeploy(name))


def environment(node: Node, tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "bin"
    folder.mkdir(exist_ok=True)
    program = folder / "caxton"
    program.write_text(PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "CAXTON_DATA_DIR": str(node.data_dir),
        "PYTHONPATH": str(ROOT),
    }


def need(shell: str) -> None:
    """Go on only where a shell is installed; without it this fails in CI, and is left out elsewhere."""
    if shutil.which(shell) is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{shell} is not installed")


def complete(shell: list[str], script: str, environ: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [*shell, script], env=environ, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stderr == ""
    return [line.split("\t")[0] for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("words", "offers"),
    [
        ("caxton agent get price", ["price-checker", "price-watcher"]),
        ("caxton message send --to price-w", ["price-watcher"]),
        ("caxton agent list --node n", ["n1", "n2"]),
        ("caxton agent res", ["restart"]),
        ("caxton agent get nobody", [""]),
    ],
)
async def test_bash_completes_what_is_there(node, tmp_path, words, offers):
    script = BASH.format(words=words)
    found = await asyncio.to_thread(complete, ["bash", "-c"], script, environment(node, tmp_path))
    assert found == offers


async def test_fish_completes_what_is_there(node, tmp_path):
    need("fish")
    script = FISH.format(words="agent get price")
    found = await asyncio.to_thread(complete, ["fish", "-c"], script, environment(node, tmp_path))
    assert found == ["price-checker", "price-watcher"]


async def test_zsh_completes_what_is_there(node, tmp_path):
    need("zsh")

    def press_tab() -> None:
        with on_terminal(["zsh", "-f", "-i"], {**environment(node, tmp_path), "PS1": "ready> "}) as screen:
            screen.wait_for("ready> ")
            screen.type(
                'autoload -Uz compinit && compinit -u && eval "$(caxton completion zsh)" && echo se""t\r'
            )
            screen.wait_for("set")
            screen.type("caxton agent get price-w\t")
            screen.wait_for("price-watcher")

    await asyncio.to_thread(press_tab)


@pytest.mark.parametrize("toolkit", ["1", ""], ids=["prompt_toolkit", "readline"])
async def test_the_interactive_command_line_completes_and_goes_on_after_errors(node, tmp_path, toolkit):
    environ = {**environment(node, tmp_path), "CAXTON_PLAIN_PROMPT": "" if toolkit else "1"}

    def sit_down() -> None:
        with on_terminal(["caxton", "interactive"], environ) as screen:
            screen.wait_for("caxton (n1)>")
            screen.type("agent get price-w\t")
            screen.wait_for("atcher")
            screen.type("\r")
            screen.wait_for("Running")
            screen.type("agent get price-watchr\r")
            screen.wait_for("did you mean price-watcher")
            screen.type("-o json\r")
            screen.type("agent get price-checker\r")
            screen.wait_for('"state": "Running"')
            screen.type("exit\r")

    await asyncio.to_thread(sit_down)
    assert "agent get price-watchr" in (tmp_path / ".local/state/caxton/history").read_text()


HEADS = {
    "bash": "_caxton_completion()",
    "fish": "complete --no-files --command caxton",
    "zsh": "#compdef caxton",
}


@pytest.mark.parametrize("shell", HEADS)
async def test_the_script_is_for_the_shell_that_was_named(shell):
    """The text alone, which needs no shell."""
    done = await asyncio.to_thread(caxton, "completion", shell)
    assert (done.code, HEADS[shell] in done.out) == (0, True)


@pytest.mark.parametrize("shell", HEADS)
async def test_the_shell_takes_its_script_for_sound(shell):
    need(shell)
    script = (await asyncio.to_thread(caxton, "completion", shell)).out
    checked = await asyncio.to_thread(
        subprocess.run, [shell, "-n"], input=script, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


async def test_completion_is_silent_and_quick_when_no_node_answers(node, tmp_path):
    environ = {**environment(node, tmp_path), "CAXTON_DATA_DIR": str(tmp_path)}
    found = await asyncio.to_thread(
        complete, ["bash", "-c"], BASH.format(words="caxton agent get p"), environ
    )
    assert found == [""]
