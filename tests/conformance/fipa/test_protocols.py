"""The sequences that FIPA's diagrams and texts show, protocol by protocol, written by hand from them.

They do not look at the tables, so that the tables can be wrong. `>` is said by the initiator, `<` by the
participant. A legal sequence comes to the stage behind it; a full stop means that the talk is over. Of a
sequence that is not legal, all but the last act are.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caxton_node.fipa.performatives import parse_performative
from caxton_node.fipa.protocols import PROTOCOLS, Stage

pytestmark = [pytest.mark.story("005"), pytest.mark.story("011")]

LEGAL: dict[str, dict[str, str]] = {
    # SC00026H section 1.1 and figure 1
    "fipa-request": {
        "> request": "requested",
        "> request < agree": "agreed",
        "> request < agree < inform": "done.",  # inform-done, inform-result
        "> request < agree < failure": "failed.",
        "> request < inform": "done.",  # "the agree may be optional"
        "> request < failure": "failed.",
        "> request < refuse": "refused.",
        # section 1.2: not-understood, at any point, from the receiver of any communication
        "> request < not-understood": "not-understood.",
        "> request < agree > not-understood": "not-understood.",
        "> request < agree < not-understood": "not-understood.",
        # section 1.2 and figure 2: the cancel meta-protocol
        "> request > cancel < inform": "cancelled.",
        "> request < agree > cancel < inform": "cancelled.",
        "> request < agree > cancel < failure": "not-cancelled.",
        "> request < agree > cancel < not-understood": "not-cancelled.",
        # what crosses a cancel: the agree, then the answer
        "> request > cancel < agree": "cancelling",
        "> request > cancel < agree < inform": "cancelled.",
        "> request > cancel < refuse": "cancelled.",
        # the result crosses it; the participant answers the cancel all the same, or cannot
        "> request < agree > cancel < inform < inform": "cancelled.",
        "> request < agree > cancel < inform < failure": "cancelled.",
        "> request < agree > cancel < inform < not-understood": "cancelled.",
        # seen from the participant's node, where the result comes first
        "> request < agree < inform > cancel": "cancelled.",
        "> request < agree < inform > cancel < failure": "cancelled.",
        # it could not be cancelled, so the result comes
        "> request < agree > cancel < failure < inform": "not-cancelled.",
        "> request > cancel < failure < agree < inform": "not-cancelled.",
        "> request < agree > cancel < failure > cancel": "not-cancelled.",
    },
    # SC00027H section 1.1 and figure 1
    "fipa-query": {
        "> query-if < agree < inform": "answered.",  # inform-t/f
        "> query-ref < agree < inform": "answered.",  # inform-result
        "> query-if < inform": "answered.",  # "the agree may be optional"
        "> query-ref < inform": "answered.",
        "> query-if < refuse": "refused.",
        "> query-ref < refuse": "refused.",
        "> query-if < agree < failure": "failed.",
        "> query-ref < failure": "failed.",
        "> query-ref < not-understood": "not-understood.",  # section 1.2
        "> query-ref < agree > not-understood": "not-understood.",
        "> query-ref > cancel < inform": "cancelled.",
        "> query-ref < agree > cancel < failure": "not-cancelled.",
        "> query-if > cancel < agree < inform < inform": "cancelled.",
    },
    # SC00028H section 1.1 and figure 1
    "fipa-request-when": {
        "> request-when": "requested",
        "> request-when < refuse": "refused.",
        "> request-when < agree": "agreed",  # and waits for the precondition
        "> request-when < agree < inform": "done.",
        # "if after the initial agreement the participant is no longer able to perform the action"
        "> request-when < agree < failure": "failed.",
        "> request-when < not-understood": "not-understood.",  # section 1.2
        "> request-when < agree > not-understood": "not-understood.",
        "> request-when > cancel < inform": "cancelled.",
        "> request-when < agree > cancel < inform": "cancelled.",
        "> request-when < agree > cancel < failure < inform": "not-cancelled.",
    },
    # SC00029H section 1.1 and figure 1
    "fipa-contract-net": {
        "> cfp < refuse": "refused.",
        "> cfp < propose": "proposed",
        "> cfp < propose > reject-proposal": "rejected.",
        "> cfp < propose > accept-proposal": "accepted",
        "> cfp < propose > accept-proposal < inform": "done.",  # inform-done, inform-result
        "> cfp < propose > accept-proposal < failure": "failed.",
        "> cfp < not-understood": "not-understood.",  # section 1.2
        "> cfp < propose > not-understood": "not-understood.",
        "> cfp < propose > accept-proposal < not-understood": "not-understood.",
        "> cfp > cancel < inform": "cancelled.",
        "> cfp < propose > cancel < inform": "cancelled.",
        "> cfp < propose > accept-proposal > cancel < inform": "cancelled.",
        "> cfp < propose > accept-proposal > cancel < failure": "not-cancelled.",
        "> cfp > cancel < propose": "cancelling",  # the proposal crosses the cancel
        "> cfp > cancel < propose < inform": "cancelled.",
        "> cfp > cancel < refuse": "cancelled.",
    },
    # SC00030H section 1.1 and figure 1
    "fipa-iterated-contract-net": {
        "> cfp < refuse": "refused.",
        "> cfp < propose > reject-proposal": "rejected.",
        "> cfp < propose > accept-proposal < inform": "done.",
        "> cfp < propose > accept-proposal < failure": "failed.",
        "> cfp < propose > cfp": "called",  # the revised call, to those who are asked to iterate
        "> cfp < propose > cfp < propose > accept-proposal < inform": "done.",
        "> cfp < propose > cfp < propose > cfp < refuse": "refused.",  # "refuse to bid further"
        "> cfp < propose > cfp < propose > reject-proposal": "rejected.",
        "> cfp < not-understood": "not-understood.",  # section 1.2
        "> cfp < propose > cfp < not-understood": "not-understood.",
        "> cfp < propose > cfp > cancel < inform": "cancelled.",
        "> cfp < propose > cfp > cancel < propose < failure": "not-cancelled.",
    },
    # XC00031F section 1 and figure 1
    "fipa-english-auction": {
        "> inform": "opened",  # inform-start-of-auction
        "> inform > cfp": "called",
        "> inform > cfp < not-understood": "not-understood.",
        "> inform > cfp < propose": "bid",
        "> inform > cfp < propose > accept-proposal": "leading",
        "> inform > cfp < propose > reject-proposal": "outbid",
        "> inform > cfp < propose > accept-proposal > cfp": "called",  # at a higher price
        "> inform > cfp > cfp > cfp < propose > reject-proposal > cfp > inform": "closed.",
        "> inform > cfp > inform": "closed.",  # "until no buyers are prepared to pay the proposed price"
        "> inform > cfp < propose > reject-proposal > inform": "closed.",
        "> inform > cfp < propose > accept-proposal > cfp > inform": "closed.",  # the price fell to another
        # "the good is sold to that buyer"
        "> inform > cfp < propose > accept-proposal > inform > request": "won.",
        "> inform > cfp < propose > accept-proposal > request > inform": "won.",
        "> inform > cfp < propose > accept-proposal > inform": "won.",  # below the reservation price
        # calls and bids cross, as each side sees it
        "> inform > cfp > cfp < propose > reject-proposal < propose > accept-proposal": "leading",
        "> inform > cfp < propose > cfp > reject-proposal < propose > accept-proposal": "leading",
        "> inform > cfp > inform < propose > reject-proposal": "closed.",
        "> inform > cfp < propose > inform > reject-proposal": "closed.",
    },
    # XC00032F section 1 and figure 1
    "fipa-dutch-auction": {
        "> inform": "opened",  # inform-start-of-auction
        "> inform > cfp < not-understood": "not-understood.",
        "> inform > cfp > cfp > cfp": "called",  # the price falls
        "> inform > cfp > cfp > inform": "closed.",  # down to the reserve price, without a buyer
        "> inform > cfp < propose > accept-proposal": "bought",
        "> inform > cfp < propose > accept-proposal > inform": "closed.",
        "> inform > cfp < propose > accept-proposal > cfp < propose > accept-proposal > inform": "closed.",
        "> inform > cfp < propose > reject-proposal": "rejected",  # another was faster
        "> inform > cfp < propose > reject-proposal > cfp < propose > accept-proposal": "bought",
        "> inform > cfp < propose > reject-proposal > inform": "closed.",
        "> inform > cfp < propose > cfp > accept-proposal > inform": "closed.",  # the call crosses the bid
        "> inform > cfp > inform < propose > reject-proposal": "closed.",
        "> inform > cfp < propose > inform > reject-proposal": "closed.",
    },
    # SC00033H section 1.1 and figure 1
    "fipa-brokering": {
        "> proxy < refuse": "refused.",
        "> proxy < agree": "agreed",
        "> proxy < agree < failure": "failed.",  # failure-no-match, failure-proxy
        "> proxy < agree < inform": "forwarded",  # inform-done-proxy
        # reply-message-sub-protocol: of fipa-request, fipa-query, fipa-contract-net, fipa-propose
        "> proxy < agree < inform < inform": "answered.",
        "> proxy < agree < inform < refuse": "answered.",
        "> proxy < agree < inform < agree": "forwarded",
        "> proxy < agree < inform < agree < inform": "answered.",
        "> proxy < agree < inform < agree < failure": "answered.",
        "> proxy < agree < inform < propose": "answered.",
        "> proxy < agree < inform < accept-proposal": "answered.",
        "> proxy < agree < inform < reject-proposal": "answered.",
        # of several agents
        "> proxy < agree < inform < agree < agree < inform < failure < refuse < inform": "answered.",
        "> proxy < agree < inform < failure": "answered.",  # failure-brokering
        # of a subscription, called off through the broker
        "> proxy < agree < inform < agree < inform < inform > cancel < inform < inform": "cancelled.",
        "> proxy < not-understood": "not-understood.",  # section 1.2
        "> proxy > cancel < inform": "cancelled.",
        "> proxy < agree > cancel < failure": "not-cancelled.",
        "> proxy < agree < inform > cancel < propose < inform": "cancelled.",
    },
    # SC00034H section 1.1 and figure 1
    "fipa-recruiting": {
        "> proxy < refuse": "refused.",
        "> proxy < agree": "agreed",
        "> proxy < agree < failure": "failed.",  # failure-no-match, failure-proxy
        "> proxy < agree < inform": "forwarded.",  # inform-done-proxy
        "> proxy < not-understood": "not-understood.",  # section 1.2
        "> proxy < agree > not-understood": "not-understood.",
        "> proxy > cancel < inform": "cancelled.",
        "> proxy < agree > cancel < failure": "not-cancelled.",
    },
    # SC00035H section 1.1 and figure 1
    "fipa-subscribe": {
        "> subscribe < refuse": "refused.",
        "> subscribe < agree": "subscribed",
        "> subscribe < agree < inform": "subscribed",
        "> subscribe < agree < inform < inform < inform": "subscribed",
        "> subscribe < inform < inform": "subscribed",  # "the agree may be optional"
        "> subscribe < agree < failure": "failed.",  # "which also terminates the interaction"
        "> subscribe < agree < inform < failure": "failed.",
        "> subscribe < not-understood": "not-understood.",  # section 1.2
        "> subscribe < agree < inform > not-understood": "not-understood.",
        "> subscribe < agree < inform > cancel < inform": "cancelled.",
        "> subscribe < agree > cancel < failure": "not-cancelled.",
        "> subscribe > cancel < inform": "cancelled.",
        # informs that were under way, then the answer to the cancel
        "> subscribe < agree < inform > cancel < inform < inform < inform": "cancelled.",
        "> subscribe < agree > cancel < failure < inform < inform > cancel": "not-cancelled.",
    },
    # SC00036H section 1.1 and figure 1
    "fipa-propose": {
        "> propose": "proposed",
        "> propose < accept-proposal": "accepted.",
        "> propose < reject-proposal": "rejected.",
        "> propose < not-understood": "not-understood.",  # section 1.2
        "> propose > cancel < inform": "cancelled.",
        "> propose > cancel < failure": "not-cancelled.",
        "> propose > cancel < accept-proposal < failure": "cancelled.",  # the answer crosses the cancel
        "> propose < accept-proposal > cancel < inform": "cancelled.",
    },
    # SC00026H section 1.2 and figure 2
    "fipa-cancel": {
        "> cancel < inform": "cancelled.",
        "> cancel < failure": "not-cancelled.",
        "> cancel < not-understood": "not-cancelled.",
    },
}

ILLEGAL: dict[str, list[str]] = {
    "fipa-request": [
        "< request",
        "> inform",
        "> cancel",
        "> agree",
        "< not-understood",
        "> request-when",
        "> request > request",
        "> request < propose",
        "> request > inform",
        "> request > agree",
        "> request > not-understood",  # about what?
        "> request < cancel",
        "> request < agree < agree",
        "> request < agree < refuse",
        "> request < agree > request",
        "> request < refuse < inform",
        "> request < refuse < agree",
        "> request < inform < inform",
        "> request < inform < failure",
        "> request < failure < inform",
        "> request < agree < inform < inform",
        "> request < not-understood < inform",
        "> request < agree > not-understood < inform",
        "> request > cancel > request",
        "> request > cancel > cancel",
        "> request > cancel > inform",  # it does not answer itself
        "> request > cancel < propose",
        "> request > cancel < inform < agree",
        "> request < agree < inform > cancel > cancel",
    ],
    "fipa-query": [
        "> inform",
        "> subscribe",
        "> query-if > query-ref",
        "> query-if < confirm",
        "> query-if < inform-if",
        "> query-ref < inform-ref",
        "> query-ref < agree < refuse",
        "> query-ref < inform < inform",
        "> query-ref < agree < agree",
        "> query-ref < refuse < inform",
        "> query-ref > not-understood",
        "> query-ref > cancel < propose",
    ],
    "fipa-request-when": [
        "> request",
        "> request-whenever",
        "> request-when < inform",  # the agree is not optional here
        "> request-when < agree < refuse",
        "> request-when < agree < agree",
        "> request-when < agree < inform < inform",
        "> request-when < refuse < inform",
        "> request-when > request-when",
        "> request-when > cancel > cancel",
    ],
    "fipa-contract-net": [
        "> propose",
        "> request",
        "< cfp",
        "> cfp > cfp",
        "> cfp < agree",
        "> cfp < inform",
        "> cfp > accept-proposal",
        "> cfp > reject-proposal",
        "> cfp < accept-proposal",
        "> cfp < propose < propose",
        "> cfp < propose < refuse",
        "> cfp < propose < inform",
        "> cfp < propose > cfp",  # a second round is the iterated protocol
        "> cfp < propose > reject-proposal > cfp",
        "> cfp < propose > reject-proposal > accept-proposal",
        "> cfp < propose > reject-proposal < inform",
        "> cfp < propose > reject-proposal > cancel",
        "> cfp < propose > accept-proposal > reject-proposal",
        "> cfp < propose > accept-proposal > accept-proposal",
        "> cfp < propose > accept-proposal < refuse",
        "> cfp < propose > accept-proposal < agree",
        "> cfp < propose > accept-proposal < inform < inform",
        "> cfp < propose > accept-proposal < failure < inform",
        "> cfp < refuse < propose",
        "> cfp < refuse > cfp",
        "> cfp > not-understood",
        "> cfp > cancel > accept-proposal",
    ],
    "fipa-iterated-contract-net": [
        "> propose",
        "> cfp > cfp",
        "> cfp < propose < propose",
        "> cfp < propose > cfp > accept-proposal",  # the old proposal is void
        "> cfp < propose > cfp > cfp",
        "> cfp < propose > cfp < inform",
        "> cfp < propose > accept-proposal > cfp",
        "> cfp < propose > reject-proposal > cfp",
        "> cfp < refuse > cfp",
        "> cfp < propose > accept-proposal < inform < inform",
    ],
    "fipa-english-auction": [
        "> cfp",
        "> propose",
        "> inform < propose",
        "> inform > accept-proposal",
        "> inform > inform",
        "> inform > not-understood",
        "> inform > cfp > accept-proposal",
        "> inform > cfp > reject-proposal",
        "> inform > cfp > request",
        "> inform > cfp < refuse",
        "> inform > cfp < accept-proposal",
        "> inform > cfp < propose < propose",
        "> inform > cfp < propose > request",
        "> inform > cfp < propose > accept-proposal < propose",
        "> inform > cfp < propose > accept-proposal > accept-proposal",
        "> inform > cfp < propose > accept-proposal > reject-proposal",
        "> inform > cfp < propose > reject-proposal > accept-proposal",
        "> inform > cfp < propose > reject-proposal > request",
        "> inform > cfp < propose > reject-proposal > inform > request",
        "> inform > cfp > inform > cfp",
        "> inform > cfp > inform > request",
        "> inform > cfp > inform < propose > accept-proposal",
        "> inform > cfp > cancel",  # older than the meta-protocol
    ],
    "fipa-dutch-auction": [
        "> cfp",
        "> inform < propose",
        "> inform > inform",
        "> inform > cfp > accept-proposal",
        "> inform > cfp > reject-proposal",
        "> inform > cfp < refuse",
        "> inform > cfp < propose < propose",
        "> inform > cfp < propose > accept-proposal < propose",
        "> inform > cfp < propose > accept-proposal > reject-proposal",
        "> inform > cfp < propose > accept-proposal < inform",
        "> inform > cfp < propose > reject-proposal > accept-proposal",
        "> inform > cfp > inform > cfp",
        "> inform > cfp > inform < propose > accept-proposal",
        "> inform > cfp > request",
        "> inform > cfp > cancel",
    ],
    "fipa-brokering": [
        "> request",
        "> propagate",
        "> proxy < inform",  # it has to agree first
        "> proxy > proxy",
        "> proxy < refuse < inform",
        "> proxy < agree < agree",
        "> proxy < agree < refuse",
        "> proxy < agree < propose",
        "> proxy < agree < failure < inform",
        "> proxy < agree < inform > accept-proposal",
        "> proxy < agree < inform < propose > accept-proposal",  # replies are forwarded, nothing else
        "> proxy < agree < inform < request",
        "> proxy > not-understood",
    ],
    "fipa-recruiting": [
        "> request",
        "> proxy < inform",
        "> proxy > proxy",
        "> proxy < agree < refuse",
        "> proxy < agree < inform < inform",  # replies do not come from the recruiter
        "> proxy < agree < inform < propose",
        "> proxy < agree < failure < inform",
        "> proxy < refuse < agree",
    ],
    "fipa-subscribe": [
        "> inform",
        "> request-whenever",
        "> subscribe > subscribe",
        "> subscribe < propose",
        "> subscribe < agree < agree",
        "> subscribe < agree < refuse",
        "> subscribe < inform < agree",
        "> subscribe < inform < refuse",
        "> subscribe < agree > inform",
        "> subscribe < agree < inform > subscribe",
        "> subscribe < failure < inform",
        "> subscribe < agree < inform < failure < inform",
        "> subscribe < refuse < inform",
        "> subscribe < agree > cancel > cancel",
        "> subscribe < agree > cancel > subscribe",
        "< cancel",
        "> subscribe < cancel",
    ],
    "fipa-propose": [
        "> cfp",
        "> accept-proposal",
        "> propose > propose",
        "> propose < agree",
        "> propose < refuse",
        "> propose < inform",
        "> propose > accept-proposal",
        "> propose < propose",
        "> propose < accept-proposal < reject-proposal",
        "> propose < accept-proposal > inform",  # the report of what was done is a talk of its own
        "> propose < accept-proposal < inform",
        "> propose < reject-proposal < accept-proposal",
        "> propose > cancel > inform",
    ],
    "fipa-cancel": [
        "> request",
        "< cancel",
        "> inform",
        "> cancel > cancel",
        "> cancel < agree",
        "> cancel < refuse",
        "> cancel > inform",
        "> cancel > not-understood",
        "> cancel < inform < inform",
        "> cancel < failure < inform",
    ],
}


def acts(sequence: str) -> Iterator[tuple[str, str]]:
    words = sequence.split()
    return zip(words[::2], words[1::2], strict=True)


def say(stage: Stage, who: str, word: str) -> Stage | None:
    moves = {">": stage.initiator, "<": stage.participant}[who]
    return moves.get(parse_performative(word))


@pytest.mark.parametrize(
    ("name", "sequence", "end"),
    [(name, sequence, end) for name, cases in LEGAL.items() for sequence, end in cases.items()],
)
def test_a_sequence_that_fipa_shows_comes_to_its_end(name: str, sequence: str, end: str) -> None:
    stage = PROTOCOLS[name].opening
    for who, word in acts(sequence):
        after = say(stage, who, word)
        assert after is not None, f"{word} is refused once {stage.name}"
        stage = after
    assert f"{stage.name}{'.' if stage.is_final else ''}" == end


@pytest.mark.parametrize(
    ("name", "sequence"), [(name, sequence) for name, cases in ILLEGAL.items() for sequence in cases]
)
def test_a_sequence_that_fipa_does_not_show_is_refused_at_its_last_act(name: str, sequence: str) -> None:
    stage = PROTOCOLS[name].opening
    *legal, (who, word) = acts(sequence)
    for speaker, act in legal:
        after = say(stage, speaker, act)
        assert after is not None, f"{act} is refused once {stage.name}"
        stage = after
    assert say(stage, who, word) is None, f"{word} is taken once {stage.name}"


def test_every_protocol_has_sequences_of_both_kinds() -> None:
    assert set(LEGAL) == set(ILLEGAL) == set(PROTOCOLS)
