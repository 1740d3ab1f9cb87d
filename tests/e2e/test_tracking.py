"""Where messages are, asked of a cluster of real nodes, one of which is killed."""

import json

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.nodes import ECHO, caxton

pytestmark = pytest.mark.story("002")


@pytest.fixture(scope="module")
def nodes(trio):
    yield trio.nodes
    for node in trio.nodes:
        assert "Traceback" not in node.log_path.read_text()


def ok(done):
    """Return what a command printed; it must have left 0."""
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def deploy(node, name, on, *words):
    ok(caxton(node, "agent", "deploy", ECHO, "--name", name, "--node", on, *words))


def send(node, receiver, *words):
    """Send a message and return its id."""
    said = ("--to", receiver, "--data", '{"n": 1}', *words)
    return json.loads(ok(caxton(node, "message", "send", *said, "-o", "json")))["message_id"]


def where(node, message_id):
    """Return where a message is for its one receiver."""
    (row,) = json.loads(ok(caxton(node, "message", "where", message_id, "-o", "json")))["receivers"]
    return row


def test_a_message_is_found_wherever_it_was_handled_and_until_that_node_dies(nodes):
    n1, n2, n3 = nodes
    deploy(n1, "clerk", "n2", "--version", "1.4.0")
    message_id = send(n1, "clerk", "--conversation", "case-1")
    for asked in nodes:
        row = where(asked, message_id)
        assert (row["state"], row["node"], row["instance"], row["version"]) == (
            "handled", "n2", "clerk#1.4.0.1@n2", "1.4.0"
        )  # fmt: skip
    assert "clerk@n2" in ok(caxton(n3, "message", "trace", "case-1"))

    n2.kill()
    wait_for("n1 to miss n2", lambda: where(n1, message_id)["note"].endswith("dead"), within_s=30)
    row = where(n1, message_id)
    assert (row["state"], row["node"], row["forwarded_to"]) == ("forwarded", "n1", "n2")
    assert row["gone_unix_us"] > row["since_unix_us"]
    shown = ok(caxton(n1, "message", "where", message_id)).splitlines()[-1]
    assert "node n2 cannot be asked: dead since " in shown
    # What it was the only one to know is gone with it, and others say whom they could not ask.
    done = caxton(n3, "message", "where", "f" * 32)
    assert done.returncode == 3
    assert "not asked: n2" in done.stderr


def test_a_message_waits_for_its_agent_and_is_given_up_after_its_time(nodes):
    n1, _, n3 = nodes
    patient = send(n1, "newcomer", "--no-wait", "--ttl", "10m")
    hasty = send(n1, "stranger", "--no-wait", "--ttl", "1ms")
    wait_for("its time to be over", lambda: where(n3, hasty)["state"] == "expired", within_s=20)
    assert (where(n3, patient)["state"], where(n3, patient)["node"]) == ("parked", "n1")
    deploy(n1, "newcomer", "n3")
    wait_for("it to arrive", lambda: where(n1, patient)["state"] == "handled", within_s=20)
    assert where(n1, patient)["node"] == "n3"
