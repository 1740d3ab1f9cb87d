"""Three real processes: one agent population, managed through any node, that outlives one of them."""

import json
import threading
from functools import partial

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from caxton_node.client import Client, Endpoint, MemberState
from caxton_node.core.errors import NotFound, Unavailable
from caxton_node.devkit.demo.nodes import wait_for
from caxton_node.devkit.demo.traffic import Traffic
from tests.support.nodes import ECHO, EXAMPLES, caxton, caxton_node, run


def deploy(node, module, *words):
    done = caxton(node, "agent", "deploy", module, *words)
    assert done.returncode == 0, done.stderr


def lists(node, name, times=1):
    return caxton(node, "agent", "list").stdout.count(name) == times


def ask(node, agent, content, timeout_s=10):
    with node.client() as client:
        answer = client.messages.send(agent, json.dumps(content).encode(), timeout_s=timeout_s)
    return json.loads(answer.reply.content), answer.reply


def states(node):
    with node.client() as client:
        return {member.node_id: MemberState.of(member) for member in client.cluster.members()}


def sees(node, member, state):
    return states(node).get(member) is state


@pytest.fixture(scope="module")
def nodes(trio):
    for node in trio.nodes:
        wait_for("three members", lambda node=node: len(states(node)) == 3, within_s=20)
    return trio.nodes


@pytest.fixture(scope="module")
def echo_on_n3(nodes):
    deploy(nodes[0], ECHO, "--name", "echo", "--node", "n3")
    for node in nodes:
        wait_for(
            "echo to be known", lambda node=node: "echo" in caxton(node, "agent", "list").stdout, within_s=10
        )


@pytest.mark.story("019")
@pytest.mark.usefixtures("echo_on_n3")
def test_a_message_reaches_an_agent_from_every_node_and_the_answer_comes_back(nodes):
    for node in nodes:
        content, reply = ask(node, "echo", {"from": node.node_id})
        assert content == {"from": node.node_id}
        assert reply.sender == "echo@n3"


@pytest.mark.story("006")
@pytest.mark.usefixtures("echo_on_n3")
def test_any_node_answers_for_the_whole_cluster(nodes):
    for node in nodes:
        inspected = caxton(node, "agent", "inspect", "echo", "-o", "json")
        assert json.loads(inspected.stdout)["node"] == "n3", inspected.stderr
    deploy(nodes[1], ECHO, "--name", "short-lived", "--node", "n3")
    assert caxton(nodes[0], "agent", "stop", "short-lived").returncode == 0
    assert "Stopped" in caxton(nodes[2], "agent", "get", "short-lived").stdout
    assert caxton(nodes[0], "agent", "start", "short-lived").returncode == 0
    assert caxton(nodes[2], "agent", "delete", "short-lived").returncode == 0
    wait_for("the agent to be forgotten", partial(lists, nodes[0], "short-lived", 0), within_s=10)


@pytest.mark.story("006")
def test_the_admin_token_of_the_founder_is_good_on_every_node(nodes, trio):
    for node in nodes:
        place = ["--endpoint", f"127.0.0.1:{node.grpc_port}", "--ca", node.data_dir / "certs" / "ca.crt"]
        listed = run("caxton", *place, "--token", trio.token, "cluster", "members", "-o", "json")
        assert listed.returncode == 0, listed.stderr
        assert len(json.loads(listed.stdout)) == 3


@pytest.mark.story("011")
def test_a_contract_net_awards_the_cheapest_bid_across_nodes(nodes):
    deploy(nodes[0], EXAMPLES / "buyer.wasm", "--node", "n1")
    for number, price in ((1, 30), (2, 20), (3, 10)):
        config = ["--config", "capability=thatching", "--config", f"price={price}"]
        deploy(
            nodes[0],
            EXAMPLES / "contractor.wasm",
            "--name",
            f"thatcher-{number}",
            "--node",
            f"n{number}",
            *config,
        )
    offered = lambda: caxton(nodes[0], "capability", "find", "thatching").stdout.count("thatcher-") == 3  # noqa: E731
    wait_for("three offers", offered, within_s=10)
    verdict, _ = ask(nodes[1], "buyer", {"task": "a roof", "capability": "thatching"})
    assert verdict["winner"] == "thatcher-3@n3"
    assert sorted(bid["price"] for bid in verdict["bids"]) == [10, 20, 30]
    assert "thatcher-3" in verdict["result"]


@pytest.mark.story("011")
def test_a_contract_net_without_bidders_ends_in_an_explicit_failure(nodes):
    content, reply = ask(nodes[0], "buyer", {"task": "x", "capability": "nobody-can"})
    assert reply.performative == "failure"
    assert content["reason"]


@pytest.mark.story("011")
@pytest.mark.usefixtures("echo_on_n3")
def test_two_agents_converse_across_nodes(nodes):
    deploy(nodes[0], EXAMPLES / "greeter.wasm", "--node", "n2")
    wait_for("greeter", partial(lists, nodes[0], "greeter"), within_s=10)
    summary, _ = ask(nodes[0], "greeter", {"talk_to": "echo", "turns": 5})
    assert summary["turns"] == 5


@pytest.mark.story("002")
@pytest.mark.usefixtures("echo_on_n3")
def test_messages_can_be_followed_as_they_are_handled(nodes):
    heard = []
    with nodes[2].client() as follower:

        def follow():
            for event in follower.messages.subscribe(["echo"]):
                if event.HasField("message"):
                    heard.append((event.message.performative, event.message.content))
                if len(heard) >= 2:
                    return

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        while thread.is_alive():  # until the subscription has begun, what is sent is not seen
            ask(nodes[0], "echo", {"seen": True})
            thread.join(0.05)
    assert ("request", b'{"seen": true}') in heard


@pytest.mark.story("019")
@pytest.mark.story("018")
@pytest.mark.usefixtures("echo_on_n3")
def test_when_a_node_is_killed_nobody_hangs_and_it_comes_back_with_its_agents(nodes):
    first, second, third = nodes
    deploy(first, ECHO, "--name", "mirror", "--node", "n2")
    deploy(first, ECHO, "--name", "mirror", "--node", "n3")
    wait_for("mirrors", partial(lists, first, "mirror", 2), within_s=10)
    with Traffic(first, "echo") as lonely, Traffic(second, "mirror") as replicated:
        flows = [lonely, replicated]
        wait_for("both to flow", lambda: all(flow.account.outcomes for flow in flows), within_s=10)
        third.kill()
        for node in (first, second):
            wait_for("n3 dead", partial(sees, node, "n3", MemberState.DEAD), within_s=30)
        by_n2 = replicated.account.outcomes["answered by n2"]
        more = lambda: replicated.account.outcomes["answered by n2"] > by_n2 + 5  # noqa: E731  a probe
        wait_for("n2 to answer alone", more, within_s=10)
    accounts = [flow.account for flow in flows]
    for account in accounts:
        assert account.hanging == 0
        assert account.slowest_s < 6
        assert {outcome.partition(" ")[0] for outcome in account.outcomes} <= {"answered", "FAILURE"}
    with first.client() as client, pytest.raises((NotFound, Unavailable)):
        client.messages.send("echo", b"{}", timeout_s=10)

    third.start()
    third.wait_ready()
    for node in (first, second):
        wait_for("n3 back", lambda node=node: states(node)["n3"] is MemberState.ALIVE, within_s=30)
        wait_for(
            "echo back", lambda node=node: "n3" in caxton(node, "agent", "list", "echo").stdout, within_s=15
        )
    content, reply = ask(first, "echo", {"again": 1})
    assert (content, reply.sender) == ({"again": 1}, "echo@n3")


@pytest.mark.story("018")
def test_a_node_that_says_goodbye_is_seen_to_have_left(nodes, trio):
    third = nodes[2]
    assert caxton_node("leave", "--data-dir", third.data_dir).returncode == 0
    assert third.process.wait(30) == 0
    third.process = None
    wait_for("n3 left", partial(sees, nodes[0], "n3", MemberState.LEFT), within_s=15)
    third.start()
    third.wait_ready()
    wait_for("n3 again", partial(sees, nodes[0], "n3", MemberState.ALIVE), within_s=20)


@pytest.mark.story("022")
def test_a_joined_node_can_sponsor_another_though_it_holds_no_ca_key(nodes, tmp_path):
    second = nodes[1]
    assert not (second.data_dir / "certs" / "ca.key").exists()
    token = caxton_node("token", "--data-dir", second.data_dir, "-q").stdout.strip()
    words = ["--token", token, "--data-dir", tmp_path / "n4", "--node-id", "n4", "--no-run"]
    joined = caxton_node("join", f"127.0.0.1:{second.grpc_port}", *words)
    assert joined.returncode == 0, joined.stderr
    assert (tmp_path / "n4" / "certs" / "node.crt").exists()


@pytest.mark.story("006")
def test_the_standard_health_service_answers_over_tls(nodes):
    ca = (nodes[0].data_dir / "certs" / "ca.crt").read_bytes()
    credentials = grpc.ssl_channel_credentials(root_certificates=ca)
    with grpc.secure_channel(f"127.0.0.1:{nodes[0].grpc_port}", credentials) as channel:
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=10)
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


@pytest.mark.story("022")
def test_a_client_without_the_ca_gets_nowhere(nodes):
    with (
        Client(Endpoint(f"127.0.0.1:{nodes[0].grpc_port}", token="x", ca_pem=None)) as client,
        pytest.raises(Unavailable),
    ):
        client.cluster.members()
