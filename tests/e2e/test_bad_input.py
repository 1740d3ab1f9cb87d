"""Bad input on a real node: a clear error of three parts, the right exit code, no traceback, nothing lost."""

import socket
import sqlite3
from pathlib import Path

import pytest

from caxton_node.devkit.demo.nodes import DemoNode, free_ports
from tests.support.nodes import ECHO, caxton, caxton_node, run

SIMD = '(module (memory (export "memory") 1) (func $mix (export "mix") (drop (v128.const i64x2 0 0))))'


def says(done, exit_code, *words):
    """Check the exit code, that there is no traceback, and that the words are in what was said."""
    assert done.returncode == exit_code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    assert done.stderr.startswith("error: ")
    for word in words:
        assert word in done.stderr, (word, done.stderr)
    assert "next:" in done.stderr


@pytest.fixture(scope="module")
def node(lone):
    deployed = caxton(lone.nodes[0], "agent", "deploy", ECHO)
    assert deployed.returncode == 0, deployed.stderr
    yield lone.nodes[0]
    alive = caxton(lone.nodes[0], "message", "send", "--to", "echo", "--data", '"still here"')
    assert alive.stdout.strip() == '"still here"', alive.stderr


@pytest.mark.story("008")
def test_an_unknown_agent_is_not_found(node):
    says(caxton(node, "message", "send", "--to", "nobody"), 3, "no agent nobody", "caxton agent list")
    says(caxton(node, "agent", "get", "nobody"), 3, "nobody")


@pytest.mark.story("005")
def test_a_message_with_an_unknown_act_is_refused_with_the_known_ones(node):
    says(caxton(node, "message", "send", "--to", "echo", "-p", "shout"), 2, "shout", "request")


@pytest.mark.story("003")
def test_what_is_not_wasm_is_not_deployed(node, tmp_path):
    (tmp_path / "fake.wasm").write_bytes(b"MZ\x90\x00 not wasm")
    says(caxton(node, "agent", "deploy", tmp_path / "fake.wasm"), 2, "not a WebAssembly module")
    assert "fake" not in caxton(node, "agent", "list").stdout


@pytest.mark.story("001")
def test_a_module_with_simd_is_refused_by_feature_and_function(node, tmp_path):
    (tmp_path / "fast.wat").write_text(SIMD)
    says(caxton(node, "agent", "deploy", tmp_path / "fast.wat"), 2, "SIMD", "mix")


@pytest.mark.story("002")
def test_content_over_the_limit_is_refused_with_both_sizes(node, tmp_path):
    (tmp_path / "big.json").write_bytes(b'"' + b"x" * 1_100_000 + b'"')
    says(
        caxton(node, "message", "send", "--to", "echo", "--data", f"@{tmp_path / 'big.json'}"), 2, "1,048,576"
    )


@pytest.mark.story("006")
def test_a_wrong_token_and_no_token_are_denied(node):
    place = ["--endpoint", f"127.0.0.1:{node.grpc_port}", "--ca", node.data_dir / "certs" / "ca.crt"]
    wrong = f"cax_prod_{'0' * 40}_admin"
    says(run("caxton", *place, "--token", wrong, "agent", "list"), 4, "token")
    says(run("caxton", *place, "--token", "guess", "agent", "list"), 4, "token")
    says(run("caxton", *place, "agent", "list", env={"CAXTON_TOKEN": ""}), 4, "token")


@pytest.mark.story("006")
def test_the_right_token_is_let_in_over_tls(node, lone):
    place = ["--endpoint", f"127.0.0.1:{node.grpc_port}", "--ca", node.data_dir / "certs" / "ca.crt"]
    listed = run("caxton", *place, "--token", lone.token, "agent", "list")
    assert listed.returncode == 0, listed.stderr
    assert "echo" in listed.stdout


@pytest.mark.story("022")
def test_a_server_of_another_ca_is_not_trusted(node, tmp_path):
    stranger = tmp_path / "stranger"
    caxton_node("init", "--data-dir", stranger, "--node-id", "x", "--cluster", "other")
    place = ["--endpoint", f"127.0.0.1:{node.grpc_port}", "--ca", stranger / "certs" / "ca.crt"]
    says(run("caxton", *place, "--token", "t", "agent", "list"), 5, "not signed by the CA")


def test_nobody_at_the_endpoint_is_unreachable(tmp_path):
    (port,) = free_ports(1)
    says(run("caxton", "--endpoint", f"127.0.0.1:{port}", "--token", "t", "agent", "list"), 5, "refused")
    says(run("caxton", "--data-dir", tmp_path, "agent", "list"), 5, "caxton-node run")


@pytest.mark.story("008")
def test_an_unknown_word_gets_a_suggestion(node):
    says(caxton(node, "agnt", "list"), 2, "did you mean agent?")
    says(caxton(node, "agent", "depoy"), 2, "deploy")


@pytest.mark.parametrize("kind", ["mesh", "grpc"])
def test_a_port_in_use_is_named_with_the_setting_that_changes_it(tmp_path, kind):
    made = caxton_node("init", "--data-dir", tmp_path / "n", "--node-id", "n", "--cluster", "test")
    assert made.returncode == 0
    ports = dict(zip(["mesh", "grpc"], free_ports(2), strict=True))
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", ports[kind]))
        holder.listen()
        node = DemoNode("n", tmp_path / "n", ports["mesh"], ports["grpc"])
        refused = caxton_node("run", "--data-dir", node.data_dir, *node.settings)
    says(refused, 1, str(ports[kind]), f"--set {kind}.port")


@pytest.mark.story("004")
def test_a_corrupt_database_is_named_and_left_untouched(tmp_path):
    data_dir = tmp_path / "n"
    caxton_node("init", "--data-dir", data_dir, "--node-id", "n", "--cluster", "test")
    database = data_dir / "caxton.db"
    with sqlite3.connect(database) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    damaged = bytearray(database.read_bytes())
    damaged[4096 : 4096 + 2048] = b"\xa5" * 2048
    database.write_bytes(damaged)
    says(caxton_node("run", "--data-dir", data_dir), 1, str(database))
    assert database.read_bytes() == bytes(damaged)


@pytest.mark.story("008")
def test_a_typo_in_the_configuration_is_found_by_file_and_line(tmp_path):
    data_dir, config = tmp_path / "n", tmp_path / "config.yaml"
    caxton_node("init", "--data-dir", data_dir, "--node-id", "n", "--cluster", "test")
    config.write_text("log:\n  level: info\nmesh:\n  prot: 7946\n")
    says(caxton_node("run", "--data-dir", data_dir, "--config", config), 2, f"{config}:4", "mesh.port")
    config.write_text("mesh:\n  port: many\n")
    says(caxton_node("run", "--data-dir", data_dir, "--config", config), 2, f"{config}:2", "mesh.port")


def test_a_directory_without_a_node_says_how_to_make_one(tmp_path):
    says(caxton_node("run", "--data-dir", tmp_path), 3, "caxton-node init")


def test_a_directory_with_a_node_is_not_overwritten(tmp_path):
    words = ["init", "--data-dir", tmp_path / "n", "--node-id", "n", "--cluster", "test"]
    assert caxton_node(*words).returncode == 0
    before = (tmp_path / "n" / "certs" / "node.key").read_bytes()
    says(caxton_node(*words), 1, "already holds node n")
    assert (tmp_path / "n" / "certs" / "node.key").read_bytes() == before


def test_secrets_are_readable_by_their_owner_alone(tmp_path):
    data_dir: Path = tmp_path / "n"
    caxton_node("init", "--data-dir", data_dir, "--node-id", "n", "--cluster", "test")
    for secret in ("gossip.key", "certs/node.key", "certs/ca.key"):
        assert (data_dir / secret).stat().st_mode & 0o077 == 0, secret
    assert data_dir.stat().st_mode & 0o077 == 0


@pytest.mark.story("022")
@pytest.mark.parametrize("token", ["", "cxj1.AAAA", "x"])
def test_joining_with_a_token_that_is_none_is_refused_before_anything_is_sent(tmp_path, token):
    words = ["join", "127.0.0.1:1", "--data-dir", tmp_path / "n", "--node-id", "n", "--no-run"]
    says(caxton_node(*words, "--token", token), 2, "join token")
    assert not (tmp_path / "n").exists()


@pytest.mark.story("022")
def test_joining_with_the_token_of_another_cluster_shows_the_seed_nothing(node, tmp_path, lone):
    other = DemoNode("x", tmp_path / "x", *free_ports(2))
    caxton_node("init", "--data-dir", other.data_dir, "--node-id", "x", "--cluster", "other")
    other.start()
    try:
        other.wait_ready()
        token = caxton_node("token", "--data-dir", other.data_dir, "-q").stdout.strip()
    finally:
        other.stop()
    words = [
        "join",
        f"127.0.0.1:{node.grpc_port}",
        "--data-dir",
        tmp_path / "n",
        "--node-id",
        "n",
        "--no-run",
    ]
    says(caxton_node(*words, "--token", token), 4, "nothing was sent")
    assert lone.nodes[0].log_path.read_text().count('"Join"') == 0


@pytest.mark.story("022")
def test_joining_under_a_name_that_is_taken_is_refused(node, tmp_path):
    token = caxton_node("token", "--data-dir", node.data_dir, "-q").stdout.strip()
    words = ["join", f"127.0.0.1:{node.grpc_port}", "--data-dir", tmp_path / "n", "--node-id", node.node_id]
    says(caxton_node(*words, "--token", token, "--no-run"), 1, "is taken")
