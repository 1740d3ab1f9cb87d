"""Every verb that reads, in every form: JSON is valid, YAML loads to the same, tables are plain text."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import redirect_stderr, redirect_stdout

import pytest
import pytest_asyncio
import yaml

from caxton_node.cli.failure import run
from caxton_node.cli.main import caxton
from tests.support.api import Node, call
from tests.support.cli import ROOT, Done
from tests.support.reach import operations_of
from tests.support.verbs import all_verbs

pytestmark = [pytest.mark.story("008"), pytest.mark.asyncio(loop_scope="session")]

WORDS = {
    "agent list": ["agent", "list"],
    "agent get": ["agent", "get", "forms"],
    "agent inspect": ["agent", "inspect", "forms"],
    "agent history": ["agent", "history", "forms"],
    "agent kv list": ["agent", "kv", "list", "forms"],
    "message conversation": ["message", "conversation"],
    "message dead list": ["message", "dead", "list"],
    "task list": ["task", "list"],
    "deployment list": ["deployment", "list"],
    "capability list": ["capability", "list"],
    "capability find": ["capability", "find"],
    "cluster members": ["cluster", "members"],
    "cluster status": ["cluster", "status"],
    "cluster events": ["cluster", "events"],
    "cluster partition": ["cluster", "partition"],
    "cluster peers": ["cluster", "peers"],
    "cluster conflicts": ["cluster", "conflicts"],
    "cluster registry": ["cluster", "registry"],
    "cluster keys list": ["cluster", "keys", "list"],
    "security certs": ["security", "certs"],
    "security revocations": ["security", "revocations"],
    "security ca status": ["security", "ca", "status"],
    "queue stats": ["queue", "stats"],
    "server status": ["server", "status"],
    "server check": ["server", "check"],
    "server config": ["server", "config", "grpc"],
    "server metrics": ["server", "metrics", "caxton_agents"],
    "config get": ["config", "get", "grpc"],
    "backup list": ["backup", "list"],
}
"""Words for verbs that only read; those with an argument have it here."""


def type_in(node: Node, *words: str) -> Done:
    """Run a command line in this process: one of its own would cost a hundred times as much."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = run(caxton, "caxton", ["--data-dir", str(node.data_dir), *words])
    return Done(code, out.getvalue(), err.getvalue())


def calm(value: object) -> object:
    """Return a value without its numbers: clocks and counters move between two calls."""
    if isinstance(value, dict):
        return {name: calm(each) for name, each in value.items()}
    if isinstance(value, list):
        return [calm(each) for each in value]
    return "a number" if isinstance(value, int | float) and not isinstance(value, bool) else value


@pytest_asyncio.fixture(loop_scope="session", scope="module")
async def node(nodes: tuple[Node, Node]) -> AsyncIterator[Node]:
    """Return the founder, with an agent to ask about."""
    first = nodes[0]
    module = (ROOT / "sdk" / "wat" / "echo.wat").read_bytes()
    await call(first.local, lambda client: client.agents.deploy("forms", module))
    yield first
    await call(first.local, lambda client: client.agents.undeploy("forms"))


@pytest.mark.parametrize("path", WORDS)
async def test_the_four_forms_tell_the_same(node, path):
    words = WORDS[path]
    forms = {
        form: await asyncio.to_thread(type_in, node, *words, "-o", form)
        for form in ("json", "yaml", "table", "wide")
    }
    assert {form: done.code for form, done in forms.items()} == dict.fromkeys(forms, 0), forms["json"].err
    found, same = json.loads(forms["json"].out), yaml.safe_load(forms["yaml"].out)
    assert calm(found) == calm(same)
    assert "\x1b" not in forms["table"].out + forms["wide"].out
    assert not forms["table"].out.startswith(("{", "["))


async def test_verbs_that_read_without_an_argument_are_all_asked():
    """A new verb of this kind must find its way into the table above."""
    free = {
        found.path
        for found in all_verbs()
        if found.path.split()[-1] in {"list", "status", "stats", "members", "peers"}
        and not any(param.required for param in found.command.params)
        and operations_of(found.command.callback)
    }
    later = {path for path in free if path.split()[0] in {"limit", "module", "security", "queue"}}
    assert free - later <= set(WORDS)


async def test_names_that_are_nearly_right_get_a_suggestion(node):
    for words in (["agent", "get", "form"], ["message", "send", "--to", "forrms", "--data", "1"]):
        done = await asyncio.to_thread(type_in, node, *words)
        assert (done.code, "next: did you mean forms?" in done.err) == (3, True), done.err
    done = await asyncio.to_thread(type_in, node, "cluster", "status", "--node", "n11")
    assert (done.code, "did you mean n1" in done.err) == (3, True), done.err
    done = await asyncio.to_thread(type_in, node, "config", "get", "grpc.prt")
    assert (done.code, "did you mean grpc.port?" in done.err) == (3, True), done.err
