"""Budgets against any interleaving: nothing is created, nothing vanishes uncounted, nobody is slandered."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import count
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import Raw

from caxton_node.fipa import BrokenRule, Envelope, Performative
from caxton_node.messaging.budget import (
    METERED_TURN,
    TURN,
    Amounts,
    Budgets,
    Grant,
    Sending,
    Usage,
    read_grant,
    take_wish,
    write_grant,
)
from caxton_node.messaging.budget.shares import Part, divide
from caxton_node.messaging.budget.spending import OTHERS

pytestmark = [pytest.mark.story("016"), pytest.mark.story("030")]

NODES = 3
AGENTS = [f"agent-{number}@n{number % NODES}" for number in range(6)]
TALKS = ("one", "two", "three")
NAMES = Usage._fields

agents, talks = st.sampled_from(AGENTS), st.sampled_from(TALKS)
small = st.integers(0, 30)
usages = st.builds(Usage, small, small, st.just(0), st.just(0), small)
limited = st.builds(Amounts, *[st.integers(0, 100)] * 5)
wishes = st.none() | st.builds(Amounts, *[st.none() | st.integers(0, 40)] * 5)
plans = st.lists(
    st.tuples(agents, st.none() | talks, st.booleans(), st.booleans(), st.integers(0, 9), wishes), max_size=4
)


@dataclass(frozen=True)
class Flying:
    """A message that is nowhere but on its way."""

    grant: Grant
    sender: str
    receiver: str
    conversation: str | None
    reply_with: str
    is_failure: bool = False


class BudgetMachine(RuleBasedStateMachine):
    """Six agents on three nodes; what is on its way may be handled, fail or be lost at any later time."""

    purses_max = 1_000

    def __init__(self) -> None:
        super().__init__()
        self.nodes = [Budgets(self.purses_max) for _ in range(NODES)]
        self.flying: list[Flying] = []
        self.numbers = count()
        self.used: dict[tuple[tuple[str, str], str], Usage] = {}
        self.all_limited = True

    def node_of(self, agent: str) -> Budgets:
        return self.nodes[int(agent[-1])]

    def send(self, agent: str, sendings: list[Sending], **more: Any) -> None:
        for sending, verdict in zip(sendings, self.node_of(agent).pay(agent, sendings, **more), strict=True):
            if isinstance(verdict, Grant):
                self.note(verdict, agent, Usage(messages=1, bytes=sending.content_bytes))
                asked = f"r-{next(self.numbers)}"
                self.flying.append(Flying(verdict, agent, sending.receiver, sending.conversation, asked))

    def note(self, grant: Grant, agent: str, usage: Usage) -> None:
        row = grant.key, agent
        self.used[row] = self.used.get(row, Usage()).plus(usage)

    def send_back(self, grant: Grant, failed: Flying) -> None:
        """Let the platform say FAILURE, or nothing about a FAILURE."""
        if failed.is_failure:
            self.node_of(failed.receiver).lose(grant)
            return
        refund = msgspec.structs.replace(grant, refund=True)
        self.flying.append(Flying(refund, failed.receiver, failed.sender, failed.conversation, "", True))

    def begin(self, message: Flying) -> None:
        self.node_of(message.receiver).credit(
            message.receiver,
            message.grant,
            conversation=message.conversation,
            giver=message.sender,
            reply_with=message.reply_with,
        )

    def charge(self, message: Flying, usage: Usage) -> None:
        beyond = self.node_of(message.receiver).charge(message.receiver, message.grant, usage)
        self.note(message.grant, message.receiver, usage.minus(beyond))

    def take(self, at: int) -> Flying:
        return self.flying.pop(at % len(self.flying))

    @initialize(all_limited=st.booleans())
    def choose(self, all_limited: bool) -> None:
        self.all_limited = all_limited

    # -- what may happen ------------------------------------------------------------------------------------

    @rule(
        agent=agents, talk=talks, amounts=limited, loose=wishes, to=st.lists(agents, min_size=1, max_size=4)
    )
    def open(self, agent: str, talk: str, amounts: Amounts, loose: Amounts | None, to: list[str]) -> None:
        wish = amounts if self.all_limited or loose is None else loose
        self.send(agent, [Sending(receiver, talk, wish=wish, content_bytes=3) for receiver in to])

    @precondition(lambda self: self.flying)
    @rule(
        at=small,
        needs=st.sampled_from([METERED_TURN, TURN, ()]),
        again=st.booleans(),
        usage=usages,
        plan=plans,
    )
    def handle(self, at: int, needs: tuple[str, ...], again: bool, usage: Usage, plan: list[Any]) -> None:
        message = self.take(at)
        refused = self.node_of(message.receiver).admit(message.receiver, message.grant, needs)
        if refused is not None:
            assert refused.is_kept == message.grant.refund
            if not refused.is_kept:
                self.send_back(message.grant, message)
            return
        if again:  # its receiver was lost before it came to it
            self.flying.append(message)
            return
        self.begin(message)
        self.charge(message, usage)
        sendings = [
            Sending(
                message.sender if answers else to,
                message.conversation if answers else talk,
                message.reply_with if answers else None,
                promises,
                size,
                None if self.all_limited else wish,
            )
            for to, talk, answers, promises, size, wish in plan
        ]
        self.send(message.receiver, sendings, turn=message.grant)

    @precondition(lambda self: self.flying)
    @rule(at=small, usage=usages)
    def trap(self, at: int, usage: Usage) -> None:
        message = self.take(at)
        self.begin(message)
        self.charge(message, usage)
        back = self.node_of(message.receiver).take_back(message.receiver, message.grant)
        for name in NAMES:
            assert (getattr(back, name) or 0) <= (getattr(message.grant, name) or 0)
        self.send_back(back, message)

    @precondition(lambda self: self.flying)
    @rule(at=small)
    def fail(self, at: int) -> None:
        message = self.take(at)
        self.send_back(message.grant, message)

    @rule(agent=agents, plan=plans, keep=st.booleans())
    def say_outside_of_a_turn(self, agent: str, plan: list[Any], keep: bool) -> None:
        sendings = [
            Sending(to, talk, None, promises, size, None if self.all_limited else wish)
            for to, talk, _, promises, size, wish in plan
        ]
        self.send(agent, sendings, keep=keep)

    @precondition(lambda self: self.flying)
    @rule(at=small, cost=small)
    def call_a_tool(self, at: int, cost: int) -> None:
        message = self.take(at)
        self.begin(message)
        usage = Usage(cost=cost)
        if self.node_of(message.receiver).spend(message.receiver, message.grant, usage) is None:
            self.note(message.grant, message.receiver, usage)

    @rule(agent=agents, talk=talks)
    def leave(self, agent: str, talk: str) -> None:
        self.node_of(agent).close(agent, talk)

    # -- what must hold -------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_created_and_nothing_vanishes(self) -> None:
        granted, there = Counter[str](), Counter[str]()
        for budgets in self.nodes:
            ledger = budgets.ledger
            granted.update(ledger.granted._asdict())
            for part in (ledger.spent, ledger.unused, ledger.lost, *map(Amounts.counted, lefts(budgets))):
                there.update(part._asdict())
        for message in self.flying:
            there.update(message.grant.carried.counted()._asdict())
        assert there == granted

    @invariant()
    def no_purse_owes_anything(self) -> None:
        for budgets in self.nodes:
            assert all(amount is None or amount >= 0 for left in lefts(budgets) for amount in left)

    @invariant()
    def what_was_limited_is_paid_to_the_last_unit(self) -> None:
        if self.all_limited:
            spent, used = Counter[str](), Counter[str]()
            for budgets in self.nodes:
                spent.update(budgets.ledger.spent._asdict())
            for usage in self.used.values():
                used.update(usage._asdict())
            assert spent == used

    @invariant()
    def nobody_is_said_to_have_spent_more_than_he_has(self) -> None:
        for message in self.flying:
            for agent, said in message.grant.spent.items():
                true = self.used.get((message.grant.key, agent), Usage())
                assert agent == OTHERS or true.joined(said) == true

    @invariant()
    def the_books_of_every_node_agree_with_its_purses(self) -> None:
        for budgets in self.nodes:
            purses = budgets._purses
            known = list(purses._budgets.values())
            assert purses.count == sum(len(budget.purses) for budget in known) <= self.purses_max
            assert purses._rows == sum(len(budget.spending.rows) for budget in known)
            assert purses._keys == sum(len(p.keys) for budget in known for p in budget.purses.values())
            pairs = Counter(key[1] for key in purses.payers if len(key) == 2)
            assert dict(budgets.conversations) == pairs
            for key, budget in purses.payers.items():
                assert purses._budgets[budget.key] is budget
                assert key in budget.purses[key[0]].keys


def lefts(budgets: Budgets) -> list[Amounts]:
    known = budgets._purses._budgets.values()
    return [purse.left for budget in known for purse in budget.purses.values()]


class CrowdedMachine(BudgetMachine):
    """The same with hardly any room, so that purses are dropped all the time."""

    purses_max = 2


TestBudgets = BudgetMachine.TestCase
TestBudgets.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestCrowdedBudgets = CrowdedMachine.TestCase
TestCrowdedBudgets.settings = TestBudgets.settings


@given(
    st.integers(0, 10**15),
    st.lists(st.tuples(st.sampled_from(Part), st.none() | st.integers(0, 10**15)), max_size=8),
    st.booleans(),
)
def test_a_division_gives_no_more_than_there_is_and_answers_leave_nothing(
    left: int, plan: list[tuple[Part, int | None]], keep: bool
) -> None:
    parts = [(part, Amounts(fuel=wish)) for part, wish in plan]
    shares = [share.fuel or 0 for share in divide(Amounts(fuel=left), parts, keep=keep)]
    assert len(shares) == len(plan)
    assert min(shares, default=0) >= 0
    assert sum(shares) <= left
    if any(part is Part.ANSWER and wish is None for part, wish in plan):
        assert sum(shares) == left
    for share, (part, wish) in zip(shares, plan, strict=True):
        assert wish is None or share <= wish
        assert share == 0 or part is not Part.PROMISE or wish is not None


values: Any = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=9)
    | st.binary(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.sampled_from([*NAMES, "spent", "initiator", "mesages"]) | st.text(max_size=5),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(values.map(msgspec.msgpack.encode) | st.binary(max_size=60))
def test_whatever_a_guest_writes_is_a_wish_or_a_broken_rule(value: bytes) -> None:
    envelope = Envelope(Performative.INFORM, conversation_id="talk", headers={"budget": Raw(value)})
    try:
        wish = take_wish(envelope)
    except BrokenRule:
        return
    assert wish is None or all(amount is None or amount >= 0 for amount in wish)
    grant = read_grant(Raw(value))
    assert grant is None or read_grant(write_grant(grant)) == grant
