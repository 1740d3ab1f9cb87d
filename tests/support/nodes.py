"""Real nodes for end-to-end tests: real processes, started and asked through the two command lines."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from caxton_node.devkit.demo.nodes import BIN, DemoNode

ROOT = Path(__file__).parents[2]
ECHO = ROOT / "sdk" / "wat" / "echo.wat"
EXAMPLES = ROOT / "sdk" / "rust" / "examples"


Done = subprocess.CompletedProcess[str]


def run(program: str, *words: object, env: dict[str, str] | None = None) -> Done:
    """Run one of the two commands to its end, whatever its exit code."""
    command = [str(BIN / program), *map(str, words)]
    environment = {**os.environ, "NO_COLOR": "1", **(env or {})}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)


def caxton(
    node: DemoNode, *words: object, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `caxton` against one node through its socket."""
    return run("caxton", "--data-dir", node.data_dir, *words, env=env)


def caxton_node(*words: object, env: dict[str, str] | None = None) -> Done:
    """Run `caxton-node` to its end."""
    return run("caxton-node", *words, env=env)


def found(node: DemoNode) -> str:
    """Let a node found a cluster and run; return the admin token."""
    words = ["--data-dir", node.data_dir, "--node-id", node.node_id, "--cluster", "test", "-o", "json"]
    made = caxton_node("init", *words)
    assert made.returncode == 0, made.stderr
    node.start()
    node.wait_ready()
    token: str = json.loads(made.stdout)["admin_token"]
    return token


def join(node: DemoNode, seed: DemoNode) -> None:
    """Let a node join through a seed and run."""
    invite(node, seed)
    node.start()
    node.wait_ready()


def invite(node: DemoNode, seed: DemoNode) -> None:
    """Let a node join through a seed without starting it."""
    token = caxton_node("token", "--data-dir", seed.data_dir, "--quiet").stdout.strip()
    words = ["--token", token, "--data-dir", node.data_dir, "--node-id", node.node_id, "--no-run"]
    joined = caxton_node("join", f"127.0.0.1:{seed.grpc_port}", *words)
    assert joined.returncode == 0, joined.stderr
