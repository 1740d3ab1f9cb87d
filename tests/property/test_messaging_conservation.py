"""Nothing lost, nothing twice, all in order, whatever happens: two nodes and the books of `tests/soak`.

The agents are real guests on real workers, so two runs of one example may differ in what comes first; what
must hold does not depend on it. A failure prints its steps, and a line with `@reproduce_failure` that replays
them.
"""

from __future__ import annotations

import asyncio
import tempfile
from inspect import isawaitable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from caxton_node.runtime.profile import Cpu
from tests.soak.node import DEAF, NOMAD, VISITOR
from tests.soak.plan import ASKER, HOMES, Act, Kind, Plan
from tests.soak.world import LATER_S, World

# Half a minute when all is well; a failure is made small for five minutes, which must not be cut short.
pytestmark = [pytest.mark.story("002"), pytest.mark.timeout(480)]

busy = ["a", "a", "a", "b", "b", *HOMES]  # where mail and trouble meet
names = st.sampled_from(busy)
node_ids = st.sampled_from(["n1", "n1", "n1", "n2"])
depths = st.sampled_from([100, 1, 2, 5, 40])
drains_s = st.sampled_from([0.0, 0.0, 0.05])
others = ["a@n1", "default/b", "d@n2", "e@n1", "client@n1", VISITOR, VISITOR, f"{DEAF}@n1", NOMAD, "nobody"]
addresses = st.sampled_from([*busy, *busy, *others])
talks = st.sampled_from(["talk-1", "talk-1", "talk-2", "talk-3", None])
acts = st.sampled_from([*[Act.NOTE] * 8, Act.SLOW, Act.SLOW, Act.FAIL, Act.TRAP, Act.BURN])
kinds = st.sampled_from([*[Kind.INFORM] * 6, Kind.ASK, Kind.FAILURE, Kind.BARE, Kind.RUBBISH])
deadlines_ms = st.sampled_from([*[None] * 6, 1, 2**42])
lives_ms = st.sampled_from([*[None] * 6, 1, 60_000])
few, many = st.sampled_from([1, 1, 2, 4]), st.sampled_from([1, 1, 3, 20])
to_one = addresses.map(lambda to: (to,))
to_several = st.lists(addresses, min_size=2, max_size=4, unique=True).map(tuple)
answers = st.builds(Plan, st.just((ASKER,)), kind=st.sampled_from([Kind.AGREE, Kind.ANSWER]))


def plans(kinds: st.SearchStrategy[Kind], *then: st.SearchStrategy[Plan]) -> st.SearchStrategy[Plan]:
    """Return messages to one receiver, who sends what is drawn from `then`."""
    follow = st.lists(st.one_of(*then), max_size=3).map(tuple) if then else st.just(())
    return st.builds(Plan, to_one, acts, talks, kinds, deadlines_ms, lives_ms, few if then else many, follow)


asks = st.sampled_from([Kind.INFORM, Kind.INFORM, Kind.ASK])
leaves = st.one_of(plans(kinds), st.builds(Plan, to_several, talk=talks), answers)
roots = plans(asks, plans(asks, leaves), leaves)
mail = st.lists(st.tuples(node_ids, roots), min_size=1, max_size=3)


def happening(what: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Return something that may happen: a method of the world and its arguments."""
    return st.tuples(st.just(what), *arguments)


yes_or_no = st.booleans()
commands = st.one_of(
    happening("deploy", names, depths, st.sampled_from([1, 3, 16]), yes_or_no, st.sampled_from([*Cpu][1:])),
    happening("reload", names, yes_or_no, drains_s),
    happening("stop", names, drains_s),
    happening("start", names),
    happening("restart", names),
    happening("undeploy", names, drains_s),
    happening("set_depth", names, depths),
)
troubles = st.one_of(
    happening("hold", names, yes_or_no),
    happening("release", names),
    happening("visit"),
    happening("cut"),
    happening("mend"),
    happening("time_passes", st.sampled_from([0.0, LATER_S])),
)


class ConservationMachine(RuleBasedStateMachine):
    """What may happen; between two steps the workers go on, but not the event loop."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.world = World(Path(self.folder.name))
        self.runner.run(self.world.open())

    @initialize(depth=depths, keeps=yes_or_no)
    def deploy_all(self, depth: int, keeps: bool) -> None:
        self.runner.run(self._deploy_all(depth, keeps))

    async def _deploy_all(self, depth: int, keeps: bool) -> None:
        for name in HOMES:
            self.world.deploy(name, depth, keeps=keeps)
            await self.world.finish_commands()

    @rule(mail=mail)
    def send(self, mail: list[tuple[str, Plan]]) -> None:
        self.runner.run(self._act(mail))

    @rule(mail=mail, command=commands, wait=yes_or_no)
    def send_and_command(self, mail: list[tuple[str, Plan]], command: tuple[Any, ...], wait: bool) -> None:
        self.runner.run(self._act(mail, command, wait=wait))

    @rule(mail=mail, trouble=troubles)
    def send_in_trouble(self, mail: list[tuple[str, Plan]], trouble: tuple[Any, ...]) -> None:
        self.runner.run(self._act(mail, trouble))

    @rule(mail=mail, node=node_ids)
    def send_and_bounce(self, mail: list[tuple[str, Plan]], node: str) -> None:
        self.runner.run(self._act(mail, ("bounce", node)))

    @rule()
    def settle(self) -> None:
        self.runner.run(self.world.settle())

    async def _act(
        self, mail: list[tuple[str, Plan]], happens: tuple[Any, ...] | None = None, *, wait: bool = False
    ) -> None:
        """Send, let something happen, and end in the midst of it unless a command is waited for."""
        for node, plan in mail:
            self.world.send(node, plan)
        if happens is not None and isawaitable(work := getattr(self.world, happens[0])(*happens[1:])):
            await work
        await (self.world.finish_commands() if wait else asyncio.sleep(0))

    def teardown(self) -> None:
        balanced = False
        try:
            self.runner.run(self.world.settle())
            balanced = True
        finally:
            self.runner.run(self.world.close(check=balanced))
            self.runner.close()
            self.folder.cleanup()


TestConservation = ConservationMachine.TestCase
TestConservation.settings = settings(
    max_examples=24,
    stateful_step_count=15,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
