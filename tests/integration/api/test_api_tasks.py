"""Tasks through the management API and the command line of two real nodes."""

import asyncio
import json
import signal
import sys

import pytest
import pytest_asyncio

from caxton_node.client.tasks import OVER
from caxton_node.core.errors import Forbidden, InvalidArgument, NotFound
from caxton_node.pb import tasks_pb2
from caxton_node.security import Role
from tests.support.api import call
from tests.support.cli import MODULES, ROOT, caxton
from tests.support.contractors import NEVER_DELIVERS, guest
from tests.support.guests import rust

pytestmark = [pytest.mark.story("011"), pytest.mark.asyncio(loop_scope="session")]

WALL = b'{"task": "wall"}'


async def deploy(node, name, module, **config):
    await call(node.local, lambda client: client.agents.deploy(name, module, config=config))


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def roofers(nodes):
    """Run three roofers on two nodes, and one who refuses."""
    n1, n2 = nodes
    for node, name, price in ((n1, "roof-1", 30), (n2, "roof-2", 10), (n2, "roof-3", 20)):
        await deploy(node, name, rust("contractor"), capability="roofing", price=price)
    await deploy(n1, "roof-4", rust("contractor"), capability="roofing", price=1, refuse=True)

    def offered(client):
        return sum(len(found.nodes) for found in client.agents.capabilities("roofing"))

    async with asyncio.timeout(10):
        while await call(n1.local, offered) < 4:  # noqa: ASYNC110  it tells no client
            await asyncio.sleep(0.02)
    yield
    for node, name in ((n1, "roof-1"), (n2, "roof-2"), (n2, "roof-3"), (n1, "roof-4")):
        await call(node.local, lambda client, name=name: client.agents.undeploy(name, force=True))


async def run_cli(node, *words):
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words)


async def test_contractors_of_the_whole_cluster_bid_and_the_best_delivers(n1, roofers):
    def run(client):
        return client.tasks.wait(client.tasks.run(WALL, capability="roofing", prefer=["min:price"]))

    task = await call(n1.local, run)
    assert (task.state, task.outcome, list(task.winners)) == (
        tasks_pb2.TASK_STATE_COMPLETED,
        "done",
        ["roof-2@n2"],
    )
    (result,) = task.detail.results
    assert json.loads(result.content)["result"] == "wall: done by roof-2 on n2"
    bids = {bid.contractor: (bid.rank, round(bid.score, 2), bid.verdict) for bid in task.detail.bids}
    assert bids == {
        "roof-1@n1": (3, 0.0, "rejected"),
        "roof-2@n2": (1, 1.0, "done"),
        "roof-3@n2": (2, 0.5, "rejected"),
    }
    (note,) = task.detail.notes
    assert (note.contractor, note.what, note.detail) == ("roof-4@n1", "refused", "not taking work")
    assert task.detail.initiator == f"task~{task.task_id}@n1"
    metrics = await call(n1.local, lambda client: client.server.metrics(prefix="caxton_tasks_total"))
    assert any(sample.labels["outcome"] == "done" for metric in metrics for sample in metric.samples)


async def test_the_call_itself_may_wait_for_the_end(n1, roofers):
    def run(client):
        request = tasks_pb2.RunTaskRequest(content=WALL, capability="roofing", require=["local==true"])
        return client.tasks._call("RunTask", request, tasks_pb2.RunTaskResponse).task

    task = await call(n1.local, run)
    assert (task.outcome, list(task.winners)) == ("done", ["roof-1@n1"])


async def test_another_node_can_be_the_initiator_and_any_node_tells_of_it(n1, n2, roofers):
    def run(client):
        return client.tasks.wait(
            client.tasks.run(WALL, capability="roofing", require=["local==true"], node="n2")
        )

    task = await call(n1.local, run)
    assert (task.node, list(task.winners)) == ("n2", [task.detail.results[0].contractor])
    assert task.winners[0].endswith("@n2")
    for name in (f"{task.task_id}@n2", f"task~{task.task_id}@n2"):
        assert (await call(n1.local, lambda client, name=name: client.tasks.get(name))).outcome == "done"
    assert (await call(n2.local, lambda client: client.tasks.get(task.task_id))).outcome == "done"
    with pytest.raises(NotFound, match="node n1 has no task"):
        await call(n1.local, lambda client: client.tasks.get(task.task_id))


async def test_following_a_task_shows_it_grow_and_ends_with_it(n1, roofers):
    def follow(client):
        return list(client.tasks.follow(client.tasks.run(WALL, capability="roofing")))

    seen = await call(n1.local, follow)
    versions = [task.detail.version for task in seen]
    assert versions == sorted(versions)
    assert [task.state in OVER for task in seen] == [False] * (len(seen) - 1) + [True]


async def test_a_task_at_work_is_cancelled_from_another_node(n1, n2):
    await deploy(n1, "sleeper", guest(NEVER_DELIVERS))
    task = await call(n1.local, lambda client: client.tasks.run(WALL, contractors=["sleeper"]))
    name = f"{task.task_id}@n1"
    await call(n2.local, lambda client: client.tasks.cancel(name))
    ended = await call(n1.local, lambda client: client.tasks.wait(client.tasks.get(name)))
    assert (ended.outcome, ended.detail.reason) == ("cancelled", "cancelled by local")
    cancelled = await call(n1.local, lambda client: client.tasks.list(state="cancelled"))
    assert task.task_id in [each.task_id for each in cancelled]
    await call(n1.local, lambda client: client.agents.undeploy("sleeper", force=True))


async def test_an_order_that_cannot_be_carried_out_says_why(n1):
    with pytest.raises(InvalidArgument, match="nobody is to be called"):
        await call(n1.local, lambda client: client.tasks.run(WALL))
    with pytest.raises(InvalidArgument, match="cheap is not a preference"):
        await call(n1.local, lambda client: client.tasks.run(WALL, capability="x", prefer=["cheap"]))
    with pytest.raises(InvalidArgument, match="the task has 2,000,002 bytes"):
        await call(n1.local, lambda client: client.tasks.run(b'"' + b"x" * 2_000_000 + b'"', capability="x"))


async def test_a_viewer_may_look_but_not_run(n1):
    token = await n1.daemon.store.tokens.issue_api_token(env="test", client="looker", role=Role.VIEWER)
    assert await call(n1.remote(token), lambda client: client.tasks.list(limit=1)) is not None
    with pytest.raises(Forbidden):
        await call(n1.remote(token), lambda client: client.tasks.run(WALL, capability="x"))


# -- the command line ---------------------------------------------------------------------------------------


async def test_the_command_prints_the_result_on_stdout_and_the_course_on_stderr(n1, roofers):
    done = await run_cli(
        n1, "task", "run", "--capability", "roofing", "--data", '{"task":"wall"}', "--prefer", "min:price"
    )
    assert done.code == 0, done.err
    assert json.loads(done.out)["result"] == "wall: done by roof-2 on n2"
    assert "round 1 of 1: 4 called" in done.err
    assert 'roof-1@n1 proposes  {"price":30' in done.err
    assert "roof-4@n1 refuses  not taking work" in done.err
    assert "roof-2@n2 gets the work: score 1, the next is roof-3@n2 with 0.5" in done.err
    assert "done after" in done.err


async def test_a_task_that_is_not_done_ends_with_exit_code_1_and_the_reason(n1, roofers):
    done = await run_cli(n1, "task", "run", "-c", "roofing", "--require", "price<=5")
    assert (done.code, done.out) == (1, "")
    assert "none of 3 bids qualifies" in done.err
    name = done.err.strip().splitlines()[-1].split()[3]
    shown = await run_cli(n1, "task", "get", name)
    assert shown.code == 0, shown.err
    assert "is Failed (not-awarded): none of 3 bids qualifies" in shown.out
    assert "price<=5 is broken: price is 30" in shown.out
    assert "disqualified" in shown.out
    assert "not taking work" in shown.out


async def test_without_waiting_an_id_is_printed_that_the_other_verbs_take(n1, n2, roofers):
    begun = await run_cli(n1, "task", "run", "-c", "roofing", "--no-wait")
    name = begun.out.strip()
    assert name.endswith("@n1")
    shown = json.loads((await run_cli(n2, "task", "get", name, "-o", "json")).out)
    assert (shown["task_id"], shown["node"]) == (name.partition("@")[0], "n1")
    listed = json.loads((await run_cli(n2, "task", "list", "-o", "json")).out)
    assert name in [f"{row['task_id']}@{row['node']}" for row in listed]
    cancelled = await run_cli(n2, "task", "cancel", name)
    assert name in cancelled.out


async def test_programs_get_everything_as_json(n1, roofers):
    done = await run_cli(
        n1, "task", "run", "-c", "roofing", "--prefer", "min:price", "--winners", 2, "-o", "json"
    )
    row = json.loads(done.out)
    assert (done.code, done.err) == (0, "")
    assert row["winners"] == ["roof-2@n2", "roof-3@n2"]
    assert row["state"] == "Completed"
    assert [bid["terms"] for bid in row["detail"]["bids"] if bid["rank"] == 1] == [{"price": 10}]


async def test_nobody_with_the_capability_is_said_in_one_line(n1):
    done = await run_cli(n1, "task", "run", "-c", "nobody-can")
    assert (done.code, done.out) == (1, "")
    assert "no-contractors" in done.err


async def test_ctrl_c_leaves_the_task_at_work_and_says_how_to_end_it(n1):
    await deploy(n1, "dreamer", guest(NEVER_DELIVERS))
    words = ["--data-dir", n1.data_dir, "task", "run", "--to", "dreamer"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", MODULES["caxton"], *map(str, words), stderr=asyncio.subprocess.PIPE, cwd=ROOT
    )
    async with asyncio.timeout(30):
        while b"gets the work" not in (line := await process.stderr.readline()):
            assert line, "it ended too early"
        process.send_signal(signal.SIGINT)
        rest = (await process.stderr.read()).decode()
        assert await process.wait() == 130
    name = rest.split("caxton task cancel ")[1].split()[0]
    assert (await call(n1.local, lambda client: client.tasks.get(name))).state == tasks_pb2.TASK_STATE_WORKING
    await call(n1.local, lambda client: client.tasks.cancel(name))
    await call(n1.local, lambda client: client.agents.undeploy("dreamer", force=True))


async def test_usage_errors_are_usage_errors(n1):
    assert (await run_cli(n1, "task", "run", "-c", "x", "--prefer", "cheap")).code == 2
    assert (await run_cli(n1, "task", "get", "0" * 16)).code == 3
