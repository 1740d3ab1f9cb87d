"""Agents on a real node: changed while they work, given up when they never do, there again after a kill."""

import concurrent.futures
import json
import threading

import pytest

from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import wait_for
from tests.support.guests import faulty
from tests.support.nodes import ECHO, EXAMPLES, caxton

pytestmark = pytest.mark.story("003")
# The supervisor restarts an agent ten times within a minute; the waits before it gives up add up to 50 s.
POISONS = 12
GIVEN_UP_WITHIN_S = 90


@pytest.fixture(scope="module")
def node(lone):
    yield lone.nodes[0]
    assert "Traceback" not in lone.nodes[0].log_path.read_text()


@pytest.fixture(scope="module")
def doomed(node, tmp_path_factory):
    """Deploy an agent and poison it; by the end of the other tests its supervisor has nearly given up."""
    file = tmp_path_factory.mktemp("guests") / "doomed.wat"
    file.write_text(faulty())
    ok(caxton(node, "agent", "deploy", file))
    words = ["message", "send", "--to", "doomed", "--data", "trap", "--no-wait", "-o", "json"]
    return [json.loads(ok(caxton(node, *words)))["message_id"] for _ in range(POISONS)]


def ok(done):
    """Return what a command printed; it must have left 0."""
    assert done.returncode == 0, (done.stdout, done.stderr)
    return done.stdout


def look(node, name):
    return json.loads(ok(caxton(node, "agent", "inspect", name, "-o", "json")))


class Flow:
    """Asks an agent again and again, from several threads, until it is told to end."""

    def __init__(self, node, agent, threads=4):
        self._node, self._agent = node, agent
        self._ends = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(threads)
        self._asking = [self._pool.submit(self._ask, number) for number in range(threads)]

    def end(self):
        """Return how many answers came, and what went wrong."""
        self._ends.set()
        results = [asking.result() for asking in self._asking]
        self._pool.shutdown()
        return sum(count for count, _ in results), [wrong for _, found in results for wrong in found]

    def _ask(self, number):
        answers, wrong = 0, []
        with self._node.client() as client:
            while not self._ends.is_set():
                content = b"[%d, %d]" % (number, answers)
                try:
                    reply = client.messages.send(self._agent, content).reply
                except CaxtonError as err:
                    wrong.append(str(err))
                    break
                if reply.content != content:
                    wrong.append(f"{content!r} was answered with {reply.content!r}")
                answers += 1
        return answers, wrong


def test_an_agent_is_changed_while_messages_flow(node, doomed, tmp_path):
    second = tmp_path / "second.wat"
    second.write_text(ECHO.read_text().replace("(module\n", '(module\n  (data (i32.const 900) "two")\n', 1))
    ok(caxton(node, "agent", "deploy", ECHO, "--name", "worker", "--config", "a=1", "--config", "b=2"))
    flow = Flow(node, "worker")
    said = ok(caxton(node, "agent", "set", "worker", "--memory", "2MiB", "--log-lines", "0"))
    assert said.startswith("worker#1.0.0.1@n1 is Running, changed after ")
    said = ok(caxton(node, "agent", "update", "worker", second, "--version", "2.0.0", "--drain", "5s"))
    assert said.startswith("worker#2.0.0.1@n1 is Running, changed after ")
    ok(caxton(node, "agent", "reload", "worker", "--config", "b=3", "--keep", "image"))
    answers, wrong = flow.end()
    assert wrong == []
    assert answers > 0
    detail = look(node, "worker")["detail"]
    assert (detail["limits"]["memory_bytes"], detail["limits"]["log_lines_per_s"]) == (2**21, 0)
    assert (detail["config"], detail["keeping"], detail["restarts"]) == ({"a": 1, "b": 3}, "image", 0)


def test_the_history_tells_every_version(node):
    lines = ok(caxton(node, "agent", "history", "worker")).splitlines()
    assert lines[0].split() == ["AT", "INSTANCE", "EVENT", "FROM", "TO", "REASON"]
    moves = json.loads(ok(caxton(node, "agent", "history", "worker", "-o", "json")))
    assert len(moves) == len(lines) - 1
    started = [move["instance"] for move in reversed(moves) if move["event"] == "start"]
    assert started == ["worker#1.0.0.1@n1", "worker#2.0.0.1@n1", "worker#2.0.0.2@n1"]


def test_a_version_that_does_not_start_changes_nothing(node, tmp_path):
    broken = tmp_path / "broken.wat"
    broken.write_text(ECHO.read_text().replace('(func (export "caxton_init")', '(func (export "other")'))
    before = look(node, "worker")
    refused = caxton(node, "agent", "update", "worker", broken)
    assert (refused.returncode, "does not export caxton_init" in refused.stderr) == (2, True)
    nothing = caxton(node, "agent", "update", "worker")
    assert (nothing.returncode, "nothing is to be changed" in nothing.stderr) == (2, True)
    after = look(node, "worker")
    assert (after["instance"], after["module_sha256"]) == (before["instance"], before["module_sha256"])


def test_a_crash_loop_ends_in_failed_with_frames_and_message(node, doomed):
    def given_up():
        found = look(node, "doomed")
        return found if found["detail"]["failure"]["verdict"] else None

    failure = wait_for("doomed to be given up", given_up, within_s=GIVEN_UP_WITHIN_S)["detail"]["failure"]
    assert failure["message_id"] in doomed
    assert failure["kind"] == "unreachable"
    out = ok(caxton(node, "agent", "inspect", "doomed"))
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == "doomed#1.0.0.1@n1 is Failed"
    assert lines[lines.index("last failure") + 4] == f"message id {failure['message_id']}"
    frames = [line.split(" at ")[0].split()[-1] for line in lines if " at 0x" in line]
    assert frames == ["misbehave", "answer", "caxton_handle"]
    assert lines[-1].startswith("verdict left alone: it failed 11 times within 60 s")
    history = ok(caxton(node, "agent", "history", "doomed", "--limit", "1")).splitlines()[1]
    assert "fail" in history
    assert "unreachable: it panicked" in history


def test_after_a_kill_every_agent_is_what_it_was(node, doomed):
    ok(caxton(node, "agent", "deploy", EXAMPLES / "greeter.wasm", "--name", "idle"))
    ok(caxton(node, "agent", "stop", "idle"))
    before = {name: look(node, name) for name in ("worker", "doomed", "idle")}
    node.kill()
    node.start()
    node.wait_ready()
    after = {name: look(node, name) for name in before}
    assert {name: found["state"] for name, found in after.items()} == {
        "worker": "Running",
        "doomed": "Failed",
        "idle": "Stopped",
    }
    assert after["doomed"]["detail"]["failure"] == before["doomed"]["detail"]["failure"]
    for name in before:
        for kept in ("instance", "version", "module_sha256"):
            assert after[name][kept] == before[name][kept], (name, kept)
        for kept in ("limits", "config", "keeping", "cpu", "number"):
            assert after[name]["detail"][kept] == before[name]["detail"][kept], (name, kept)
    assert ok(caxton(node, "message", "send", "--to", "worker", "--data", "hello")) == "hello\n"
    gone = caxton(node, "message", "send", "--to", "doomed", "--data", "hello")
    assert gone.returncode != 0
    assert len(json.loads(ok(caxton(node, "agent", "history", "doomed", "-o", "json")))) > POISONS


def test_an_operator_starts_what_was_given_up(node):
    assert ok(caxton(node, "agent", "start", "doomed")) == "doomed#1.0.0.1@n1 is Running\n"
    assert ok(caxton(node, "message", "send", "--to", "doomed", "--data", "hello")) == "hello\n"
