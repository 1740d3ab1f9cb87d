"""A node that is dead while the CA is changed: it comes back by itself, or is told how."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import DemoNode, Stage, wait_for
from certs.files import read_bundle
from certs.trust_files import read_trust
from tests.support.nodes import caxton, caxton_node, found, join

pytestmark = [pytest.mark.story("022"), pytest.mark.timeout(300)]


@pytest.fixture
def two_and_one_dead() -> Iterator[Stage]:
    """Run a cluster of three of which the third has crashed, as the others have noticed."""
    with Stage(Interrupts()) as stage:
        n1, n2, n3 = stage.nodes
        found(n1)
        join(n2, n1)
        join(n3, n1)
        wait_for("three members", lambda: states(n1).get("n3") == 1 == states(n2).get("n3"), within_s=20)
        n3.kill()
        wait_for("n3 to be dead", lambda: states(n1)["n3"] == 3 == states(n2)["n3"], within_s=40)
        yield stage


def states(node: DemoNode) -> dict[str, int]:
    with node.client() as client:
        return {member.node_id: member.state for member in client.cluster.members()}


def issuer(node: DemoNode) -> str:
    return read_bundle(node.data_dir / "certs").authority


def trusted(node: DemoNode) -> tuple[str, ...]:
    return read_trust(node.data_dir / "certs").fingerprints


def reaches(node: DemoNode, target: str) -> bool:
    words = ("cluster", "ping", target, "--link", "--count", "1", "--timeout", "5s")
    return caxton(node, *words).returncode == 0


def test_a_node_that_was_dead_catches_up_while_both_cas_are_trusted(two_and_one_dead: Stage) -> None:
    n1, n2, n3 = two_and_one_dead.nodes
    old = issuer(n1)
    stopped = caxton(n2, "security", "ca", "rotate")
    assert stopped.returncode == 1
    assert "n3 could not come back by itself" in stopped.stderr
    new = issuer(n1)
    assert trusted(n1) == trusted(n2) == (old, new)
    n3.start()  # its certificate and its trust are of the old CA alone
    n3.wait_ready()
    wait_for("n3 to have a new certificate", lambda: issuer(n3) == new, within_s=40)
    assert trusted(n3) == (old, new)
    finished = caxton(n2, "security", "ca", "rotate")
    assert finished.returncode == 0, finished.stderr
    assert {trusted(node) for node in (n1, n2, n3)} == {(new,)}
    assert reaches(n1, "n3")


def test_a_node_that_missed_the_change_is_told_the_way_back(two_and_one_dead: Stage) -> None:
    n1, n2, n3 = two_and_one_dead.nodes
    forced = caxton(n2, "security", "ca", "rotate", "--force")
    assert forced.returncode == 0, forced.stderr
    n3.start()
    n3.wait_ready()
    wait_for("n3 to be told", lambda: "the others are of another CA" in n3.log_path.read_text(), within_s=60)
    assert "caxton-node certs renew --seed" in n3.log_path.read_text()
    n3.kill()
    token = caxton_node("token", "--data-dir", n1.data_dir, "--quiet").stdout.strip()
    words = ["--seed", f"127.0.0.1:{n2.grpc_port}", "--token", token]
    wait_for("n3 to be dead", lambda: states(n2)["n3"] == 3, within_s=40)
    renewed = caxton_node("certs", "renew", "--data-dir", n3.data_dir, *words)
    assert renewed.returncode == 0, renewed.stderr
    n3.start()
    n3.wait_ready()
    wait_for("n3 to be reached", lambda: reaches(n1, "n3"), within_s=40)
    assert issuer(n3) == issuer(n1)
