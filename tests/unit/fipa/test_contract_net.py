import pytest

from caxton_node.core.errors import InvalidArgument, InvalidMessage
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.bidding import (
    Award,
    Awarded,
    Called,
    Decision,
    Effect,
    Ending,
    Finished,
    Heard,
    Notify,
    Phase,
    Proposal,
    Revise,
    Schedule,
    Send,
    Settings,
    Standing,
    Timer,
)
from caxton_node.fipa.contract_net import ContractNet, protocol_of
from caxton_node.fipa.protocols import BidState

pytestmark = pytest.mark.story("011")

NOW = 1_700_000_000_000


def cheapest(proposals: list[Proposal], number: int) -> Decision:
    return Award((min(proposals, key=lambda offer: int(offer.content or b"0")).contractor,))


def negotiation(*contractors: str, choose: object = cheapest, rounds_max: int = 1) -> ContractNet:
    return ContractNet(
        initiator="buyer@node-1",
        conversation_id="talk-1",
        task=b"paint it",
        contractors=contractors,
        choose=choose,
        settings=Settings(proposals_within_s=2, results_within_s=9, rounds_max=rounds_max),
    )


def says(act: str, who: str, content: bytes | None = None, conversation: str = "talk-1") -> Envelope:
    performative = Performative[act]
    return Envelope(
        performative, who, "buyer@node-1", content, conversation, reply_with=f"{who}-{act}".lower()
    )


def sent(effects: list[Effect]) -> list[tuple[str, str]]:
    return [
        (effect.envelope.performative.word, str(effect.envelope.receivers))
        for effect in effects
        if isinstance(effect, Send)
    ]


def messages(effects: list[Effect]) -> list[Envelope]:
    return [effect.envelope for effect in effects if isinstance(effect, Send)]


def told(effects: list[Effect], kind: type) -> list[object]:
    return [
        effect.event for effect in effects if isinstance(effect, Notify) and isinstance(effect.event, kind)
    ]


def finished(effects: list[Effect]) -> Finished:
    (event,) = told(effects, Finished)
    assert isinstance(event, Finished)
    return event


def standings(effects: list[Effect]) -> list[tuple[str, Standing]]:
    return [(event.contractor, event.standing) for event in told(effects, Heard) if isinstance(event, Heard)]


def test_it_calls_everyone_with_the_task_a_deadline_and_something_to_reply_to() -> None:
    effects = negotiation("a", "b").start(NOW)
    assert told(effects, Called) == [Called(1, ("a", "b"))]
    assert sent(effects) == [("cfp", "a"), ("cfp", "b")]
    assert effects[-1] == Schedule(Timer(Phase.CALLING, 1), 2)
    call = messages(effects)[0]
    assert call.content == b"paint it"
    assert (call.reply_by, call.protocol) == (NOW + 2_000, "fipa-contract-net")
    assert call.reply_with


def test_the_best_proposal_is_accepted_the_others_rejected_and_the_result_reported() -> None:
    net = negotiation("a", "b", "c")
    net.start(NOW)
    assert sent(net.handle_message(says("PROPOSE", "a", b"30"), NOW)) == []
    assert sent(net.handle_message(says("REFUSE", "c"), NOW)) == []
    decided = net.handle_message(says("PROPOSE", "b", b"20"), NOW)
    assert sent(decided) == [("reject-proposal", "a"), ("accept-proposal", "b")]
    assert told(decided, Awarded) == [Awarded(("b",), ())]
    assert decided[-1] == Schedule(Timer(Phase.WORKING, 1), 9)
    acceptance = messages(decided)[1]
    assert (acceptance.in_reply_to, acceptance.reply_by) == ("b-propose", NOW + 9_000)
    end = finished(net.handle_message(says("INFORM", "b", b"painted"), NOW))
    assert (end.ending, end.results, end.rounds) == (Ending.DONE, {"b": b"painted"}, 1)
    assert end.states == {"a": BidState.REJECTED, "b": BidState.DONE, "c": BidState.REFUSED}


def test_who_does_not_answer_in_time_is_left_out_and_a_late_proposal_is_rejected() -> None:
    net = negotiation("a", "b")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"30"), NOW)
    decided = net.handle_timer(Timer(Phase.CALLING, 1), NOW + 2_000)
    assert standings(decided) == [("b", Standing.SILENT)]
    assert sent(decided) == [("accept-proposal", "a")]
    late = net.handle_message(says("PROPOSE", "b", b"1"), NOW)
    assert (sent(late), standings(late)) == ([("reject-proposal", "b")], [("b", Standing.LATE)])
    assert messages(late)[0].protocol is None, "the talk with b is over: its table allows nothing more"
    assert net.states["b"] is BidState.EXPIRED


def test_without_any_proposal_it_ends_at_the_deadline() -> None:
    net = negotiation("a", "b")
    net.start(NOW)
    net.handle_message(says("REFUSE", "a"), NOW)
    assert finished(net.handle_timer(Timer(Phase.CALLING, 1), NOW)).ending is Ending.NO_PROPOSALS


def test_it_does_not_wait_for_the_deadline_once_everyone_has_refused_or_failed() -> None:
    net = negotiation("a", "b", "c")
    net.start(NOW)
    net.handle_message(says("REFUSE", "a"), NOW)
    net.handle_message(says("NOT_UNDERSTOOD", "b"), NOW)
    assert finished(net.handle_failure("c", NOW)).ending is Ending.NO_PROPOSALS


def test_several_may_be_awarded_and_part_of_them_may_fail() -> None:
    net = negotiation("a", "b", choose=lambda offers, number: Award(("a", "b")))
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    net.handle_message(says("PROPOSE", "b", b"2"), NOW)
    net.handle_message(says("FAILURE", "a"), NOW)
    end = finished(net.handle_message(says("INFORM", "b", b"done"), NOW))
    assert (end.ending, end.results) == (Ending.PARTLY_DONE, {"b": b"done"})


def test_a_winner_that_never_delivers_is_told_to_stop() -> None:
    net = negotiation("a")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    overdue = net.handle_timer(Timer(Phase.WORKING, 1), NOW)
    assert (sent(overdue), standings(overdue)) == ([("cancel", "a")], [("a", Standing.OVERDUE)])
    assert (finished(overdue).ending, net.states["a"]) == (Ending.FAILED, BidState.CANCELLING)


def test_a_further_round_calls_those_who_proposed_and_ignores_the_timer_of_the_former() -> None:
    def haggle(offers: list[Proposal], number: int) -> Decision:
        return Revise(b"cheaper") if number == 1 else cheapest(offers, number)

    net = negotiation("a", "b", "c", choose=haggle, rounds_max=2)
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"30"), NOW)
    net.handle_message(says("REFUSE", "b"), NOW)
    again = net.handle_message(says("PROPOSE", "c", b"40"), NOW)
    assert sent(again) == [("cfp", "a"), ("cfp", "c")]
    call = messages(again)[0]
    assert (call.content, call.protocol) == (b"cheaper", "fipa-iterated-contract-net")
    assert net.handle_timer(Timer(Phase.CALLING, 1), NOW) == []
    net.handle_message(says("PROPOSE", "a", b"25"), NOW)
    assert sent(net.handle_message(says("PROPOSE", "c", b"20"), NOW)) == [
        ("reject-proposal", "a"),
        ("accept-proposal", "c"),
    ]
    assert finished(net.handle_message(says("INFORM", "c", b"ok"), NOW)).rounds == 2


def test_the_number_of_rounds_is_bounded() -> None:
    net = negotiation("a", choose=lambda offers, number: Revise(b"cheaper"), rounds_max=2)
    net.start(NOW)
    assert sent(net.handle_message(says("PROPOSE", "a", b"1"), NOW)) == [("cfp", "a")]
    last = net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    assert sent(last) == [("reject-proposal", "a")]
    assert finished(last).ending is Ending.NOT_AWARDED


def test_an_award_to_nobody_rejects_everyone() -> None:
    net = negotiation("a", choose=lambda offers, number: Award(()))
    net.start(NOW)
    effects = net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    assert sent(effects) == [("reject-proposal", "a")]
    assert finished(effects).ending is Ending.NOT_AWARDED


def test_cancelling_tells_everyone_who_is_still_in_it() -> None:
    net = negotiation("a", "b", "c")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    net.handle_message(says("REFUSE", "b"), NOW)
    effects = net.cancel()
    assert sent(effects) == [("cancel", "a"), ("cancel", "c")]
    assert finished(effects).ending is Ending.CANCELLED
    assert net.cancel() == []
    assert standings(net.handle_message(says("INFORM", "a"), NOW)) == [("a", Standing.CANCELLED)]


def test_what_does_not_belong_to_it_changes_nothing() -> None:
    net = negotiation("a")
    net.start(NOW)
    before = dict(net.states)
    assert net.handle_message(says("PROPOSE", "stranger", b"1"), NOW) == []
    assert net.handle_message(says("PROPOSE", "a", b"1", conversation="talk-2"), NOW) == []
    assert net.handle_failure("stranger", NOW) == []
    for act in ("INFORM", "ACCEPT_PROPOSAL", "CFP"):
        effects = net.handle_message(says(act, "a", b"done already"), NOW)
        assert (sent(effects), standings(effects)) == ([], [("a", Standing.OUT_OF_TURN)])
    assert net.states == before


def test_a_choice_of_somebody_who_did_not_propose_is_a_fault_of_the_chooser() -> None:
    net = negotiation("a", "b", choose=lambda offers, number: Award(("b",)))
    net.start(NOW)
    net.handle_message(says("REFUSE", "b"), NOW)
    with pytest.raises(InvalidMessage):
        net.handle_message(says("PROPOSE", "a", b"1"), NOW)


@pytest.mark.parametrize("contractors", [(), ("a", "a")])
def test_a_call_needs_distinct_contractors(contractors: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument):
        negotiation(*contractors)


def test_a_hundred_and_fifty_contractors_are_no_trouble() -> None:
    names = [f"worker-{n}" for n in range(150)]
    net = negotiation(*names)
    assert len(sent(net.start(NOW))) == 150
    effects: list[Effect] = []
    for n, name in enumerate(names):
        effects = net.handle_message(says("PROPOSE", name, str(1_000 - n).encode()), NOW)
    assert sent(effects).count(("accept-proposal", "worker-149")) == 1
    assert len(sent(effects)) == 150


# -- proposals too many -------------------------------------------------------------------------------------


def test_of_two_proposals_to_one_call_the_first_counts_and_the_second_is_answered() -> None:
    net = negotiation("a", "b")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"30"), NOW)
    again = net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    assert (sent(again), standings(again)) == ([("not-understood", "a")], [("a", Standing.DUPLICATE)])
    assert messages(again)[0].sender == "ams", "said by the initiator, it would end the talk"
    assert sent(net.handle_message(says("PROPOSE", "b", b"20"), NOW)) == [
        ("reject-proposal", "a"),
        ("accept-proposal", "b"),
    ]
    assert standings(net.handle_message(says("PROPOSE", "a", b"1"), NOW)) == [("a", Standing.DUPLICATE)]


def test_a_second_proposal_to_a_former_call_does_not_answer_the_present_one() -> None:
    net = negotiation("a", choose=lambda offers, number: Revise(b"cheaper"), rounds_max=2)
    (call,) = messages(net.start(NOW))
    first = says("PROPOSE", "a", b"30")
    first.in_reply_to = call.reply_with
    net.handle_message(first, NOW)
    assert standings(net.handle_message(first, NOW)) == [("a", Standing.DUPLICATE)]
    assert net.states["a"] is BidState.CALLED


def test_who_has_refused_cannot_propose_any_more() -> None:
    net = negotiation("a", "b")
    net.start(NOW)
    net.handle_message(says("REFUSE", "a"), NOW)
    assert standings(net.handle_message(says("PROPOSE", "a", b"1"), NOW)) == [("a", Standing.DUPLICATE)]


def test_who_was_taken_for_dead_and_proposes_after_all_is_rejected() -> None:
    net = negotiation("a", "b")
    net.start(NOW)
    net.handle_failure("a", NOW, b'{"reason": "node-died"}')
    late = net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    assert (sent(late), standings(late)) == ([("reject-proposal", "a")], [("a", Standing.LATE)])


# -- reserves -----------------------------------------------------------------------------------------------


def with_reserves(offers: list[Proposal], number: int) -> Decision:
    ranked = [offer.contractor for offer in sorted(offers, key=lambda offer: int(offer.content or b"0"))]
    return Award(tuple(ranked[:1]), tuple(ranked[1:3]), {ranked[-1]: "far too dear"})


def awarded_with_reserves() -> tuple[ContractNet, list[Effect]]:
    net = negotiation("a", "b", "c", "d", choose=with_reserves)
    effects = net.start(NOW)
    for price, name in enumerate("abcd"):
        effects = net.handle_message(says("PROPOSE", name, str(price).encode()), NOW)
    return net, effects


def test_reserves_are_neither_rejected_nor_accepted_while_the_winner_works() -> None:
    net, effects = awarded_with_reserves()
    assert sent(effects) == [("reject-proposal", "d"), ("accept-proposal", "a")]
    assert messages(effects)[0].content == b'{"reason": "far too dear"}'
    assert (net.states["b"], net.states["c"]) == (BidState.PROPOSED, BidState.PROPOSED)
    done = net.handle_message(says("INFORM", "a", b"ok"), NOW)
    assert sent(done) == [("reject-proposal", "b"), ("reject-proposal", "c")]
    assert finished(done).ending is Ending.DONE


@pytest.mark.parametrize("end", ["failure", "not-understood", "unreachable", "overdue"])
def test_a_winner_that_fails_makes_room_for_the_next_best(end: str) -> None:
    net, _ = awarded_with_reserves()
    failed = {
        "failure": lambda: net.handle_message(says("FAILURE", "a", b"rain"), NOW),
        "not-understood": lambda: net.handle_message(says("NOT_UNDERSTOOD", "a"), NOW),
        "unreachable": lambda: net.handle_failure("a", NOW),
        "overdue": lambda: net.handle_timer(Timer(Phase.WORKING, 1), NOW),
    }[end]()
    assert sent(failed)[-1] == ("accept-proposal", "b")
    assert told(failed, Awarded) == [Awarded(("b",), ("c",))]
    assert failed[-1] == Schedule(Timer(Phase.WORKING, 2), 9)
    done = net.handle_message(says("INFORM", "b", b"ok"), NOW)
    assert (finished(done).ending, finished(done).results) == (Ending.DONE, {"b": b"ok"})
    assert sent(done) == [("reject-proposal", "c")]


def test_the_deadline_of_a_failed_winner_does_not_end_the_work_of_its_successor() -> None:
    net, _ = awarded_with_reserves()
    net.handle_message(says("FAILURE", "a"), NOW)
    assert net.handle_timer(Timer(Phase.WORKING, 1), NOW) == []
    assert net.handle_timer(Timer(Phase.WORKING, 3), NOW) == []
    assert net.states["b"] is BidState.ACCEPTED


def test_a_reserve_that_has_gone_meanwhile_is_passed_over() -> None:
    net, _ = awarded_with_reserves()
    net.handle_message(says("FAILURE", "b", b"gone"), NOW)
    assert sent(net.handle_message(says("FAILURE", "a"), NOW)) == [("accept-proposal", "c")]


def test_when_all_reserves_have_failed_it_has_failed() -> None:
    net, _ = awarded_with_reserves()
    effects: list[Effect] = []
    for name in "abc":
        effects = net.handle_message(says("FAILURE", name), NOW)
    assert finished(effects).ending is Ending.FAILED


def test_several_winners_share_the_reserves() -> None:
    net = negotiation("a", "b", "c", choose=lambda offers, number: Award(("a", "b"), ("c",)))
    net.start(NOW)
    for name in "abc":
        net.handle_message(says("PROPOSE", name, b"1"), NOW)
    assert sent(net.handle_message(says("FAILURE", "a"), NOW)) == [("accept-proposal", "c")]
    net.handle_message(says("FAILURE", "b"), NOW)
    assert finished(net.handle_message(says("INFORM", "c", b"ok"), NOW)).ending is Ending.PARTLY_DONE


# -- the name of the protocol -------------------------------------------------------------------------------


def test_only_several_rounds_make_it_the_iterated_protocol() -> None:
    assert protocol_of(Settings(rounds_max=1)).name == "fipa-contract-net"
    assert protocol_of(Settings(rounds_max=2)).name == "fipa-iterated-contract-net"
    named = Settings(rounds_max=1, protocol="fipa-iterated-contract-net")
    assert protocol_of(named).name == "fipa-iterated-contract-net"


@pytest.mark.parametrize(("rounds_max", "protocol"), [(2, "fipa-contract-net"), (1, "fipa-request")])
def test_a_protocol_that_does_not_fit_is_refused(rounds_max: int, protocol: str) -> None:
    with pytest.raises(InvalidArgument, match=f"{protocol} does not fit"):
        protocol_of(Settings(rounds_max=rounds_max, protocol=protocol))
