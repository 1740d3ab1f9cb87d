"""Conversation budgets: what messages carry, how purses are divided, who pays, and who is told."""

from __future__ import annotations

import json
from threading import Thread
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from caxton_node.fipa import BrokenRule, Envelope, Performative, decode, encode
from caxton_node.messaging.budget import (
    AMOUNT_MAX,
    METERED_TURN,
    OTHERS,
    SPENDERS_MAX,
    TURN,
    Amounts,
    Budgets,
    Exhausted,
    Grant,
    Sending,
    Usage,
    grant_of,
    has_room,
    nothing_of,
    read_grant,
    returned,
    take_wish,
    tell_initiator,
    with_grant,
    write_grant,
)
from caxton_node.messaging.budget.purses import KEYS_MAX, TOLD_MAX
from caxton_node.messaging.budget.shares import NO_WISH, Part, divide
from caxton_node.messaging.budget.spending import Spending

pytestmark = [pytest.mark.story("016"), pytest.mark.story("030")]

BUYER, MASON, HELPER = "buyer@n1", "mason@n2", "helper@n2"
pack = msgspec.msgpack.encode


def opened(budgets: Budgets, granted: Amounts, receiver: str = MASON, **more: Any) -> Grant:
    """Let the buyer open a budget with one request, and return what that carries."""
    (grant,) = budgets.pay(BUYER, [Sending(receiver, "wall", wish=granted)], **more)
    assert isinstance(grant, Grant)
    return grant


def arrive(budgets: Budgets, agent: str, grant: Grant, giver: str = BUYER, asked: str = "r-1") -> None:
    """Let a message begin to be handled."""
    budgets.credit(agent, grant, conversation="wall", giver=giver, reply_with=asked)


def carried(verdicts: list[Any]) -> list[int | None]:
    """Return how many messages each message brings along."""
    return [verdict.messages if isinstance(verdict, Grant) else -1 for verdict in verdicts]


class TestDividing:
    def test_messages_that_pass_work_on_share_equally_and_one_share_and_the_rest_stay(self) -> None:
        shares = divide(Amounts(messages=11, time_us=7), [(Part.FORWARD, NO_WISH)] * 2, keep=True)
        assert shares == [Amounts(messages=3, time_us=2)] * 2

    def test_a_client_gives_all_along(self) -> None:
        assert divide(Amounts(messages=11), [(Part.FORWARD, NO_WISH)], keep=False) == [Amounts(messages=11)]

    def test_an_answer_takes_the_share_that_would_have_stayed_and_the_rest(self) -> None:
        parts = [(Part.ANSWER, NO_WISH), (Part.FORWARD, NO_WISH), (Part.FORWARD, NO_WISH)]
        assert divide(Amounts(messages=11), parts, keep=True) == [
            Amounts(messages=5),
            Amounts(messages=3),
            Amounts(messages=3),
        ]

    def test_several_answers_divide_everything_to_the_last_unit(self) -> None:
        shares = divide(Amounts(cost=10), [(Part.ANSWER, NO_WISH)] * 3, keep=True)
        assert [share.cost for share in shares] == [3, 3, 4]

    def test_a_promise_carries_nothing(self) -> None:
        parts = [(Part.PROMISE, NO_WISH), (Part.FORWARD, NO_WISH)]
        assert divide(Amounts(messages=10), parts, keep=True) == [Amounts(messages=0), Amounts(messages=5)]

    def test_a_wish_is_met_first_and_never_beyond_what_there_is(self) -> None:
        parts = [
            (Part.FORWARD, NO_WISH),
            (Part.FORWARD, Amounts(messages=8)),
            (Part.ANSWER, Amounts(messages=9)),
        ]
        assert [share.messages for share in divide(Amounts(messages=10), parts, keep=True)] == [0, 8, 2]

    def test_each_amount_is_divided_by_itself(self) -> None:
        (share,) = divide(Amounts(messages=10, cost=8), [(Part.FORWARD, Amounts(messages=1))], keep=True)
        assert share == Amounts(messages=1, cost=4)

    def test_what_has_no_limit_has_none_in_any_share_unless_a_message_asks_for_one(self) -> None:
        parts = [(Part.FORWARD, NO_WISH), (Part.PROMISE, NO_WISH), (Part.FORWARD, Amounts(fuel=7))]
        assert [share.fuel for share in divide(Amounts(), parts, keep=True)] == [None, None, 7]

    def test_nothing_is_divided_among_nobody(self) -> None:
        assert divide(Amounts(messages=5), [], keep=True) == []


class TestHeader:
    GRANT = Grant(
        initiator=BUYER, conversation="wall", messages=5, spent={BUYER: Usage(1, 2, 3, 4, 5)}, refund=True
    )

    def test_a_grant_survives_the_wire(self) -> None:
        envelope = Envelope(Performative.INFORM, BUYER, MASON, b"", "wall", headers={"mine": Raw(b"\x01")})
        with_grant(envelope, self.GRANT)
        arrived = decode(encode(envelope))
        assert grant_of(arrived) == self.GRANT
        assert arrived.headers is not None
        assert set(arrived.headers) == {"mine", "budget"}

    def test_its_form_is_a_map_of_what_is_limited(self) -> None:
        assert msgspec.msgpack.decode(write_grant(self.GRANT)) == {
            "initiator": BUYER,
            "conversation": "wall",
            "messages": 5,
            "spent": {BUYER: [1, 2, 3, 4, 5]},
            "refund": True,
        }

    def test_without_a_grant_nothing_that_a_guest_wrote_is_left(self) -> None:
        envelope = Envelope(Performative.INFORM, headers={"budget": write_grant(self.GRANT)})
        with_grant(envelope, None)
        assert envelope.headers is None
        assert grant_of(envelope) is None

    def test_what_a_message_carried_goes_back_as_it_came(self) -> None:
        envelope = Envelope(Performative.REQUEST)
        assert returned(envelope) is None
        with_grant(envelope, msgspec.structs.replace(self.GRANT, refund=False))
        assert returned(envelope) == self.GRANT

    @pytest.mark.parametrize(
        "value",
        [
            b"\xc1",
            b"\x81",
            pack(None),
            pack([1]),
            pack({"messages": 5}),
            pack({"initiator": BUYER, "conversation": ""}),
            pack({"initiator": BUYER, "conversation": "wall", "messages": -1}),
            pack({"initiator": BUYER, "conversation": "wall", "spent": {BUYER: [1, 2, 3, 4, 5, 6]}}),
            pack({"initiator": BUYER, "conversation": "wall", "spent": {f"a{n}@n": [1] for n in range(66)}}),
        ],
    )
    def test_what_no_host_writes_is_no_grant(self, value: bytes) -> None:
        assert read_grant(Raw(value)) is None

    def test_a_guest_wishes_for_amounts_and_whatever_else_it_claims_is_not_looked_at(self) -> None:
        claim = {"messages": 9, "initiator": 3, "conversation": None, "spent": [[]], "refund": "yes"}
        envelope = Envelope(Performative.INFORM, conversation_id="wall", headers={"budget": Raw(pack(claim))})
        assert take_wish(envelope) == Amounts(messages=9)
        assert envelope.headers is None

    def test_a_message_without_the_header_wishes_nothing(self) -> None:
        assert take_wish(Envelope(Performative.INFORM)) is None
        assert take_wish(Envelope(Performative.INFORM, headers={"mine": Raw(b"\x01")})) is None

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (b"\xc1", "budget"),
            (b"\x81", "budget"),
            (b"\xa2\xff\xff", "budget"),
            (pack(None), "Expected `object`"),
            (pack([100]), "Expected `object`"),
            (pack({1: 2}), "Expected `str`"),
            (pack({"mesages": 5}), "unknown field `mesages`"),
            (pack({"messages": -1}), "`$.messages`"),
            (pack({"messages": 1.5}), "`$.messages`"),
            (pack({"messages": True}), "`$.messages`"),
            (pack({"fuel": "lots"}), "`$.fuel`"),
            (pack({"bytes": AMOUNT_MAX + 1}), "`$.bytes`"),
            (b"\x81\xa5spent" + b"\x91" * 2_000 + b"\x90", "budget"),
        ],
    )
    def test_a_wish_that_cannot_be_kept_is_refused_with_the_reason(self, value: bytes, reason: str) -> None:
        envelope = Envelope(Performative.INFORM, conversation_id="wall", headers={"budget": Raw(value)})
        with pytest.raises(BrokenRule, match="headers") as caught:
            take_wish(envelope)
        assert reason in caught.value.reason
        assert envelope.headers is None

    def test_a_message_full_of_headers_has_no_room_for_another(self) -> None:
        mine = {f"h{number}": Raw(b"\x01") for number in range(64)}
        assert not has_room(Envelope(Performative.INFORM, headers=mine))
        del mine["h0"]
        assert has_room(Envelope(Performative.INFORM, headers=mine))
        assert has_room(Envelope(Performative.INFORM, headers={**mine, "budget": Raw(b"\x80")}))

    def test_a_budget_belongs_to_a_conversation(self) -> None:
        with pytest.raises(BrokenRule, match="conversation_id"):
            take_wish(Envelope(Performative.INFORM, headers={"budget": Raw(pack({"messages": 5}))}))


class TestSpending:
    def test_hearing_the_same_twice_changes_nothing(self) -> None:
        table = Spending()
        table.add(BUYER, Usage(messages=3))
        for _ in range(2):
            table.join({MASON: Usage(fuel=7), BUYER: Usage(messages=2, bytes=9)})
        assert table.rows == {BUYER: Usage(messages=3, bytes=9), MASON: Usage(fuel=7)}

    def test_those_beyond_the_last_row_are_summed(self) -> None:
        table = Spending()
        for number in range(SPENDERS_MAX + 2):
            table.add(f"a{number}@n1", Usage(messages=1))
        many = {f"b{number}@n2": Usage(messages=1) for number in range(3)}
        for _ in range(2):
            table.join(many)
        assert len(table.rows) == SPENDERS_MAX + 1
        assert table.rows[OTHERS] == Usage(messages=3)

    def test_a_forged_number_stays_one_that_can_be_written(self) -> None:
        table = Spending()
        table.join({BUYER: Usage(messages=AMOUNT_MAX)})
        table.add(BUYER, Usage(messages=1))
        assert table.rows[BUYER].messages == AMOUNT_MAX


class TestOpening:
    def test_the_first_message_with_the_header_opens_a_budget_and_is_paid_from_it(self) -> None:
        budgets = Budgets()
        sending = Sending(MASON, "wall", content_bytes=40, wish=Amounts(messages=100, bytes=1_000))
        (grant,) = budgets.pay(BUYER, [sending], keep=False)
        assert grant == Grant(
            initiator=BUYER,
            conversation="wall",
            messages=99,
            bytes=960,
            spent={BUYER: Usage(messages=1, bytes=40)},
        )
        assert budgets.ledger.granted == Usage(messages=100, bytes=1_000)

    def test_a_fan_out_that_opens_one_is_divided_among_all_its_messages(self) -> None:
        budgets = Budgets()
        sendings = [Sending(f"mason-{n}", "wall", wish=Amounts(messages=44)) for n in range(3)]
        small = Sending("surveyor", "wall", wish=Amounts(messages=4))
        assert carried(budgets.pay(BUYER, [*sendings, small])) == [9, 9, 9, 4]

    def test_the_header_of_a_later_message_is_a_wish_and_mints_nothing(self) -> None:
        budgets = Budgets()
        opened(budgets, Amounts(messages=10))
        later = budgets.pay(BUYER, [Sending(MASON, "wall", wish=Amounts(messages=1_000))])
        assert carried(later) == [4]
        assert budgets.ledger.granted == Usage(messages=10)

    def test_without_a_header_nothing_is_opened_or_kept(self) -> None:
        budgets = Budgets()
        assert budgets.pay(BUYER, [Sending(MASON, "wall")]) == [None]
        assert (len(budgets), dict(budgets.conversations)) == (0, {})
        assert not budgets.concerns(BUYER, "wall", MASON, "r-1")

    def test_what_has_no_limit_is_noted_all_the_same(self) -> None:
        grant = opened(Budgets(), Amounts(), MASON)
        assert (grant.carried, grant.spent) == (Amounts(), {BUYER: Usage(messages=1)})

    def test_two_initiators_that_name_a_conversation_alike_do_not_share_a_purse(self) -> None:
        budgets = Budgets()
        arrive(budgets, MASON, opened(budgets, Amounts(messages=11), keep=False))
        rogue = Grant(initiator="rogue@n3", conversation="wall")
        arrive(budgets, MASON, rogue, giver="rogue@n3")
        answer = Sending("rogue@n3", "wall", "r-1")
        (given,) = budgets.pay(MASON, [answer], turn=rogue)
        assert isinstance(given, Grant)
        assert (given.initiator, given.messages) == ("rogue@n3", None)
        assert carried(budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")])) == [9]


class TestWorking:
    def test_a_turn_is_charged_and_its_answer_gives_back_all_that_is_left(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(fuel=1_000, time_us=500, messages=5), keep=False)
        arrive(budgets, MASON, grant)
        assert budgets.charge(MASON, grant, Usage(fuel=300, time_us=100)) == Usage()
        (answer,) = budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=grant)
        assert isinstance(answer, Grant)
        assert answer.refund
        assert answer.carried == Amounts(fuel=700, time_us=400, messages=3)
        assert answer.spent[MASON] == Usage(fuel=300, time_us=100, messages=1)

    def test_a_turn_that_takes_more_than_there_is_leaves_nothing_and_the_rest_is_noted(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(time_us=500), keep=False)
        arrive(budgets, MASON, grant)
        assert budgets.charge(MASON, grant, Usage(time_us=800, fuel=9)) == Usage(time_us=300)
        (answer,) = budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=grant)
        assert isinstance(answer, Grant)
        assert answer.time_us == 0
        assert answer.spent[MASON] == Usage(time_us=500, fuel=9, messages=1)
        assert budgets.ledger.overdrawn == Usage(time_us=300)

    def test_whoever_passes_on_and_answers_in_one_turn_passes_on_first(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=12), keep=False)
        arrive(budgets, MASON, grant)
        sendings = [Sending(BUYER, "wall", "r-1"), Sending(HELPER, "wall")]
        assert carried(budgets.pay(MASON, sendings, turn=grant)) == [5, 4]

    def test_agreeing_keeps_the_budget_for_the_work(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=12), keep=False)
        arrive(budgets, MASON, grant)
        agree = Sending(BUYER, "wall", "r-1", is_promise=True)
        assert carried(budgets.pay(MASON, [agree], turn=grant)) == [0]
        assert carried(budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")])) == [9]

    def test_an_answer_that_asks_for_less_leaves_the_rest_for_further_answers(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=12), keep=False)
        arrive(budgets, MASON, grant)
        part = Sending(BUYER, "wall", "r-1", wish=Amounts(messages=0))
        assert carried(budgets.pay(MASON, [part], turn=grant)) == [0]
        assert carried(budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")])) == [9]

    def test_accepting_a_proposal_passes_work_on_though_it_answers_one(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=21))
        arrive(budgets, MASON, grant)
        (bid,) = budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=grant)
        assert isinstance(bid, Grant)
        arrive(budgets, BUYER, bid, giver=MASON, asked="bid-1")
        accept = Sending(MASON, "wall", "bid-1")
        assert carried(budgets.pay(BUYER, [accept], turn=bid)) == [9]

    def test_another_conversation_is_no_way_out_and_comes_home_to_the_same_purse(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=12), keep=False)
        arrive(budgets, MASON, grant)
        (aside,) = budgets.pay(MASON, [Sending(HELPER, "aside", wish=Amounts(messages=99))], turn=grant)
        assert isinstance(aside, Grant)
        assert (aside.initiator, aside.conversation, aside.messages) == (BUYER, "wall", 10)
        budgets.credit(HELPER, aside, conversation="aside", giver=MASON, reply_with="r-2")
        (back,) = budgets.pay(HELPER, [Sending(MASON, "aside", "r-2")])
        assert isinstance(back, Grant)
        budgets.credit(MASON, back, conversation="aside")
        assert carried(budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=back)) == [8]

    def test_an_answer_in_no_conversation_is_paid_by_its_question(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=12), keep=False)
        budgets.credit("df@n1", grant, giver=MASON, reply_with="r-3")
        assert budgets.concerns("df@n1", None, MASON, "r-3")
        assert carried(budgets.pay("df@n1", [Sending(MASON, None, "r-3")])) == [10]

    def test_the_same_question_in_another_conversation_is_another(self) -> None:
        budgets = Budgets()
        for talk in ("one", "two"):
            (grant,) = budgets.pay(BUYER, [Sending("df@n1", talk, wish=Amounts(messages=9))], keep=False)
            assert isinstance(grant, Grant)
            budgets.credit("df@n1", grant, conversation=talk, giver=BUYER, reply_with="search")
            (answer,) = budgets.pay("df@n1", [Sending(BUYER, talk, "search")])
            assert isinstance(answer, Grant)
            assert (answer.conversation, answer.messages) == (talk, 7)

    def test_a_conversation_that_gets_a_second_budget_is_paid_by_that(self) -> None:
        budgets = Budgets()
        for number in range(2):
            client = f"client-{number}@n1"
            (grant,) = budgets.pay(client, [Sending(MASON, "wall", wish=Amounts(messages=9))], keep=False)
            assert isinstance(grant, Grant)
            arrive(budgets, MASON, grant, giver=client)
            (later,) = budgets.pay(MASON, [Sending(HELPER, "wall")])
            assert isinstance(later, Grant)
            assert later.initiator == client

    def test_an_answer_given_in_the_turn_of_another_budget_is_paid_by_its_own_question(self) -> None:
        budgets = Budgets()
        first = opened(budgets, Amounts(messages=12), keep=False)
        arrive(budgets, MASON, first)
        (second,) = budgets.pay(HELPER, [Sending(MASON, "roof", wish=Amounts(messages=31))], keep=False)
        assert isinstance(second, Grant)
        budgets.credit(MASON, second, conversation="roof", giver=HELPER, reply_with="r-9")
        late, aside = budgets.pay(MASON, [Sending(BUYER, "wall", "r-1"), Sending("x", "wall")], turn=second)
        assert isinstance(late, Grant)
        assert isinstance(aside, Grant)
        assert (late.initiator, late.messages) == (BUYER, 10)
        assert (aside.initiator, aside.messages) == (HELPER, 14)

    def test_a_message_that_waits_for_a_timer_of_no_budget_is_paid_by_its_conversation(self) -> None:
        budgets = Budgets()
        arrive(budgets, MASON, opened(budgets, Amounts(messages=12), keep=False))
        assert "wall" in budgets.conversations
        assert budgets.concerns(MASON, "wall")
        assert carried(budgets.pay(MASON, [Sending(HELPER, "wall"), Sending(HELPER, "other")])) == [5, -1]

    def test_whoever_opened_a_budget_is_not_held_by_it_in_other_conversations(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=12), keep=False)
        arrive(budgets, MASON, grant)
        (answer,) = budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=grant)
        assert isinstance(answer, Grant)
        budgets.credit(BUYER, answer, conversation="wall")
        sendings = [Sending(MASON, "wall"), Sending("client@n1", "order", "q-1")]
        paid, free = budgets.pay(BUYER, sendings, turn=answer)
        assert isinstance(paid, Grant)
        assert free is None

    def test_a_tool_is_paid_beforehand_or_not_called(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(cost=500), keep=False)
        budgets.credit("tool:search@n1", grant)
        assert budgets.spend("tool:search@n1", grant, Usage(cost=400)) is None
        refused = budgets.spend("tool:search@n1", grant, Usage(cost=101))
        assert refused is not None
        assert (refused.amount, refused.rest.spent["tool:search@n1"]) == ("cost", Usage(cost=400))


class TestRunningOut:
    def test_messages_beyond_the_purse_are_given_up_and_the_earlier_ones_go(self) -> None:
        budgets = Budgets()
        sendings = [Sending(f"m{n}", "wall", wish=Amounts(messages=2)) for n in range(3)]
        one, two, three = budgets.pay(BUYER, sendings)
        assert carried([one, two]) == [0, 0]
        assert isinstance(three, Exhausted)
        assert (three.amount, three.agent, three.initiator) == ("messages", BUYER, BUYER)

    def test_a_content_that_is_too_large_is_given_up_and_a_smaller_one_behind_it_goes(self) -> None:
        sendings = [Sending(MASON, "wall", content_bytes=size, wish=Amounts(bytes=100)) for size in (101, 60)]
        large, small = Budgets().pay(BUYER, sendings)
        assert isinstance(large, Exhausted)
        assert large.amount == "bytes"
        assert isinstance(small, Grant)
        assert small.bytes == 20

    @pytest.mark.parametrize(
        ("granted", "needs", "amount"),
        [
            (Amounts(time_us=0), TURN, "time_us"),
            (Amounts(fuel=0), METERED_TURN, "fuel"),
            (Amounts(fuel=0), TURN, None),
            (Amounts(messages=1), METERED_TURN, None),
        ],
    )
    def test_a_turn_needs_time_and_fuel_if_it_is_counted_but_no_message(
        self, granted: Amounts, needs: tuple[str, ...], amount: str | None
    ) -> None:
        budgets = Budgets()
        grant = opened(budgets, granted, keep=False)
        refused = budgets.admit(MASON, grant, needs)
        assert (refused and refused.amount) == amount

    def test_a_message_that_is_not_handled_keeps_what_it_carries(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(time_us=0, messages=9), keep=False)
        refused = budgets.admit(MASON, grant, TURN)
        assert refused is not None
        assert not refused.is_kept
        back = budgets.pay(MASON, [Sending(BUYER, "wall")], turn=grant)
        assert [isinstance(verdict, Exhausted) for verdict in back] == [True]

    def test_a_message_that_may_be_handled_is_taken_in_only_when_it_has_been(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(time_us=5, messages=9), keep=False)
        for _ in range(2):  # it was put back once
            assert budgets.admit(MASON, grant, TURN) is None
        arrive(budgets, MASON, grant)
        assert carried(budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=grant)) == [7]

    def test_a_refund_is_taken_in_even_if_it_cannot_be_handled_any_more(self) -> None:
        budgets = Budgets()
        opened(budgets, Amounts(time_us=0, messages=9), keep=False)
        back = Grant(initiator=BUYER, conversation="wall", time_us=0, messages=8, refund=True)
        refused = budgets.admit(BUYER, back, TURN)
        assert refused is not None
        assert refused.is_kept
        assert carried(budgets.pay(BUYER, [Sending(MASON, "wall")], keep=False)) == [7]

    def test_the_initiator_is_told_once_on_a_node(self) -> None:
        budgets = Budgets()
        sendings = [Sending(MASON, "wall", wish=Amounts(messages=0)) for _ in range(2)]
        news = [verdict.is_news for verdict in budgets.pay(BUYER, sendings) if isinstance(verdict, Exhausted)]
        assert news == [True, False]

    def test_the_sender_is_told_so_often_and_then_no_more(self) -> None:
        budgets = Budgets()
        sendings = [Sending(MASON, "wall", wish=Amounts(messages=0)) for _ in range(TOLD_MAX + 2)]
        told = [verdict.is_told for verdict in budgets.pay(BUYER, sendings) if isinstance(verdict, Exhausted)]
        assert told == [True] * TOLD_MAX + [False] * 2

    def test_what_is_said_about_a_lack_stays_in_the_budget_and_brings_nothing(self) -> None:
        (lost,) = Budgets().pay(BUYER, [Sending(MASON, "wall", wish=Amounts(messages=0, cost=7))])
        assert isinstance(lost, Exhausted)
        assert (lost.rest.carried, lost.rest.refund) == (Amounts(messages=0, cost=0), True)
        assert nothing_of(TestHeader.GRANT).carried == Amounts(messages=0)

    def test_the_initiator_learns_what_ran_out_where_and_who_spent_what(self) -> None:
        rest = Grant(initiator=BUYER, conversation="wall", spent={BUYER: Usage(messages=4)})
        lost = Exhausted(MASON, "time_us", rest)
        failed = Envelope(Performative.REQUEST, MASON, HELPER, b"", "aside", "r-7", message_id=bytes(16))
        told = tell_initiator(lost, failed, HELPER)
        assert (told.performative, told.sender, told.receivers) == (Performative.FAILURE, "ams", BUYER)
        assert (told.conversation_id, told.in_reply_to, told.headers) == ("wall", None, None)
        assert json.loads(told.content or b"") == {
            "reason": "budget-exhausted",
            "detail": "mason@n2 has no time left of the budget that buyer@n1 gave wall",
            "message_id": "00" * 16,
            "receiver": HELPER,
            "conversation": "wall",
            "amount": "time_us",
            "spent": {BUYER: {"fuel": 0, "time_us": 0, "messages": 4, "bytes": 0, "cost": 0}},
        }

    def test_an_initiator_whose_own_message_is_given_up_learns_which(self) -> None:
        lost = Exhausted(BUYER, "messages", Grant(initiator=BUYER, conversation="wall"))
        failed = Envelope(Performative.CFP, BUYER, MASON, b"", "wall", "r-7", protocol="fipa-contract-net")
        told = tell_initiator(lost, failed, MASON)
        assert (told.in_reply_to, told.protocol) == ("r-7", "fipa-contract-net")


class TestEnds:
    def test_a_receiver_that_fails_gives_back_what_its_turn_has_left_of_the_share(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(time_us=500, messages=9), keep=False)
        arrive(budgets, MASON, grant)
        budgets.charge(MASON, grant, Usage(time_us=200))
        back = budgets.take_back(MASON, grant)
        assert (back.carried, back.refund) == (Amounts(time_us=300, messages=8), True)

    def test_what_a_failed_message_brought_is_taken_back_and_no_more(self) -> None:
        budgets = Budgets()
        first = opened(budgets, Amounts(messages=20))
        (second,) = budgets.pay(BUYER, [Sending(MASON, "wall")])
        assert isinstance(second, Grant)
        arrive(budgets, MASON, first)
        arrive(budgets, MASON, second)
        assert budgets.take_back(MASON, second).messages == second.messages
        assert carried(budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")])) == [(first.messages or 0) - 1]

    def test_what_reaches_nobody_is_counted(self) -> None:
        budgets = Budgets()
        budgets.lose(opened(budgets, Amounts(messages=9), keep=False))
        assert budgets.ledger.lost == Usage(messages=8)

    def test_closing_gives_the_bill_and_forgets_the_purse(self) -> None:
        budgets = Budgets()
        opened(budgets, Amounts(messages=9))
        bill = budgets.close(BUYER, "wall")
        assert bill is not None
        assert (bill.left["messages"], bill.left["fuel"]) == (4, None)
        assert bill.spent == {BUYER: Usage(messages=1)}
        assert (len(budgets), dict(budgets.conversations)) == (0, {})
        assert budgets.ledger.unused == Usage(messages=4)
        assert budgets.close(BUYER, "wall") is None

    def test_a_limit_put_for_others_on_what_has_none_is_counted_as_a_grant(self) -> None:
        budgets = Budgets()
        opened(budgets, Amounts())
        (grant,) = budgets.pay(BUYER, [Sending(MASON, "wall", wish=Amounts(time_us=70))])
        assert isinstance(grant, Grant)
        assert budgets.ledger.granted == Usage(time_us=70)
        budgets.credit(BUYER, grant)
        assert budgets.ledger.unused == Usage(time_us=70)


class TestBounds:
    def test_the_purse_idle_longest_makes_room_and_what_it_held_is_counted(self) -> None:
        budgets = Budgets(purses_max=2)
        for talk in ("one", "two", "one", "three"):
            budgets.pay(BUYER, [Sending(MASON, talk, wish=Amounts(messages=9))])
        assert (len(budgets), budgets.dropped) == (2, 1)
        assert set(budgets.conversations) == {"one", "three"}
        assert budgets.ledger.lost == Usage(messages=4)

    def test_a_turn_whose_purse_had_to_make_room_has_nothing_left(self) -> None:
        budgets = Budgets(purses_max=1)
        grant = opened(budgets, Amounts(messages=9), keep=False)
        arrive(budgets, MASON, grant)
        budgets.pay("stranger@n1", [Sending("x", "talk", wish=Amounts(messages=1))])
        assert isinstance(budgets.pay(MASON, [Sending(HELPER, "wall")], turn=grant)[0], Exhausted)

    def test_one_turn_that_opens_more_budgets_than_there_is_room_for_mints_nothing(self) -> None:
        budgets = Budgets(purses_max=1)
        sendings = [Sending(MASON, talk, wish=Amounts(messages=9)) for talk in ("one", "two", "one", "two")]
        in_messages = sum(v.messages or 0 for v in budgets.pay(BUYER, sendings) if isinstance(v, Grant))
        ledger = budgets.ledger
        left = budgets.close(BUYER, "one") or budgets.close(BUYER, "two")
        assert left is not None
        assert ledger.granted.messages == (
            in_messages + ledger.spent.messages + ledger.lost.messages + ledger.unused.messages
        )
        assert len(budgets) == 0

    def test_a_purse_forgets_the_questions_asked_longest_ago(self) -> None:
        budgets = Budgets()
        grant = opened(budgets, Amounts(messages=1_000), keep=False)
        for number in range(KEYS_MAX + 10):
            arrive(budgets, MASON, grant, asked=f"r-{number}")
        first, last = (
            budgets.pay(MASON, [Sending(BUYER, "wall", f"r-{number}")])[0] for number in (0, KEYS_MAX + 9)
        )
        assert isinstance(first, Grant)
        assert isinstance(last, Grant)
        assert (first.refund, last.refund) == (False, True)
        assert budgets.concerns(MASON, "wall")

    def test_tables_of_spending_are_bounded_over_all_conversations(self) -> None:
        budgets = Budgets(purses_max=40)
        spent = {f"a{number}@n9": Usage(messages=1) for number in range(SPENDERS_MAX)}
        for number in range(20):
            grant = Grant(initiator=BUYER, conversation=f"talk-{number}", messages=1, spent=spent)
            budgets.credit(MASON, grant)
        assert len(budgets) == 3
        assert budgets.dropped == 17


def test_many_threads_divide_one_budget_to_the_last_unit() -> None:
    budgets, found = Budgets(), list[int]()
    first = opened(budgets, Amounts(messages=100_003, time_us=100_003), keep=False)
    arrive(budgets, MASON, first)

    def work() -> None:
        for _ in range(200):
            budgets.charge(MASON, first, Usage(time_us=3))
            (grant,) = budgets.pay(MASON, [Sending(HELPER, "wall", wish=Amounts(messages=5))], turn=first)
            assert isinstance(grant, Grant)
            found.append(grant.messages or 0)
            budgets.credit(MASON, msgspec.structs.replace(grant, time_us=0))

    threads = [Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 800
    (answer,) = budgets.pay(MASON, [Sending(BUYER, "wall", "r-1")], turn=first)
    assert isinstance(answer, Grant)
    assert answer.messages == 100_002 - 800 - 1
    assert answer.spent[MASON].messages == 801
