"""What a real node takes along over a stop, and what it says after a kill."""

import json
import sqlite3
from contextlib import closing

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.nodes import ECHO, caxton

pytestmark = pytest.mark.story("002")


@pytest.fixture(scope="module")
def node(lone):
    yield lone.nodes[0]
    assert "Traceback" not in lone.nodes[0].log_path.read_text()


def ok(done):
    """Return what a command printed; it must have left 0."""
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def stops(node):
    """Count the rows of `last_stop`: one while a node is down that stopped in good order."""
    with closing(sqlite3.connect(f"file:{node.data_dir}/caxton.db?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT count(*) FROM last_stop").fetchone()[0]


def restart(node):
    node.start()
    node.wait_ready()


def test_a_parked_message_waits_through_a_stop_and_is_handled_when_its_agent_comes(node):
    words = ("--to", "later", "--data", '{"n": 1}', "--no-wait", "--ttl", "1h", "-o", "json")
    sent = json.loads(ok(caxton(node, "message", "send", *words)))["message_id"]
    node.stop()
    assert stops(node) == 1
    restart(node)
    assert stops(node) == 0
    assert "not all open conversations are known" not in node.log_path.read_text()
    assert where(node, sent)["state"] == "parked"
    ok(caxton(node, "agent", "deploy", ECHO, "--name", "later"))
    wait_for("the agent to handle it", lambda: where(node, sent)["state"] == "handled", within_s=20)


def test_a_node_that_was_killed_says_that_it_does_not_know_what_was_open(node):
    node.kill()
    assert stops(node) == 0
    restart(node)
    assert "not all open conversations are known" in node.log_path.read_text()


def where(node, message_id):
    (row,) = json.loads(ok(caxton(node, "message", "where", message_id, "-o", "json")))["receivers"]
    return row
