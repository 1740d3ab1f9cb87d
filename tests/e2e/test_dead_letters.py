"""Dead letters of a real node that is killed."""

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


def lose(node, receiver, *words):
    caxton(node, "message", "send", "--to", receiver, "--data", '{"n": 1}', "--no-wait", *words)


def letters(node, *words):
    return json.loads(ok(caxton(node, "message", "dead", *words, "-o", "json")))


def test_a_letter_outlives_a_kill_and_arrives_when_it_is_sent_again(node):
    lose(node, "late-echo", "--conversation", "talk-1")
    (before,) = letters(node, "--receiver", "late-echo")  # it is on the disk when it was listed once
    node.kill()
    node.start()
    node.wait_ready()
    (after,) = letters(node, "--receiver", "late-echo")
    assert after == before
    ok(caxton(node, "agent", "deploy", ECHO, "--name", "late-echo"))
    resent = json.loads(ok(caxton(node, "message", "dead", "resend", after["id"], "-o", "json")))
    assert resent == {"sent": 1, "came_back": 0, "skipped": 0, "left": 0}
    # The command that asked is long gone, so the answer is a dead letter itself.
    (answer,) = wait_for("the answer", lambda: letters(node, "--sender", "late-echo"), within_s=20)
    assert (answer["performative"], answer["conversation_id"]) == ("inform", "talk-1")
    assert answer["content"] == '{"n": 1}'
    assert letters(node, "--receiver", "late-echo") == []


def test_a_letter_is_on_the_disk_soon_though_nobody_asks(node):
    lose(node, "nobody-asks")
    wait_for("it to be written down", lambda: on_disk(node, "nobody-asks"), within_s=20)
    node.kill()
    node.start()
    node.wait_ready()
    assert len(letters(node, "--receiver", "nobody-asks")) == 1


def on_disk(node, receiver):
    """Count letters in the file of a running node."""
    with closing(sqlite3.connect(f"file:{node.data_dir}/caxton.db?mode=ro", uri=True)) as connection:
        sql = "SELECT count(*) FROM dead_letters WHERE receiver = ?"
        return connection.execute(sql, (receiver,)).fetchone()[0]


def test_a_node_that_stops_in_order_keeps_the_letters_of_its_last_moment(node):
    for _ in range(20):
        lose_quickly(node)
    node.stop()
    node.start()
    node.wait_ready()
    assert len(letters(node, "--receiver", "last-moment", "--limit", "100")) == 20


def lose_quickly(node):
    with node.client() as client:
        client.messages.send("last-moment", b"1", wait=False)
