import pytest

from caxton_node.core.errors import InvalidArgument, InvalidMessage
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.contract_net import (
    Award,
    ContractNet,
    Decision,
    Effect,
    Ending,
    Finished,
    Notify,
    Phase,
    Proposal,
    Revise,
    Schedule,
    Send,
    Settings,
    Timer,
)
from caxton_node.fipa.conversation import BidState

pytestmark = pytest.mark.story("011")

NOW = 1_700_000_000_000


def cheapest(proposals: list[Proposal], number: int) -> Decision:
    return Award((min(proposals, key=lambda offer: int(offer.content or b"0")).contractor,))


def negotiation(*contractors: str, choose: object = cheapest, rounds_max: int = 3) -> ContractNet:
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


def finished(effects: list[Effect]) -> Finished:
    (notice,) = [effect for effect in effects if isinstance(effect, Notify)]
    return notice.event


def test_it_calls_everyone_with_the_task_a_deadline_and_something_to_reply_to() -> None:
    effects = negotiation("a", "b").start(NOW)
    assert sent(effects) == [("cfp", "a"), ("cfp", "b")]
    assert effects[-1] == Schedule(Timer(Phase.CALLING, 1), 2)
    call = effects[0]
    assert isinstance(call, Send)
    assert call.envelope.content == b"paint it"
    assert (call.envelope.reply_by, call.envelope.protocol) == (NOW + 2_000, "fipa-contract-net")
    assert call.envelope.reply_with


def test_the_best_proposal_is_accepted_the_others_rejected_and_the_result_reported() -> None:
    net = negotiation("a", "b", "c")
    net.start(NOW)
    assert net.handle_message(says("PROPOSE", "a", b"30"), NOW) == []
    assert net.handle_message(says("REFUSE", "c"), NOW) == []
    decided = net.handle_message(says("PROPOSE", "b", b"20"), NOW)
    assert sent(decided) == [("reject-proposal", "a"), ("accept-proposal", "b")]
    assert decided[-1] == Schedule(Timer(Phase.WORKING, 1), 9)
    acceptance = decided[1]
    assert isinstance(acceptance, Send)
    assert acceptance.envelope.in_reply_to == "b-propose"
    end = finished(net.handle_message(says("INFORM", "b", b"painted"), NOW))
    assert (end.ending, end.results, end.rounds) == (Ending.DONE, {"b": b"painted"}, 1)
    assert end.states == {"a": BidState.REJECTED, "b": BidState.DONE, "c": BidState.REFUSED}


def test_who_does_not_answer_in_time_is_left_out_and_a_late_proposal_is_rejected() -> None:
    net = negotiation("a", "b")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"30"), NOW)
    decided = net.handle_timer(Timer(Phase.CALLING, 1), NOW + 2_000)
    assert sent(decided) == [("accept-proposal", "a")]
    assert sent(net.handle_message(says("PROPOSE", "b", b"1"), NOW)) == [("reject-proposal", "b")]
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


def test_a_winner_that_never_delivers_expires() -> None:
    net = negotiation("a")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    end = finished(net.handle_timer(Timer(Phase.WORKING, 1), NOW))
    assert (end.ending, end.states["a"]) == (Ending.FAILED, BidState.EXPIRED)


def test_a_further_round_calls_those_who_proposed_and_ignores_the_timer_of_the_former() -> None:
    def haggle(offers: list[Proposal], number: int) -> Decision:
        return Revise(b"cheaper") if number == 1 else cheapest(offers, number)

    net = negotiation("a", "b", "c", choose=haggle)
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"30"), NOW)
    net.handle_message(says("REFUSE", "b"), NOW)
    again = net.handle_message(says("PROPOSE", "c", b"40"), NOW)
    assert sent(again) == [("cfp", "a"), ("cfp", "c")]
    assert isinstance(again[0], Send)
    assert again[0].envelope.content == b"cheaper"
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


def test_cancelling_tells_everyone_who_still_waits_or_works() -> None:
    net = negotiation("a", "b", "c")
    net.start(NOW)
    net.handle_message(says("PROPOSE", "a", b"1"), NOW)
    net.handle_message(says("REFUSE", "b"), NOW)
    effects = net.cancel()
    assert sent(effects) == [("reject-proposal", "a"), ("cancel", "c")]
    assert finished(effects).ending is Ending.CANCELLED
    assert net.cancel() == []


def test_what_does_not_belong_to_it_changes_nothing() -> None:
    net = negotiation("a")
    net.start(NOW)
    before = dict(net.states)
    assert net.handle_message(says("PROPOSE", "stranger", b"1"), NOW) == []
    assert net.handle_message(says("PROPOSE", "a", b"1", conversation="talk-2"), NOW) == []
    assert net.handle_message(says("INFORM", "a", b"done already"), NOW) == []
    assert net.handle_message(says("ACCEPT_PROPOSAL", "a"), NOW) == []
    assert net.handle_failure("stranger", NOW) == []
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
