"""Hostile guests, dying processes and clumsy operators: nodes answer, heal and account for every message."""

import concurrent.futures
import json
import signal
import socket
import subprocess
from collections import Counter

import msgpack
import pytest

from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import BIN, DemoNode, free_ports, wait_for
from tests.support.guests import tiny
from tests.support.nodes import ECHO, caxton

PAGE = 65_536
OUTBOX = 16 * PAGE


def blaster(receiver, count):
    """Return a guest that says `count` requests to `receiver` whenever it is called."""
    envelope = msgpack.packb([0x13, None, receiver, b"1", None, "r"])
    frame = len(envelope).to_bytes(4, "little") + envelope
    inbox = OUTBOX + (len(frame) * count // PAGE + 1) * PAGE
    text = "".join(f"\\{byte:02x}" for byte in frame)
    return tiny(
        memory=str(inbox // PAGE + 20),
        inbox=f"(i32.const {inbox})",
        extra=f"""(data (i32.const 4096) "{text}")
          (func $count (param $at i32) (param $end i32) (local $n i32)
            (loop $next
              (local.set $at (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
              (local.set $n (i32.add (local.get $n) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
            (call $handled (local.get $n)))
          (func $say (param $to i32) (local $i i32)
            (loop $next
              (i32.store8 (i32.add (local.get $to) (local.get $i))
                (i32.load8_u offset=4096 (local.get $i)))
              (local.set $i (i32.add (local.get $i) (i32.const 1)))
              (br_if $next (i32.lt_u (local.get $i) (i32.const {len(frame)})))))""",
        handle=f"""(local $i i32)
          (call $count (i32.const {inbox}) (i32.add (i32.const {inbox}) (local.get 0)))
          (loop $next
            (call $say (i32.add (i32.const {OUTBOX}) (i32.mul (local.get $i) (i32.const {len(frame)}))))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $i) (i32.const {count}))))
          (call $out (i32.const {OUTBOX}) (i32.const {len(frame) * count}))
          (i32.const 0)""",
    )


def ask(node, agent, timeout_s=20):
    """Send one request; return OK or the code of the error."""
    with node.client() as client:
        try:
            client.messages.send(agent, b"1", timeout_s=timeout_s)
        except CaxtonError as err:
            return err.code
    return "OK"


def settled(node):
    """Return the counts of a node once nothing is in flight, None before."""
    with node.client() as client:
        counts = client.cluster.status().messages
    done = counts.delivered + counts.forwarded + counts.refused + counts.dead_lettered + counts.handed_back
    return counts if not counts.in_flight and counts.accepted == done else None


def sees(node, count):
    """Tell whether a node has so many alive members."""
    with node.client() as client:
        return client.cluster.status().members_alive == count


@pytest.fixture(scope="module")
def nodes(trio):
    for node in trio.nodes:
        wait_for("all to meet", lambda node=node: sees(node, 3), within_s=30)
        deployed = caxton(
            trio.nodes[0], "agent", "deploy", ECHO, "--name", node.node_id, "--node", node.node_id
        )
        assert deployed.returncode == 0, deployed.stderr
    yield trio.nodes
    for node in trio.nodes:
        wait_for(f"the accounts of {node.node_id}", lambda node=node: settled(node), within_s=20)
        assert "Traceback" not in node.log_path.read_text()


@pytest.mark.story("031")
def test_an_agent_that_floods_another_node_does_not_take_its_own_node_away(nodes, tmp_path):
    n1, n2, _ = nodes
    (tmp_path / "blast.wat").write_text(blaster("n2", 10_000))
    limits = ["--fuel", "2000000000", "--memory", "64MiB"]
    deployed = caxton(n1, "agent", "deploy", tmp_path / "blast.wat", "--name", "blast", *limits)
    assert deployed.returncode == 0, deployed.stderr
    try:
        with n1.client() as client:
            for _ in range(3):
                client.messages.send("blast", b"1", wait=False)
        wait_for("the flood", lambda: counts_of(n1).forwarded > 20_000, within_s=20)
        assert ask(n1, "n1") == "OK"
        wait_for("n2 to see all in the midst of it", lambda: sees(n2, 3), within_s=30)
    finally:
        removed = caxton(n1, "agent", "undeploy", "blast", "--force")
    assert removed.returncode == 0, removed.stderr
    assert ask(n1, "n2") == "OK"


def counts_of(node):
    """Return the counts of a node as they are."""
    with node.client() as client:
        return client.cluster.status().messages


@pytest.mark.story("018")
def test_every_request_ends_while_a_node_is_killed_and_comes_back(nodes):
    n1, _, n3 = nodes

    def many(number):
        answers = Counter(ask(n1, f"n{1 + (number + turn) % 3}") for turn in range(150))
        if number == 0:
            n3.kill()
        return answers

    with concurrent.futures.ThreadPoolExecutor(8) as threads:
        answers = sum(threads.map(many, range(16)), Counter())
    n3.start()
    n3.wait_ready()
    assert sum(answers.values()) == 16 * 150
    assert set(answers) <= {"OK", "UNAVAILABLE", "AGENT_NOT_FOUND"}
    for node in nodes:
        wait_for("all to meet again", lambda node=node: sees(node, 3), within_s=30)
    wait_for("the agent of the node that came back", lambda: ask(n1, "n3") == "OK", within_s=30)


@pytest.mark.story("018")
def test_a_node_that_was_frozen_is_a_member_again(nodes):
    n1, n2, _ = nodes
    n2.process.send_signal(signal.SIGSTOP)
    try:
        wait_for("n2 to be missed", lambda: sees(n1, 2), within_s=30)
    finally:
        n2.process.send_signal(signal.SIGCONT)
    for node in nodes:
        wait_for("all to meet again", lambda node=node: sees(node, 3), within_s=30)
    wait_for("an answer from n2", lambda: ask(n1, "n2") == "OK", within_s=30)


@pytest.mark.story("022")
def test_garbage_and_silence_on_every_port_change_nothing(nodes):
    n1 = nodes[0]
    garbage = bytes(range(256)) * 4
    silent = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for first in range(256):
            udp.sendto(bytes([first]) + garbage, ("127.0.0.1", n1.mesh_port))
    for port in (n1.mesh_port, n1.grpc_port):
        for _ in range(50):
            with socket.create_connection(("127.0.0.1", port), timeout=5) as tcp:
                tcp.sendall(garbage)
            silent.append(socket.create_connection(("127.0.0.1", port), timeout=5))
    try:
        assert [ask(n1, agent) for agent in ("n1", "n2", "n3")] == ["OK"] * 3
        assert sees(n1, 3)
    finally:
        for connection in silent:
            connection.close()


@pytest.mark.story("004")
def test_of_two_daemons_that_start_at_once_on_one_directory_one_runs(tmp_path):
    ports = free_ports(4)
    first, second = (DemoNode("n", tmp_path / "n", *ports[at : at + 2]) for at in (0, 2))
    words = ["--data-dir", first.data_dir, "--node-id", "n", "--cluster", "test", "-o", "json"]
    made = subprocess.run([BIN / "caxton-node", "init", *words], capture_output=True, check=True)
    assert json.loads(made.stdout)["admin_token"]
    first.start()
    second.start()
    try:
        ended = wait_for("one to give up", lambda: ended_of(first, second), within_s=20)
        assert ended.process.returncode == 1
        assert "another node runs with this data directory" in first.log_path.read_text()
        (first if ended is second else second).wait_ready()
    finally:
        first.stop()
        second.stop()


def ended_of(*daemons):
    """Return the daemon that has ended, None while both run."""
    return next((daemon for daemon in daemons if daemon.process.poll() is not None), None)
