"""What ams and kv have promised a real guest holds though its node is killed."""

import json
import sqlite3
from contextlib import closing

import pytest

from caxton_node.devkit.demo.nodes import wait_for
from tests.support.diary import diary
from tests.support.nodes import caxton

pytestmark = [pytest.mark.story("004"), pytest.mark.story("026")]


@pytest.fixture(scope="module")
def node(lone):
    yield lone.nodes[0]
    assert "Traceback" not in lone.nodes[0].log_path.read_text()


def ok(done):
    """Return what a command printed; it must have left 0."""
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def timers(node):
    """Count the timers that are on the disk."""
    with closing(sqlite3.connect(f"file:{node.data_dir}/caxton.db?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT count(*) FROM agent_timers").fetchone()[0]


def test_a_node_that_is_killed_rings_its_durable_timers_and_has_its_keys_in_the_next_life(node, tmp_path):
    module = tmp_path / "diary.wat"
    module.write_bytes(diary(after_ms=4_000))
    ok(caxton(node, "agent", "deploy", module))
    ok(caxton(node, "agent", "kv", "put", "diary", "before", '{"n": 1}'))
    ok(caxton(node, "message", "send", "--to", "diary", "--data", "{}", "--no-wait"))
    wait_for("the timer to be written", lambda: timers(node) == 1, within_s=10)
    node.kill()
    node.start()
    node.wait_ready()
    assert json.loads(ok(caxton(node, "agent", "kv", "get", "diary", "before"))) == {"n": 1}

    def has_rung():
        return caxton(node, "agent", "kv", "get", "diary", "rang").returncode == 0

    wait_for("the timer to ring", has_rung, within_s=20)
    wait_for("the timer to be forgotten", lambda: timers(node) == 0, within_s=10)
