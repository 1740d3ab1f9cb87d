"""What an operator sees of the turns of agents, through the real API."""

from __future__ import annotations

import pytest

from caxton_node.client import Client
from caxton_node.pb import agents_pb2 as pb
from tests.support.api import Node, call, founder
from tests.support.guests import wat

pytestmark = [pytest.mark.story("031"), pytest.mark.asyncio(loop_scope="session")]
ECHO = wat("echo").encode()


def turns(client: Client, strategy: str) -> dict[str, float]:
    """Return the metrics of turns under one strategy."""
    return {
        metric.name: sample.value
        for prefix in ("caxton_turn", "caxton_message_batch_average")
        for metric in client.server.metrics(prefix=prefix)
        for sample in metric.samples
        if sample.labels["strategy"] == strategy
    }


async def test_turns_are_counted_by_strategy(n1: Node) -> None:
    def watch(client: Client) -> tuple[dict[str, float], dict[str, float]]:
        client.agents.deploy("counted", ECHO, batching="single")
        before = turns(client, "single")
        for _ in range(5):
            client.messages.send("counted", b"1")
        after = turns(client, "single")
        client.agents.undeploy("counted")
        return before, after

    before, after = await call(n1.local, watch)
    grown = {name: after[name] - before[name] for name in after}
    assert grown["caxton_turns_total"] == 5
    assert grown["caxton_turns_full_total"] == 5
    assert grown["caxton_turn_messages_total"] == 5
    assert after["caxton_message_batch_average"] == 1.0


async def test_a_node_may_have_a_strategy_and_a_policy_of_its_own(tmp_path) -> None:
    settings = ("agents.batching=latency", "agents.protocols=warn")
    async with founder(tmp_path / "own", "n1", *settings) as node:

        def deploy(client: Client) -> list[pb.AgentDetail]:
            client.agents.deploy("plain", ECHO)
            client.agents.deploy("told", ECHO, batching="adaptive", protocols="off")
            return [client.agents.get(name).detail for name in ("plain", "told")]

        plain, told = await call(node.local, deploy)
        assert (plain.batching, plain.protocols) == (pb.BATCHING_LATENCY, pb.PROTOCOL_POLICY_WARN)
        assert (told.batching, told.protocols) == (pb.BATCHING_ADAPTIVE, pb.PROTOCOL_POLICY_OFF)
