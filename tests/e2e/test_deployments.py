"""Three real processes at the default pace: replicas outlive nodes, and nobody waits in vain."""

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import pytest

from caxton_node.client import MemberState
from caxton_node.core.errors import CaxtonError
from caxton_node.deployment.placement import score
from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import DemoNode, Stage, free_ports, wait_for
from caxton_node.pb import agents_pb2 as pb
from tests.support.nodes import ECHO, caxton, found, invite

pytestmark = [pytest.mark.story("026"), pytest.mark.timeout(240)]

ELSEWHERE_WITHIN_S = 10.0
ANSWER_WITHIN_S = 15.0
FAILURE = ("UNAVAILABLE", "AGENT_NOT_FOUND", "MESSAGE_DELIVERY_FAILED")
"""What a client is told of a FAILURE because a node died or cannot be reached; TIMEOUT is silence."""
LABELS = {"n1": "zone=a", "n2": "zone=b", "n3": "zone=b"}


class AtDefaultPace(DemoNode):
    """A node that notices deaths as soon as one out of the box, and has a label."""

    __slots__ = ()

    @property
    def settings(self):
        words = [word for word in super().settings if word != "swim.profile=local"]
        return [*words[:-1], "--set", f"node.labels={LABELS[self.node_id]}"]


@pytest.fixture(scope="module")
def nodes():
    stage = Stage(Interrupts())
    ports = free_ports(2 * len(LABELS))
    stage.nodes = [AtDefaultPace(node, stage.root / node, ports.pop(), ports.pop()) for node in LABELS]
    with stage:
        first, *others = stage.nodes
        found(first)
        for node in others:
            invite(node, first)
            node.start()
        for node in others:
            node.wait_ready()
        for node in stage.nodes:
            wait_for(
                "all to be seen",
                lambda node=node: nodes_that_are(MemberState.ALIVE, node) == set(LABELS),
                within_s=30,
            )
        yield {node.node_id: node for node in stage.nodes}


def nodes_that_are(state, node):
    with node.client() as client:
        return {found.node_id for found in client.cluster.members() if MemberState.of(found) is state}


def sees_all(node):
    return nodes_that_are(MemberState.ALIVE, node) == set(LABELS)


def running(client, name):
    """Return where an agent runs, as one node knows."""
    return {found.node for found in client.agents.list(name=name) if found.state == pb.AGENT_STATE_RUNNING}


@dataclass
class Asker:
    """Sends a request every tenth of a second, each in a thread of its own, and notes the answers."""

    node: DemoNode
    agent: str
    answers: list[tuple[float, str]] = field(default_factory=list)
    sent: int = 0
    is_over: threading.Event = field(default_factory=threading.Event)
    threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self):
        self.client = self.node.client().__enter__()
        self.threads.append(threading.Thread(target=self._send_all))
        self.threads[0].start()
        return self

    def __exit__(self, *error):
        self.is_over.set()
        self.threads[0].join()
        for thread in self.threads:
            thread.join(2 * ANSWER_WITHIN_S)
        self.client.__exit__(*error)

    def _send_all(self):
        while not self.is_over.wait(0.1):
            self.sent += 1
            thread = threading.Thread(target=self._ask)
            self.threads.append(thread)
            thread.start()

    def _ask(self):
        at = time.monotonic()
        try:
            answer = self.client.messages.send(self.agent, b'"still there?"', timeout_s=ANSWER_WITHIN_S)
            self.answers.append((at, answer.reply.performative))
        except CaxtonError as err:
            self.answers.append((at, err.code))


def name_for(node):
    """Return a name whose only replica falls to a node, as every node computes it."""
    names = (f"single-{number}" for number in range(1000))
    return next(
        name for name in names if max(LABELS, key=lambda each: score(f"default/{name}", each)) == node
    )


def test_a_killed_nodes_replicas_run_elsewhere_in_ten_seconds_and_every_request_is_answered(nodes):
    done = caxton(nodes["n1"], "deployment", "create", ECHO, "--replicas", "2", "--wait", "20s")
    assert done.returncode == 0, done.stderr
    row = json.loads(caxton(nodes["n3"], "deployment", "get", "echo", "-o", "json").stdout)
    victim, other = (replica["node"] for replica in row["detail"]["replicas"])
    witness = next(node for name, node in nodes.items() if name not in {victim, other})
    single = name_for(victim)
    done = caxton(nodes["n2"], "deployment", "create", ECHO, "--name", single, "--wait", "20s")
    assert done.returncode == 0, done.stderr
    with witness.client() as client, Asker(witness, "echo") as both, Asker(witness, single) as one:
        assert running(client, single) == {victim}
        wait_for("some answers", lambda: min(len(both.answers), len(one.answers)) > 10, within_s=20)
        nodes[victim].kill()
        killed_at = time.monotonic()
        is_dead = lambda: victim in nodes_that_are(MemberState.DEAD, witness)  # noqa: E731
        wait_for("its death to be known", is_dead, within_s=30)
        known_s = time.monotonic() - killed_at
        moved = lambda: len(running(client, "echo")) == 2 and len(running(client, single)) == 1  # noqa: E731
        wait_for("all that were there", moved, within_s=30)
        elsewhere_at = time.monotonic()
        for asker in (both, one):
            wait_for("more answers", lambda asker=asker: asker.answers[-1][0] > elsewhere_at, within_s=20)
    print(f"dead after {known_s:.2f} s, elsewhere after {elsewhere_at - killed_at:.2f} s")
    assert elsewhere_at - killed_at < ELSEWHERE_WITHIN_S
    for asker in (both, one):
        words = Counter(word for _, word in asker.answers)
        print(f"{asker.agent}: {asker.sent} asked, {dict(words)}")
        assert len(asker.answers) == asker.sent, "a request got neither an answer nor FAILURE"
        assert set(words) <= {"inform", *FAILURE}, "silence"
        assert {word for at, word in asker.answers if at > elsewhere_at + 1} <= {"inform"}

    nodes[victim].start()
    nodes[victim].wait_ready()
    with witness.client() as client:
        wait_for("two where they were", lambda: running(client, "echo") == {victim, other}, within_s=30)
        wait_for("one where it was", lambda: running(client, single) == {victim}, within_s=30)


def test_constraints_spread_and_scale_are_obeyed(nodes):
    words = ["--name", "placed", "--replicas", "all", "--constraint", "zone=b", "--wait", "20s"]
    done = caxton(nodes["n1"], "deployment", "create", ECHO, *words)
    assert done.returncode == 0, done.stderr
    with nodes["n2"].client() as client:
        wait_for("zone b", lambda: running(client, "placed") == {"n2", "n3"}, within_s=20)
        words = ["--no-constraint", "--replicas", "2", "--spread", "zone", "--wait", "20s"]
        assert caxton(nodes["n3"], "deployment", "update", "placed", *words).returncode == 0
        zones = lambda: sorted(LABELS[node] for node in running(client, "placed"))  # noqa: E731
        wait_for("one in each zone", lambda: zones() == ["zone=a", "zone=b"], within_s=20)
        assert caxton(nodes["n2"], "deployment", "delete", "placed").returncode == 0
        wait_for("none", lambda: not running(client, "placed"), within_s=20)
