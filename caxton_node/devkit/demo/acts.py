"""The story in order. Each act does what an operator would do and notes what it saw for the closing table."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from caxton_node.client import Client, MemberState
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import DemoNode, Stage, wait_for
from caxton_node.devkit.demo.screen import Screen
from caxton_node.devkit.demo.traffic import Account, Traffic

AGENTS = Path("sdk")
ECHO = AGENTS / "wat" / "echo.wat"
RUST = AGENTS / "rust" / "examples"
CLUSTER = "demo"
TRY_NEXT = [
    "make demo KEEP=1      # leave the cluster up and talk to it",
    "less docs/tour.md     # the life of a message, the life of a dying node",
    "make test",
]
SAMPLES = 200
FLOW_S = 1.0


@dataclass(slots=True)
class Facts:
    """What the closing table tells."""

    rows: list[tuple[str, str]] = field(default_factory=list)

    def note(self, what: str, figure: str) -> None:
        """Keep one line."""
        self.rows.append((what, figure))


@dataclass(frozen=True, slots=True)
class Demo:
    """What every act is given."""

    stage: Stage
    screen: Screen
    facts: Facts

    @property
    def nodes(self) -> list[DemoNode]:
        """Return n1, n2 and n3."""
        return self.stage.nodes

    def run(self, *words: object) -> str:
        """Show a command, run it, and return what it printed."""
        self.screen.command(*(_short(word, self.stage.root) for word in words))
        return self.stage.run(*words)


def play(demo: Demo, *, keep: bool) -> None:
    """Play all acts; `keep` says that the cluster will be left up afterwards."""
    form_cluster(demo)
    deploy_agents(demo)
    send_messages(demo)
    lose_a_node(demo)
    close(demo, keep=keep)


def form_cluster(demo: Demo) -> None:
    """Found a cluster on n1 and let n2 and n3 join it."""
    demo.screen.act("A cluster of three, from nothing")
    first, *others = demo.nodes
    began = time.monotonic()
    demo.run(
        "caxton-node", "init", "--data-dir", first.data_dir, "--node-id", first.node_id, "--cluster", CLUSTER
    )
    _start(demo, first)
    token = demo.run("caxton-node", "token", "--data-dir", first.data_dir, "--quiet").strip()
    seed = f"127.0.0.1:{first.grpc_port}"
    for node in others:
        place = ["--data-dir", node.data_dir, "--node-id", node.node_id]
        demo.run("caxton-node", "join", seed, "--token", token, *place, "--no-run")
        _start(demo, node)
    for node in demo.nodes:
        count = len(demo.nodes)
        wait_for(f"{node.node_id} to see {count} members", partial(_has_members, node, count), within_s=20)
    took = time.monotonic() - began
    demo.screen.say(f"three members, each with its own certificate, after [bold]{took:.1f} s[/]")
    demo.facts.note("cluster of three formed", f"{took:.1f} s")


def deploy_agents(demo: Demo) -> None:
    """Put agents on all three nodes, through n1 alone."""
    demo.screen.act("Agents, deployed through n1 wherever they shall run")
    _deploy(demo, ECHO, "echo", "n3")
    for node_id in ("n2", "n3"):
        _deploy(demo, ECHO, "mirror", node_id)
    _deploy(demo, RUST / "greeter.wasm", "greeter", "n2")
    _deploy(demo, RUST / "buyer.wasm", "buyer", "n1")
    for number, price in ((1, 120), (2, 95), (3, 80)):
        config = ["capability=masonry", f"price={price}"]
        _deploy(demo, RUST / "contractor.wasm", f"mason-{number}", f"n{number}", config)
    for node in demo.nodes:
        wait_for("the registry to converge", partial(_knows_agents, node, 8), within_s=10)
    demo.screen.say("every node knows all eight; n2 says:")
    demo.screen.show(demo.stage.run("caxton", "--data-dir", demo.nodes[1].data_dir, "agent", "list"))


def send_messages(demo: Demo) -> None:
    """Send across nodes: a client to an agent, agent to agent, and a contract net."""
    demo.screen.act("Messages")
    first = demo.nodes[0]
    words = ["message", "send", "--to", "echo", "--data", '{"hello": "n3"}']
    demo.screen.show(demo.run("caxton", "--data-dir", first.data_dir, *words))
    with first.client() as client:
        _measure(demo, client)
        _converse(demo, client)
        _negotiate(demo, client)


def lose_a_node(demo: Demo) -> None:
    """Kill n3 while messages flow, watch the others notice, and bring it back."""
    demo.screen.act("n3 dies without a word while messages flow")
    first, second, third = demo.nodes
    with Traffic(first, "echo") as lonely, Traffic(second, "mirror") as replicated:
        flows = [lonely, replicated]
        wait_for("messages to flow", lambda: all(flow.account.outcomes for flow in flows), within_s=5)
        _kill(demo, third, watchers=[first, second])
        time.sleep(FLOW_S)
        _bring_back(demo, third, watchers=[first, second])
        time.sleep(FLOW_S)
    for flow in flows:
        _tell(demo, flow.agent, flow.account)


def close(demo: Demo, *, keep: bool) -> None:
    """Print what was seen, and what to try next."""
    gossip = 0
    for node in demo.nodes:
        with node.client() as client:
            gossip += client.cluster.status().gossip_bytes_out
    demo.facts.note("gossip sent, since each node's last start", f"{gossip / 1024:.1f} KiB")
    demo.screen.table("What this machine just did", ["what", "figure"], demo.facts.rows)
    demo.screen.close(_to_try_while_it_runs(demo) if keep else TRY_NEXT)


def _to_try_while_it_runs(demo: Demo) -> list[str]:
    caxton = f".venv/bin/caxton --data-dir {demo.nodes[0].data_dir}"
    wall = """'{"task": "wall", "capability": "masonry"}'"""
    processes = " ".join(str(node.process.pid) for node in demo.nodes if node.process)
    return [
        f"{caxton} cluster watch",
        f"{caxton} message send --to buyer --data {wall}",
        f"kill {processes}; rm -r {demo.stage.root}      # ends it and clears up",
    ]


def _start(demo: Demo, node: DemoNode) -> None:
    demo.screen.command("caxton-node", "run", "--data-dir", node.node_id, "&")
    node.start()
    with demo.screen.waiting(f"{node.node_id} comes up"):
        node.wait_ready()


def _deploy(demo: Demo, module: Path, name: str, node: str, config: Sequence[str] = ()) -> None:
    words = ["agent", "deploy", module, "--name", name, "--node", node]
    words += [word for pair in config for word in ("--config", pair)]
    demo.run("caxton", "--data-dir", demo.nodes[0].data_dir, *words)


def _measure(demo: Demo, client: Client) -> None:
    latencies = sorted(
        client.messages.send("echo", b'{"n": 1}', timeout_s=5).latency_us / 1000 for _ in range(SAMPLES)
    )
    p50, p99 = statistics.median(latencies), latencies[int(len(latencies) * 0.99) - 1]
    demo.screen.say(f"{SAMPLES} more, n1 to n3 and back: p50 [bold]{p50:.2f} ms[/], p99 {p99:.2f} ms")
    demo.facts.note("message n1 to n3 and back, p50 / p99", f"{p50:.2f} / {p99:.2f} ms")


def _converse(demo: Demo, client: Client) -> None:
    request = json.dumps({"talk_to": "echo", "turns": 4})
    answer = client.messages.send("greeter", request.encode(), timeout_s=10)
    demo.screen.say(f"greeter on n2 talks with echo on n3: [bold]{answer.reply.content.decode()}[/]")
    demo.facts.note("conversation greeter (n2) with echo (n3), 4 turns", f"{answer.latency_us / 1000:.1f} ms")


def _negotiate(demo: Demo, client: Client) -> None:
    request = json.dumps({"task": "build a wall", "capability": "masonry"})
    answer = client.messages.send("buyer", request.encode(), timeout_s=10)
    demo.screen.say(f"buyer on n1 calls for proposals: [bold]{answer.reply.content.decode()}[/]")
    demo.facts.note("contract net, three contractors on three nodes", f"{answer.latency_us / 1000:.1f} ms")


def _kill(demo: Demo, node: DemoNode, *, watchers: Sequence[DemoNode]) -> None:
    killed_at = time.monotonic()
    demo.screen.command("kill -9", f"<{node.node_id}, pid {node.process.pid if node.process else '-'}>")
    node.kill()
    for watcher in watchers:
        with demo.screen.waiting(f"{watcher.node_id} waits for {node.node_id}'s answers"):
            seen_dead = partial(_sees, watcher, node.node_id, MemberState.DEAD)
            wait_for(f"{node.node_id} to be seen dead", seen_dead, within_s=30)
        took = time.monotonic() - killed_at
        demo.screen.say(f"{watcher.node_id} declares {node.node_id} dead after [bold]{took:.1f} s[/]")
    demo.facts.note("death of n3 known to all", f"{time.monotonic() - killed_at:.1f} s")


def _bring_back(demo: Demo, node: DemoNode, *, watchers: Sequence[DemoNode]) -> None:
    began = time.monotonic()
    _start(demo, node)
    for watcher in watchers:
        wait_for("n3 to be back", partial(_sees, watcher, "n3", MemberState.ALIVE), within_s=30)
    took = time.monotonic() - began
    demo.screen.say(f"n3 is a member again [bold]{took:.1f} s[/] after its start")
    wait_for("echo to answer again", lambda: _echo_answers(watchers[0]), within_s=15)
    demo.screen.say(f"and its agents answer {time.monotonic() - began:.1f} s after it")
    demo.facts.note("n3 a member again after its restart", f"{took:.1f} s")


def _tell(demo: Demo, agent: str, account: Account) -> None:
    outcomes = ", ".join(f"{count} {outcome}" for outcome, count in account.outcomes.most_common())
    demo.screen.say(f"{account.sent} messages to {agent}: {outcomes}; [bold]{account.hanging} hanging[/]")
    demo.facts.note(
        f"messages to {agent} meanwhile",
        f"{account.sent} sent, {account.hanging} hanging, slowest answer {account.slowest_s:.2f} s",
    )


def _has_members(node: DemoNode, count: int) -> bool:
    with node.client() as client:
        return (
            sum(MemberState.of(member) is MemberState.ALIVE for member in client.cluster.members()) == count
        )


def _knows_agents(node: DemoNode, count: int) -> bool:
    with node.client() as client:
        return sum(1 for _ in client.agents.list()) == count


def _sees(node: DemoNode, member_id: str, state: MemberState) -> bool:
    with node.client() as client:
        members = client.cluster.members()
    return any(member.node_id == member_id and MemberState.of(member) is state for member in members)


def _echo_answers(node: DemoNode) -> bool:
    with node.client() as client:
        try:
            client.messages.send("echo", b"{}", timeout_s=1)
        except CaxtonError:
            return False
    return True


def _short(word: object, root: Path) -> str:
    text = str(word).replace(f"{root}/", "")
    return f"{text[:12]}..." if text.startswith("cxj1.") else text
