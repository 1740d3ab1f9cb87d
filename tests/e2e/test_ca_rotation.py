"""Another CA for five daemons that are at work: nobody notices."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from caxton_node.client import Client, Endpoint
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import DemoNode, free_ports, wait_for
from tests.support.ledgers import Flow, ring_of
from tests.support.nodes import caxton, found, join

pytestmark = [pytest.mark.story("022"), pytest.mark.timeout(300)]

NODES = 5
PER_SECOND = 2_000
TURNS_PER_SECOND = 5
BEFORE_S, AFTER_S = 2.0, 2.0


@dataclass(slots=True)
class Five:
    """Five daemons in a ring of flows.

    Attributes:
        nodes: The processes.
        clients: To their sockets.
        flows: From each node to the next.
        ca_pem: The CA before the change.
        token: Of an administrator.
    """

    nodes: list[DemoNode]
    clients: list[Client]
    flows: list[Flow]
    ca_pem: bytes
    token: str

    def failed_handshakes(self) -> dict[str, float]:
        """Return how many handshakes came to nothing on any node, by reason; a double dial settles itself."""
        counts: Counter[str] = Counter()
        for client in self.clients:
            for metric in client.server.metrics(prefix="caxton_mesh_refusals_total"):
                for sample in metric.samples:
                    counts[sample.labels["reason"]] += int(sample.value)
        return {reason: count for reason, count in counts.items() if count and reason != "double-dial"}


@pytest.fixture
def five(tmp_path: Path) -> Iterator[Five]:
    """Run five daemons; the founder alone holds the CA key."""
    with ExitStack() as stack:
        ports = free_ports(2 * NODES)
        nodes = [DemoNode(f"n{n}", tmp_path / f"n{n}", ports.pop(), ports.pop()) for n in range(1, NODES + 1)]
        for node in nodes:
            stack.callback(node.stop)
        token = found(nodes[0])
        for node in nodes[1:]:
            join(node, nodes[0])
        clients = [stack.enter_context(node.client()) for node in nodes]
        for client in clients:
            wait_for("five members", lambda client=client: _alive(client) == NODES, within_s=30)
        flows = ring_of(clients, [node.node_id for node in nodes])
        ca_pem = (nodes[0].data_dir / "certs" / "ca.crt").read_bytes()
        yield Five(nodes, clients, flows, ca_pem, token)


@dataclass(slots=True)
class Pressing:
    """Lets every source send at an even pace until it is told to stop."""

    five: Five
    stopping: threading.Event = field(default_factory=threading.Event)
    pushed: int = 0

    def run(self) -> None:
        """Push what each turn owes; one that comes late owes more."""
        share = len(self.five.flows)
        begun = time.monotonic()
        while not self.stopping.wait(1 / TURNS_PER_SECOND):
            owed = int((time.monotonic() - begun) * PER_SECOND) - self.pushed
            for client, flow in zip(self.five.clients, self.five.flows, strict=True):
                flow.push(client, owed // share)
            self.pushed += owed // share * share


@dataclass(slots=True)
class Calling:
    """Makes one new TLS connection after the other to every node, knowing the first CA only."""

    five: Five
    stopping: threading.Event = field(default_factory=threading.Event)
    made: int = 0
    failures: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Connect, ask and close until it is told to stop."""
        while not self.stopping.wait(0.05):
            node = self.five.nodes[self.made % NODES]
            endpoint = Endpoint(f"127.0.0.1:{node.grpc_port}", self.five.token, self.five.ca_pem)
            try:
                with Client(endpoint) as client:
                    client.server.health()
            except CaxtonError as err:
                self.failures.append(f"{node.node_id}: {err}")
            self.made += 1


def test_a_change_of_the_ca_under_load_loses_nothing_doubles_nothing_and_fails_no_handshake(
    five: Five,
) -> None:
    refused_before = five.failed_handshakes()
    pressing, calling = Pressing(five), Calling(five)
    threads = [threading.Thread(target=each.run) for each in (pressing, calling)]
    with ExitStack() as stack:
        for each, thread in zip((pressing, calling), threads, strict=True):
            thread.start()
            stack.callback(thread.join)
            stack.callback(each.stopping.set)
        _go_on(pressing, BEFORE_S)
        begun = time.monotonic()
        # Any member drives it; this one holds no CA key.
        steps = list(five.clients[3].security.rotate_authority())
        took_s = time.monotonic() - begun
        _go_on(pressing, AFTER_S)
    assert [step.step for step in steps] == ["announce", "switch", "renew", "retire"]
    assert [(step.step, node.node, node.error) for step in steps for node in step.nodes if node.error] == []
    assert len({node.node for step in steps for node in step.nodes}) == NODES
    _check_one_new_ca(five, steps[-1].primary)
    _check_books(five, pressing.pushed)
    assert five.failed_handshakes() == refused_before
    assert [_refusals(node) for node in five.nodes] == [[]] * NODES
    assert calling.failures == []
    assert calling.made > NODES
    print(f"{pressing.pushed} messages, {calling.made} connections, rotation {took_s:.2f} s")


def _go_on(pressing: Pressing, seconds: float) -> None:
    """Let the load run on for so long, by what it has pushed."""
    goal = pressing.pushed + int(seconds * PER_SECOND)
    wait_for("the load to go on", lambda: pressing.pushed >= goal, within_s=30)


def _check_one_new_ca(five: Five, primary: str) -> None:
    """See that everybody trusts the new CA alone and has a certificate of it."""
    certificates = five.clients[0].security.certificates()
    assert {(node.issuer, tuple(node.authorities)) for node in certificates} == {(primary, (primary,))}
    before = json.loads(caxton(five.nodes[0], "security", "ca", "status", "-o", "json").stdout)
    assert [ca["fingerprint"] for ca in before["authorities"]] == [primary]


def _check_books(five: Five, pushed: int) -> None:
    """See that every message was handled, once and in order."""
    sent = [flow.sent(client) for client, flow in zip(five.clients, five.flows, strict=True)]
    assert sum(sent) == pushed
    for flow, count in zip(five.flows, sent, strict=True):
        client = five.clients[0]
        wait_for("all to be handled", lambda: flow.account(client).handled >= count, within_s=30)  # noqa: B023
        account = flow.account(client)
        assert (account.handled, account.again, account.missing) == (count, 0, 0)


def _refusals(node: DemoNode) -> Sequence[str]:
    """Return the lines about refused certificates in a node's log."""
    lines = node.log_path.read_text().splitlines()
    return [line for line in lines if "refused peer" in line or "was refused" in line or "refused to" in line]


def _alive(client: Client) -> int:
    return sum(member.state == 1 for member in client.cluster.members())
