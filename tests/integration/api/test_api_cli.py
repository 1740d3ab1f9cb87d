import asyncio
import json
import os
import subprocess
import sys

import pytest
import yaml

from tests.support.api import call
from tests.support.cli import ROOT, Done, caxton, caxton_node

pytestmark = [pytest.mark.story("008"), pytest.mark.asyncio(loop_scope="session")]
ECHO = ROOT / "sdk" / "wat" / "echo.wat"


async def run(node, *words, **options) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words, **options)


async def test_an_agent_is_deployed_asked_and_removed_from_the_shell(n1):
    done = await run(
        n1, "agent", "deploy", ECHO, "--name", "shell", "--config", "depth=3", "--memory", "2MiB"
    )
    assert (done.code, done.out.startswith("shell#1.0.0.1@n1 is Running")) == (0, True)
    asked = await run(n1, "message", "send", "--to", "shell", "--content", '{"a": 1}')
    assert (asked.code, asked.out) == (0, '{"a": 1}\n')
    assert asked.err.startswith("inform from shell@n1 after ")
    listed = await run(n1, "agents", "ls", "shell")
    assert [line.split() for line in listed.out.splitlines()] == [
        ["NAME", "VERSION", "STATE", "NODE", "CAPABILITIES"],
        ["shell", "1.0.0", "Running", "n1"],
    ]
    inspected = json.loads((await run(n1, "agent", "inspect", "shell", "-o", "json")).out)
    assert (inspected["detail"]["config"], inspected["detail"]["limits"]["memory_bytes"]) == (
        {"depth": 3},
        2**21,
    )
    shown = yaml.safe_load((await run(n1, "agent", "get", "shell", "-o", "yaml")).out)
    assert shown["state"] == "Running"
    assert (await run(n1, "agent", "stop", "shell")).out == "shell#1.0.0.1@n1 is Stopped\n"
    assert (await run(n1, "agent", "start", "shell")).out == "shell#1.0.0.1@n1 is Running\n"
    assert (await run(n1, "agent", "rm", "shell")).out == "shell is removed\n"


async def test_the_port_of_rest_given_as_an_endpoint_is_told_as_that(n1):
    rest, ca = n1.daemon.listening()["rest"], n1.data_dir / "certs" / "ca.crt"
    done = await asyncio.to_thread(
        caxton, "agent", "list", "--endpoint", rest, "--ca", ca, "--token", n1.admin_token
    )
    assert (done.code, "REST listens there" in done.err, "give the gRPC port" in done.err) == (5, True, True)


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("agent", "get", "nobody"), 3, "no agent nobody"),
        (("message", "send", "--to", "nobody", "--data", "x"), 3, "no agent nobody"),
        (("agent", "deploy", ROOT / "LICENSE", "--name", "no-wasm"), 2, "not a WebAssembly module"),
        (("agent", "deploy", ECHO, "--name", "Bad Name"), 2, "is not an agent name"),
        (("cluster", "status", "--node", "ghost"), 3, "no node ghost"),
        (("message", "send", "--to", "x", "-p", "shout"), 2, "is not a performative"),
    ],
)
async def test_errors_of_the_node_have_three_parts_and_their_exit_code(n1, words, code, says):
    done = await run(n1, *words)
    first, *rest = done.err.splitlines()
    assert (done.code, done.out) == (code, "")
    assert first.startswith("error: ")
    assert says in first
    assert any(line.startswith("  next: ") for line in rest)


async def test_a_wrong_token_is_denied(n1, tmp_path):
    ca = n1.data_dir / "certs" / "ca.crt"
    words = ("agent", "list", "--endpoint", n1.grpc, "--ca", ca)
    done = await asyncio.to_thread(caxton, *words, "--token", "wrong")
    assert (done.code, "error: " in done.err) == (4, True)
    good = await asyncio.to_thread(caxton, *words, CAXTON_TOKEN=n1.admin_token)
    assert good.code == 0
    foreign = await asyncio.to_thread(caxton, *words[:4], "--token", "wrong", CAXTON_DATA_DIR=str(tmp_path))
    assert (foreign.code, "--ca" in foreign.err) == (5, True)


async def test_the_cluster_is_shown_for_people_and_for_programs(n1):
    members = await run(n1, "cluster", "members")
    assert [line.split()[0] for line in members.out.splitlines()] == ["NODE", "n1", "n2"]
    found = json.loads((await run(n1, "cluster", "members", "-o", "json")).out)
    assert {member["node_id"]: member["state"] for member in found} == {"n1": "alive", "n2": "alive"}
    status = await run(n1, "cluster", "status")
    assert "2 alive" in status.out
    assert "n2" in status.out.splitlines()[-1]
    watched = await run(n1, "cluster", "watch", "--limit", "2", "-o", "json")
    events = [json.loads(line) for line in watched.out.splitlines()]
    assert [event["change"] for event in events] == ["present", "present"]


async def test_the_server_tells_its_health_and_settings(n1):
    status = await run(n1, "server", "status")
    assert (status.code, "ready" in status.out) == (0, True)
    settings = json.loads((await run(n1, "server", "config", "grpc.", "-o", "json")).out)
    assert {setting["key"]: setting["value"] for setting in settings}["grpc.port"] == 0


async def test_queues_and_dead_letters_are_counted_and_listed(n1):
    await run(n1, "message", "send", "--to", "nobody-there", "--data", "x")
    stats = json.loads((await run(n1, "queue", "stats", "-o", "json")).out)
    assert stats["dead_letters_by_reason"]["no-such-agent"] >= 1
    assert "nobody-there" in (await run(n1, "message", "dead")).out
    assert "nobody-there" in (await run(n1, "queue", "dead", "--limit", "5")).out


async def test_a_token_is_printed_alone_on_stdout_and_the_command_on_stderr(n1):
    done = await asyncio.to_thread(caxton_node, "token", "--data-dir", n1.data_dir)
    assert done.out.startswith("cxj1.")
    assert len(done.out.splitlines()) == 1
    assert f"caxton-node join {n1.grpc}" in done.err
    quiet = await asyncio.to_thread(
        caxton_node, "token", "--data-dir", n1.data_dir, "--quiet", "--lifetime", "5m"
    )
    assert quiet.err == ""


async def test_joining_from_the_shell_leaves_a_node_ready_to_run(n1, tmp_path):
    token = (await call(n1.local, lambda client: client.cluster.create_join_token())).token
    words = ("join", n1.grpc, "--token", token, "--node-id", "n5", "--data-dir", tmp_path / "n5", "--no-run")
    done = await asyncio.to_thread(caxton_node, *words)
    assert (done.code, "node n5 may join cluster test" in done.out) == (0, True), done.err
    assert (tmp_path / "n5" / "identity.json").exists()
    assert not (tmp_path / "n5" / "certs" / "ca.key").exists()


async def test_a_reader_that_goes_away_is_no_error(n1):
    process = await asyncio.create_subprocess_shell(
        f"python -m caxton_node.cli.main --data-dir {n1.data_dir} server config -o json | head -1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=ROOT,
        env={**os.environ, "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"},
    )
    out, err = await process.communicate()
    assert (out.strip(), err) == (b"[", b"")


async def test_listing_agents_over_the_socket_imports_neither_grpc_nor_protobuf(n1):
    script = (
        "import sys; from caxton_node.cli.main import main\n"
        f"try: main(['--data-dir', {str(n1.data_dir)!r}, 'agent', 'list'])\n"
        "except SystemExit as end: assert end.code == 0\n"
        "heavy = {'grpc', 'google.protobuf', 'yaml', 'rich', 'asyncio', 'ssl'}; heavy &= set(sys.modules)\n"
        "print(heavy or 'light')"
    )
    done = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert done.stdout.splitlines()[-1] == "light"
