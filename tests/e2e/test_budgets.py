"""A conversation with a budget, from the command line of a real node."""

import json

import pytest

from tests.support.nodes import ECHO, caxton

pytestmark = [pytest.mark.story("016"), pytest.mark.story("030")]


@pytest.fixture(scope="module")
def node(lone):
    done = caxton(lone.nodes[0], "agent", "deploy", ECHO, "--name", "echo")
    assert done.returncode == 0, done.stderr
    yield lone.nodes[0]
    assert "Traceback" not in lone.nodes[0].log_path.read_text()


def send(node, *words):
    return caxton(node, "message", "send", "--to", "echo", "--data", '{"n": 1}', *words)


def test_the_answer_is_followed_by_the_bill(node):
    done = send(node, "--budget", "messages=10,bytes=1KiB,time=5s")
    assert (done.returncode, done.stdout) == (0, '{"n": 1}\n')
    assert "left of the budget: " in done.stderr
    assert "8 messages" in done.stderr
    assert "spent by echo@" in done.stderr


def test_programs_read_the_bill_as_data(node):
    done = send(node, "--budget", "messages=10", "-o", "json")
    answer = json.loads(done.stdout)
    assert answer["budget_left"] == {"messages": 8}
    assert [row["messages"] for row in answer["spent"]] == [1, 1]


def test_a_budget_that_is_too_small_ends_with_who_spent_it(node):
    done = send(node, "--budget", "messages=1")
    assert done.returncode == 1
    assert "budget-exhausted" in done.stderr
    assert "echo@" in done.stderr
