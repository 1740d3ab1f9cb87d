"""The example clients in three languages, generated, built, and run against a real node over TLS."""

from __future__ import annotations

import asyncio
import fcntl
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.support.api import founder

pytestmark = [pytest.mark.story("006"), pytest.mark.timeout(300)]
ROOT = Path(__file__).parents[2]
CLIENTS = ROOT / "sdk" / "clients"
ECHO = ROOT / "sdk" / "wat" / "echo.wat"
PROGRAMS: dict[str, Sequence[str]] = {
    "python": (sys.executable, str(CLIENTS / "python" / "example.py")),
    "go": (str(CLIENTS / "go" / "build" / "caxton-example"),),
    "typescript": ("node", str(CLIENTS / "typescript" / "build" / "src" / "example.js")),
}
NEEDS = {"python": (), "go": ("go",), "typescript": ("node", "npm")}

spec = importlib.util.spec_from_file_location("caxton_clients_build", CLIENTS / "build.py")
assert spec is not None
assert spec.loader is not None
build = importlib.util.module_from_spec(spec)
spec.loader.exec_module(build)


def built(language: str) -> Sequence[str]:
    """Generate and build one of them; without its tools this fails in CI, and is left out elsewhere."""
    lacking = [tool for tool in NEEDS[language] if shutil.which(tool) is None]
    if lacking:
        why = f"install {' and '.join(lacking)}: see sdk/clients/{language}/README.md"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    with (CLIENTS / ".building").open("w") as lock:  # another run of the tests may be building it
        fcntl.flock(lock, fcntl.LOCK_EX)
        build.build(language)
    return PROGRAMS[language]


@pytest.mark.parametrize("language", PROGRAMS)
async def test_a_generated_client_lists_deploys_talks_and_watches(language, tmp_path):
    program = await asyncio.to_thread(built, language)
    async with founder(tmp_path / "n1") as node:
        words = ["--endpoint", node.grpc, "--ca", str(tmp_path / "n1" / "certs" / "ca.crt")]
        command = [*program, *words, "--token", node.admin_token, "--module", str(ECHO), "--name", "example"]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:2] == ["agents: 0", "deployed: example AGENT_STATE_RUNNING"]
    assert said[2:5] == ["reply: 0", "reply: 1", "reply: 2"]
    assert next(line for line in said if line.startswith("event: ")) == "event: request"
    assert sum(line.startswith("event: ") for line in said) == 3
    assert any(line.startswith("error: AGENT_NOT_FOUND: no agent nobody") for line in said)
    assert said[-1] == "undeployed"
