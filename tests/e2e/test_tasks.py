"""Tasks among three real processes, of which some are killed at the wrong moment."""

import pytest

from caxton_node.client import MemberState
from caxton_node.client.plain import plain
from caxton_node.devkit.demo.nodes import wait_for
from tests.support.contractors import NEVER_DELIVERS, guest
from tests.support.nodes import EXAMPLES, caxton

pytestmark = pytest.mark.story("011")

WALL = '{"task": "wall", "price": 50}'


@pytest.fixture(scope="module")
def nodes(trio, tmp_path_factory):
    """Run a mason on each node, the cheapest of whom never delivers, and wait until all are known."""
    first, second, third = trio.nodes
    sleeper = tmp_path_factory.mktemp("guests") / "sleeper.wat"
    sleeper.write_bytes(guest(NEVER_DELIVERS))
    for node, module, name, *config in (
        (first, EXAMPLES / "contractor.wasm", "mason-1", "price=70"),
        (second, EXAMPLES / "contractor.wasm", "mason-2", "price=60"),
        (third, sleeper, "sleeper"),
    ):
        words = [word for pair in config for word in ("--config", pair)]
        done = caxton(node, "agent", "deploy", module, "--name", name, *words)
        assert done.returncode == 0, done.stderr
    for node in trio.nodes:
        wait_for(
            "the masons", lambda node=node: listed(node) >= {"mason-1", "mason-2", "sleeper"}, within_s=15
        )
    return trio.nodes


def listed(node):
    with node.client() as client:
        return {found.name for found in client.agents.list()}


def begin(node, *words):
    names = [word for name in ("mason-1", "mason-2", "sleeper") for word in ("--to", name)]
    options = ["--prefer", "min:price", "--results-within", "1h", "--no-wait", *words]
    done = caxton(node, "task", "run", *names, "--data", WALL, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state_of(node, task):
    with node.client() as client:
        return plain(client.tasks.get(task))


def wait_state(node, task, *states):
    return wait_for(
        f"the task to be {states}",
        lambda: (row := state_of(node, task)) and row["state"] in states and row,
        within_s=30,
    )


def test_the_next_best_gets_the_work_when_the_node_of_the_winner_is_killed(nodes):
    first, _, third = nodes
    task = begin(first)
    working = wait_state(first, task, "Working")
    assert working["winners"] == ["sleeper@n3"]
    third.kill()
    row = wait_state(first, task, "Completed", "Failed")
    third.start()
    third.wait_ready()
    assert (row["outcome"], row["winners"]) == ("done", ["mason-2@n2"])
    (note,) = row["detail"]["notes"]
    assert (note["contractor"], note["what"]) == ("sleeper@n3", "failed")
    assert note["detail"].startswith("node-died: ")
    assert {bid["contractor"]: bid["verdict"] for bid in row["detail"]["bids"]} == {
        "mason-1@n1": "rejected",
        "mason-2@n2": "done",
        "sleeper@n3": "failed",
    }


def test_a_task_whose_initiator_is_killed_is_failed_and_says_who_had_the_work(nodes):
    first, second, _ = nodes
    wait_for("n3", lambda: "sleeper" in listed(second) and is_alive(second, "n3"), within_s=30)
    task = begin(second)
    wait_state(second, task, "Working")
    second.kill()
    second.start()
    second.wait_ready()
    row = wait_state(first, task, "Failed")
    assert row["outcome"] == "initiator-died"
    shown = caxton(first, "task", "get", task)
    assert shown.stdout.startswith(f"{task} is Failed (initiator-died): node n2 stopped"), shown.stderr
    assert row["detail"]["reason"] == "node n2 stopped while the task was Working"
    assert [bid["contractor"] for bid in row["detail"]["bids"] if bid["verdict"] == "awarded"] == [
        "sleeper@n3"
    ]


def is_alive(node, other):
    with node.client() as client:
        return any(
            member.node_id == other and MemberState.of(member) is MemberState.ALIVE
            for member in client.cluster.members()
        )
