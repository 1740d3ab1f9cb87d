"""Who pays for what: purses are filled by what messages bring, and emptied by what turns use and send.

A budget is known by its initiator and the conversation that opened it. Shares of it travel in messages, so
no node has to agree with another: what a message carries is in no purse, and what is in a purse is in no
message. At any moment, over all nodes and in whole numbers,

    granted = in purses + in messages + spent + unused + lost

for every amount; a property test holds this up against any interleaving of what can happen.

A purse is found by the exact request that a message answers, then by the turn that sends it, then by its
conversation. So who answers pays from what came with the question, and whatever else a turn says, in this
conversation or another, is paid from what came with the message that it handles. Only whoever opened a budget
is not held by it: it may go on in other conversations at its own expense, as it could before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from threading import Lock

from caxton_node.messaging.budget.amounts import Amounts, Usage
from caxton_node.messaging.budget.header import Grant
from caxton_node.messaging.budget.purses import Budget, Ledger, Purse, Purses
from caxton_node.messaging.budget.sending import Sending
from caxton_node.messaging.budget.shares import NO_WISH, Part, divide
from caxton_node.messaging.budget.verdicts import Bill, Exhausted

PURSES_MAX = 32_768

METERED_TURN = ("time_us", "fuel")
TURN = ("time_us",)
"""What must be left to handle a message, for an agent whose fuel is counted and for another."""

Verdict = Grant | Exhausted | None


class Budgets:
    """The budgets of this node's agents; any thread may use them.

    Args:
        purses_max: Purses kept.

    Attributes:
        ledger: What became of all amounts.
        conversations: Those of which a message may have to be paid here, as keys; ask `concerns` about it.
            Empty as long as no budget has come by.
    """

    def __init__(self, purses_max: int = PURSES_MAX) -> None:
        self.ledger = Ledger()
        self._purses = Purses(purses_max, self.ledger)
        self._lock = Lock()
        self._payers = self._purses.payers
        self.conversations: Mapping[str, int] = self._purses.conversations

    def __len__(self) -> int:
        """Return how many purses there are."""
        return self._purses.count

    @property
    def dropped(self) -> int:
        """Return how many purses had to make room."""
        return self._purses.dropped

    def concerns(
        self, agent: str, conversation: str | None, receiver: str = "", in_reply_to: str | None = None
    ) -> bool:
        """Tell whether a message outside of a paid turn must be paid; takes no lock."""
        asked = agent, conversation or "", receiver, in_reply_to
        return (agent, conversation) in self._payers or asked in self._payers

    # -- the way in -----------------------------------------------------------------------------------------

    def admit(self, agent: str, grant: Grant, needs: Collection[str]) -> Exhausted | None:
        """Tell whether a message may be handled, with what it carries and what its receiver has.

        What it carries stays its own until then: it goes back if the message is given up, and is not counted
        twice if the message waits once more. Only a refund that cannot be handled is taken in at once.

        Args:
            agent: The receiver, `name@node`.
            grant: What the message carries.
            needs: What must be left to handle it: `METERED_TURN` or `TURN`.

        Returns:
            None if it may be; else why it is given up.
        """
        with self._lock:
            budget, purse = self._find(agent, grant)
            budget.spending.join(grant.spent)
            self._purses.count_rows(budget)
            sum_ = purse.left.plus(grant.carried)
            lacking = next((name for name in needs if getattr(sum_, name) == 0), None)
            if lacking is None:
                return None
            if grant.refund:
                self._put(purse, grant.carried)
            return self._refuse(budget, agent, purse, lacking, is_kept=grant.refund)

    def credit(
        self,
        agent: str,
        grant: Grant,
        *,
        conversation: str | None = None,
        giver: str | None = None,
        reply_with: str | None = None,
    ) -> None:
        """Take what a message carries into its receiver's purse, since it is being handled.

        Args:
            agent: The receiver, `name@node`.
            grant: What the message carries.
            conversation: The message's own conversation.
            giver: Where its answer goes: its `reply_to`, or its sender.
            reply_with: What its answer will name.
        """
        with self._lock:
            budget, purse = self._find(agent, grant)
            budget.spending.join(grant.spent)
            self._purses.count_rows(budget)
            self._put(purse, grant.carried)
            if conversation is not None:
                self._purses.know(budget, purse, (agent, conversation), is_news=True)
            if giver and reply_with and not grant.refund:
                asked = agent, conversation or "", giver, reply_with
                self._purses.know(budget, purse, asked, is_news=True)

    def charge(self, agent: str, turn: Grant, usage: Usage) -> Usage:
        """Charge what a turn has used, as far as the purse reaches.

        Returns:
            What is beyond it and nobody pays.
        """
        with self._lock:
            budget, purse = self._find(agent, turn)
            paid = purse.left.part_of(usage)
            self._take(budget, agent, purse, paid)
            beyond = usage.minus(paid)
            self.ledger.overdrawn = self.ledger.overdrawn.plus(beyond)
            return beyond

    # -- the way out ----------------------------------------------------------------------------------------

    def pay(
        self, agent: str, sendings: Iterable[Sending], *, turn: Grant | None = None, keep: bool = True
    ) -> list[Verdict]:
        """Pay for what an agent sends at once, and say what each message carries.

        Call it once for all that a turn sends, after `charge`, since the purse is divided among them. The
        first message with a wish in a conversation that has no budget opens one; the same wish in further
        messages of this call is that grant again, not a share of it.

        Args:
            agent: The sender, `name@node`.
            sendings: One for each message and receiver, in order.
            turn: What the message carried that the agent handles; None outside of a paid turn.
            keep: Whether a share stays with the sender; a client gives all along.

        Returns:
            For each: what it carries; or why it is given up; or None when no budget is concerned.
        """
        waiting = list(sendings)
        verdicts: list[Verdict] = [None] * len(waiting)
        with self._lock:
            for budget, numbers in self._payers_of(agent, waiting, turn):
                paid = self._pay_from(budget, agent, [waiting[number] for number in numbers], keep)
                for number, verdict in zip(numbers, paid, strict=True):
                    verdicts[number] = verdict
        return verdicts

    def spend(self, agent: str, turn: Grant, usage: Usage) -> Exhausted | None:
        """Pay for something beforehand, such as the call of a tool, or for nothing if there is too little."""
        with self._lock:
            budget, purse = self._find(agent, turn)
            lacking = purse.left.first_lacking(usage)
            if lacking is not None:
                return self._refuse(budget, agent, purse, lacking)
            self._take(budget, agent, purse, usage)
            return None

    # -- the ends -------------------------------------------------------------------------------------------

    def take_back(self, agent: str, grant: Grant) -> Grant:
        """Take out again what a message brought, as far as it is left: its receiver failed in handling it."""
        with self._lock:
            budget, purse = self._find(agent, grant)
            return self._carry(budget, purse, [(Part.ANSWER, grant.carried)], keep=False)[0]

    def lose(self, grant: Grant) -> None:
        """Count what a message carried that reached nobody and comes back to nobody."""
        with self._lock:
            self.ledger.lost = self.ledger.lost.plus(grant.carried.counted())

    def close(self, agent: str, conversation: str) -> Bill | None:
        """Take the purse away from an initiator who has gone, and return how it stood; None without one."""
        with self._lock:
            budget = self._purses.find(agent, conversation)
            if budget is None or agent not in budget.purses:
                return None
            purse, spent = self._purses.remove(budget, agent), dict(budget.spending.rows)
            self.ledger.unused = self.ledger.unused.plus(purse.left.counted())
            return Bill(purse.left._asdict(), spent)

    # -- who pays -------------------------------------------------------------------------------------------

    def _find(self, agent: str, grant: Grant) -> tuple[Budget, Purse]:
        budget = self._purses.budget_of(grant)
        return budget, self._purses.purse_of(budget, agent, grant.carried.emptied())

    def _payers_of(
        self, agent: str, waiting: list[Sending], turn: Grant | None
    ) -> list[tuple[Budget, list[int]]]:
        """Say which budget pays for which messages, by number; those that nobody pays are left out."""
        budgets: dict[tuple[str, str], Budget] = {}
        numbers: dict[tuple[str, str], list[int]] = {}
        opened: dict[tuple[str, str], Amounts | None] = {}
        for number, sending in enumerate(waiting):
            budget = self._payer_of(agent, sending, turn)
            if budget is None and sending.wish is not None and sending.conversation is not None:
                budget = self._open(agent, sending.conversation, sending.wish)
                opened[budget.key] = sending.wish
            if budget is None:
                continue
            if budget.key in opened and opened[budget.key] == sending.wish:
                waiting[number] = sending._replace(wish=None)  # the grant itself, for each of its receivers
            budgets[budget.key] = budget  # the latest: an earlier one may have had to make room meanwhile
            numbers.setdefault(budget.key, []).append(number)
        return [(budget, numbers[key]) for key, budget in budgets.items()]

    def _payer_of(self, agent: str, sending: Sending, turn: Grant | None) -> Budget | None:
        conversation, asked = sending.conversation or "", sending.asked(agent)
        if turn is None or turn.initiator == agent:
            known = self._payers.get(asked) or self._payers.get((agent, conversation))
            return known or self._purses.find(agent, conversation)
        budget = self._purses.budget_of(turn)
        purse = budget.purses.get(agent)
        if purse is not None and asked in purse.keys:
            return budget
        return self._payers.get(asked) or budget

    def _open(self, agent: str, conversation: str, granted: Amounts) -> Budget:
        budget = Budget(agent, conversation, granted.emptied())
        purse = self._purses.purse_of(budget, agent)
        self._purses.know(budget, purse, (agent, conversation), is_news=True)
        self._put(purse, granted)
        self.ledger.granted = self.ledger.granted.plus(granted.counted())
        return budget

    # -- from one purse -------------------------------------------------------------------------------------

    def _pay_from(self, budget: Budget, agent: str, sendings: Sequence[Sending], keep: bool) -> list[Verdict]:
        """Pay for these as far as the purse reaches, and divide the rest among those paid."""
        purse = self._purses.purse_of(budget, agent)
        verdicts = [self._pay_one(budget, agent, purse, sending) for sending in sendings]
        paid = [at for at, refused in enumerate(verdicts) if refused is None]
        parts = [(sendings[at].part_for(agent, purse), sendings[at].wish or NO_WISH) for at in paid]
        for at, grant in zip(paid, self._carry(budget, purse, parts, keep=keep), strict=True):
            verdicts[at] = grant
        return verdicts

    def _pay_one(self, budget: Budget, agent: str, purse: Purse, sending: Sending) -> Verdict:
        """Pay for the sending of one message; None if it is paid."""
        price = Usage(messages=1, bytes=sending.content_bytes)
        lacking = purse.left.first_lacking(price)
        if lacking is not None:
            return self._refuse(budget, agent, purse, lacking)
        self._take(budget, agent, purse, price)
        if sending.conversation is not None:
            self._purses.know(budget, purse, (agent, sending.conversation), is_news=False)
        return None

    def _refuse(
        self, budget: Budget, agent: str, purse: Purse, amount: str, *, is_kept: bool = False
    ) -> Exhausted:
        self.ledger.refusals += 1
        return budget.exhausted(agent, purse, amount, is_kept=is_kept)

    def _carry(
        self, budget: Budget, purse: Purse, parts: Sequence[tuple[Part, Amounts]], *, keep: bool
    ) -> list[Grant]:
        """Divide a purse among messages; a share of what has no limit is a grant of its own."""
        grants = []
        for (part, _), share in zip(parts, divide(purse.left, parts, keep=keep), strict=True):
            of_own = share.counted().minus(purse.left.limited_part(share.counted()))
            self.ledger.granted = self.ledger.granted.plus(of_own)
            purse.left = purse.left.minus(share.counted())
            grants.append(budget.grant(share, refund=part is not Part.FORWARD))
        return grants

    def _put(self, purse: Purse, carried: Amounts) -> None:
        """Add to a purse; a number put to what has no limit is not counted any more."""
        both = purse.left.counted().plus(carried.counted())
        purse.left = purse.left.plus(carried)
        unlimited = both.minus(purse.left.limited_part(both))
        self.ledger.unused = self.ledger.unused.plus(unlimited)

    def _take(self, budget: Budget, agent: str, purse: Purse, usage: Usage) -> None:
        """Take from a purse what is there, and count it as spent."""
        self.ledger.spent = self.ledger.spent.plus(purse.left.limited_part(usage))
        purse.left = purse.left.minus(usage)
        budget.spending.add(agent, usage)
        self._purses.count_rows(budget)
