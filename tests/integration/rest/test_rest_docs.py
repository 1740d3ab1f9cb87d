"""Every example of docs/rest.md is run, in its order, against a node; what it shows is what comes."""

import asyncio
import json
import os
import re
from pathlib import Path

import pytest

from tests.support.api import founder

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"^```(sh|json)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
MARK = "--- the next example ---"
ANYTHING = "…"
PROBLEM = '{"type":"urn:caxton:error:'
LAST_OF_STREAM = '{"error":' + PROBLEM


async def test_the_examples_do_what_they_show(tmp_path):
    blocks = BLOCK.findall((ROOT / "docs" / "rest.md").read_text())
    scripts = [text for kind, text in blocks if kind == "sh"]
    async with founder(tmp_path / "n1", "n1", "limits.deploy_calls_per_min=0") as node:
        outputs = await run(node, scripts)
    assert len(outputs) == len(scripts)
    number = -1
    for (kind, text), following in zip(blocks, [*blocks[1:], ("sh", "")], strict=True):
        if kind == "json":
            last = outputs[number].strip().splitlines()[-1]
            assert_shown(json.loads(text), json.loads(last), scripts[number])
            continue
        number += 1
        assert scripts[number].startswith(":") or outputs[number].strip(), scripts[number]
        if following[0] == "sh":  # what fails is shown
            assert PROBLEM not in outputs[number].replace(LAST_OF_STREAM, ""), outputs[number]


async def test_there_is_an_example_of_each_method():
    text = (ROOT / "docs" / "rest.md").read_text()
    for word in ("-d '{", "-X PUT", "-X PATCH", "-X DELETE", "-X OPTIONS", "event-stream", "--unix-socket"):
        assert word in text


async def run(node, scripts):
    """Run scripts in one shell, as somebody would who reads on; return what each wrote."""
    whole = "shopt -s expand_aliases\nset -eu\n" + f"echo '{MARK}'\n".join(map(with_line_ends, scripts))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(node.data_dir),
        "CAXTON_DATA": str(node.data_dir),
        "CAXTON_REST": f"https://{node.daemon.listening()['rest']}",
        "CAXTON_TOKEN": node.admin_token,
    }
    process = await asyncio.create_subprocess_exec(
        "bash", cwd=ROOT, env=environment, stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(process.communicate(whole.encode()), 60)
    assert (process.returncode, err) == (0, b""), (out.decode()[-2000:], err.decode())
    return out.decode().split(f"{MARK}\n")


def with_line_ends(script):
    """Let each answer end its line, so that the last one can be told from those before."""
    return re.sub(r"^( *)(api|curl) (?!-o)", r"\1\2 -w '\\n' ", script, flags=re.MULTILINE)


def assert_shown(shown, real, example):
    """Compare what the page shows with what came, of which it may leave out parts."""
    if shown == ANYTHING:
        return
    if isinstance(shown, dict):
        assert isinstance(real, dict), example
        for name, value in shown.items():
            assert name in real, (name, example)
            assert_shown(value, real[name], example)
    elif isinstance(shown, list):
        for one, other in zip(shown, real, strict=True):
            assert_shown(one, other, example)
    else:
        assert shown == real, example
