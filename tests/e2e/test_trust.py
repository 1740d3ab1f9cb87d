"""Certificates through the two command lines, with real nodes: cut off, let in again, signed offline."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import DemoNode, Stage, wait_for
from tests.support.nodes import caxton, caxton_node, found, invite, join

pytestmark = [pytest.mark.story("022"), pytest.mark.timeout(300)]

CUT_OFF_S = 5.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    """Give three nodes that are not made yet."""
    with Stage(Interrupts()) as made:
        yield made


def rows(node: DemoNode, *words: str) -> list[dict[str, Any]]:
    done = caxton(node, *words, "-o", "json")
    assert done.returncode == 0, done.stderr
    listed: list[dict[str, Any]] = json.loads(done.stdout)
    return listed


def alive(node: DemoNode) -> set[str]:
    with node.client() as client:
        return {member.node_id for member in client.cluster.members() if member.state == 1}


def token_of(node: DemoNode) -> str:
    return caxton_node("token", "--data-dir", node.data_dir, "--quiet").stdout.strip()


def linked(node: DemoNode, peer: str) -> bool:
    with node.client() as client:
        return any(link.peer == peer and link.state == "up" for link in client.cluster.status().links)


def test_a_revoked_node_is_cut_off_within_seconds_and_let_in_again_with_a_token(stage: Stage) -> None:
    n1, n2, n3 = stage.nodes
    found(n1)
    join(n2, n1)
    join(n3, n1)
    for node in (n1, n2):
        wait_for("three members", lambda node=node: len(alive(node)) == 3, within_s=20)
        ping = caxton(node, "cluster", "ping", "n3", "--link", "--count", "1", "--timeout", "5s")
        assert ping.returncode == 0, ping.stderr
    begun = time.monotonic()
    done = caxton(n2, "security", "revoke", "n3", "--reason", "disk stolen")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "n3 is revoked on 2 of 2 members"
    assert not linked(n1, "n3")
    assert not linked(n2, "n3")
    took_s = time.monotonic() - begun
    assert took_s < CUT_OFF_S
    wait_for("n3 to say so", lambda: "THIS NODE WAS REVOKED" in n3.log_path.read_text(), within_s=20)
    wait_for("n3 to be gone", lambda: alive(n1) == alive(n2) == {"n1", "n2"}, within_s=30)
    assert [(row["node"], row["reason"]) for row in rows(n1, "security", "revocations")] == [
        ("n3", "disk stolen")
    ]
    n3.kill()
    refused = caxton_node("run", "--data-dir", n3.data_dir, *n3.settings)
    assert refused.returncode != 0
    assert "was revoked" in refused.stderr
    assert "disk stolen" in refused.stderr
    words = ["--seed", f"127.0.0.1:{n2.grpc_port}", "--token", token_of(n1)]
    renewed = caxton_node("certs", "renew", "--data-dir", n3.data_dir, *words)
    assert renewed.returncode == 0, renewed.stderr
    n3.start()
    n3.wait_ready()
    wait_for("n3 to be back", lambda: alive(n1) == alive(n2) == {"n1", "n2", "n3"}, within_s=30)
    assert {row["node"]: row["state"] for row in rows(n3, "security", "certs")} == dict.fromkeys(
        ("n1", "n2", "n3"), "valid"
    )


def test_a_running_node_renews_by_either_command_and_shows_it(stage: Stage) -> None:
    n1, n2, _ = stage.nodes
    found(n1)
    join(n2, n1)
    before = {row["node"]: row["serial"] for row in rows(n1, "security", "certs")}
    assert caxton(n1, "security", "renew", "--node", "n2").returncode == 0
    local = caxton_node("certs", "renew", "--data-dir", n1.data_dir)
    assert local.returncode == 0, local.stderr
    after = {row["node"]: row["serial"] for row in rows(n1, "security", "certs")}
    assert all(after[node] != before[node] for node in ("n1", "n2"))
    shown = json.loads(caxton_node("certs", "show", "--data-dir", n2.data_dir, "-o", "json").stdout)
    assert shown["serial"] == after["n2"]
    assert (shown["state"], shown["signs"]) == ("valid", False)


def test_a_token_is_good_at_a_member_that_did_not_print_it(stage: Stage) -> None:
    n1, n2, n3 = stage.nodes
    found(n1)
    join(n2, n1)
    words = ["--token", token_of(n1), "--data-dir", n3.data_dir, "--node-id", "n3", "--no-run"]
    joined = caxton_node("join", f"127.0.0.1:{n2.grpc_port}", *words)
    assert joined.returncode == 0, joined.stderr
    n3.start()
    n3.wait_ready()
    wait_for("three members", lambda: alive(n1) == {"n1", "n2", "n3"}, within_s=20)


def test_the_ca_key_may_be_kept_off_line(stage: Stage, tmp_path: Path) -> None:
    n1, n2, n3 = stage.nodes
    found(n1)
    join(n2, n1)
    # The key and what goes with it leave the node for good.
    vault = tmp_path / "vault"
    shutil.copytree(n1.data_dir / "certs", vault)
    (vault / "node.key").unlink()
    n1.stop()
    (n1.data_dir / "certs" / "ca.key").unlink()
    n1.start()
    n1.wait_ready()
    wait_for("two members", lambda: len(alive(n1)) == 2, within_s=20)
    refused = caxton_node(
        "join", f"127.0.0.1:{n1.grpc_port}", "--token", token_of(n1), "--data-dir", n3.data_dir,
        "--node-id", "n3", "--no-run",
    )  # fmt: skip
    assert "no member that signs" in refused.stderr
    assert caxton(n1, "security", "renew").returncode != 0

    csr, certificate, revocation = tmp_path / "n3.csr", tmp_path / "n3.crt", tmp_path / "n3.revocation"
    asked = caxton_node("certs", "request", "--data-dir", n3.data_dir, "--node-id", "n3", "-o", csr)
    assert asked.returncode == 0, asked.stderr
    other = caxton_node("certs", "issue", csr, "--ca-dir", vault, "--node-id", "n1", "-o", certificate)
    assert other.returncode != 0  # a request for somebody else's id
    issued = caxton_node("certs", "issue", csr, "--ca-dir", vault, "--node-id", "n3", "-o", certificate)
    assert issued.returncode == 0, issued.stderr
    bare = caxton_node("certs", "install", certificate, "--data-dir", n3.data_dir)
    assert "--gossip-key" in bare.stderr
    words = ["--gossip-key", n1.data_dir / "gossip.key", "--seed", f"127.0.0.1:{n1.mesh_port}"]
    installed = caxton_node("certs", "install", certificate, "--data-dir", n3.data_dir, *words)
    assert installed.returncode == 0, installed.stderr
    n3.start()
    n3.wait_ready()
    wait_for("three members", lambda: alive(n1) == {"n1", "n2", "n3"}, within_s=20)

    signed = caxton_node("certs", "revoke", "n3", "--ca-dir", vault, "--reason", "sold", "-o", revocation)
    assert signed.returncode == 0, signed.stderr
    done = caxton(n2, "security", "revoke", "--from-file", revocation)
    assert done.returncode == 0, done.stderr
    wait_for("n3 to be gone", lambda: alive(n1) == alive(n2) == {"n1", "n2"}, within_s=30)


def test_a_certificate_is_installed_only_with_the_key_that_waits_for_it(stage: Stage, tmp_path: Path) -> None:
    n1, n2, _ = stage.nodes
    found(n1)
    invite(n2, n1)
    first, second = tmp_path / "first.csr", tmp_path / "second.csr"
    certificate = tmp_path / "first.crt"
    for csr in (first, second):  # the second request takes the place of the first
        assert caxton_node("certs", "request", "--data-dir", n2.data_dir, "-o", csr).returncode == 0
    words = ["--ca-dir", n1.data_dir / "certs", "-o", certificate]
    assert caxton_node("certs", "issue", first, *words).returncode == 0
    refused = caxton_node("certs", "install", certificate, "--data-dir", n2.data_dir)
    assert refused.returncode != 0
    assert "do not belong together" in refused.stderr
    assert caxton_node("certs", "issue", second, *words).returncode == 0
    installed = caxton_node("certs", "install", certificate, "--data-dir", n2.data_dir)
    assert installed.returncode == 0, installed.stderr
    n2.start()
    n2.wait_ready()
    wait_for("two members", lambda: alive(n1) == {"n1", "n2"}, within_s=20)


def test_the_state_of_the_ca_is_shown_and_its_change_told_step_by_step(stage: Stage) -> None:
    n1, n2, _ = stage.nodes
    found(n1)
    join(n2, n1)
    shown = caxton(n2, "security", "ca", "status")
    assert "settled: one CA is trusted" in shown.stdout
    announced = caxton(n2, "security", "ca", "rotate", "--step", "announce")
    assert announced.returncode == 0, announced.stderr
    assert "a new CA is trusted by 2 of 2 members" in announced.stdout
    assert "--step abandon goes back" in caxton(n1, "security", "ca", "status").stdout
    finished = caxton(n1, "security", "ca", "rotate")
    assert finished.returncode == 0, finished.stderr
    told = [line for line in finished.stdout.splitlines() if not line.startswith(" ")]
    assert [line.split("2 of 2 members")[1][:5] for line in told] == ["; CA ", " know", " show", " trus"]
    listed = caxton(n1, "security", "certs")
    assert listed.returncode == 0
    assert listed.stderr == ""


def test_a_node_that_is_not_there_or_not_named_is_told(stage: Stage) -> None:
    n1 = stage.nodes[0]
    found(n1)
    assert caxton(n1, "security", "revoke").returncode == 2
    assert "itself" in caxton(n1, "security", "revoke", "n1").stderr
    with socket.create_server(("127.0.0.1", 0)) as silent:  # a port at which no node is
        port = silent.getsockname()[1]
    lost = caxton_node(
        "certs", "renew", "--data-dir", n1.data_dir, "--seed", f"127.0.0.1:{port}", "--token", token_of(n1)
    )
    assert lost.returncode != 0
