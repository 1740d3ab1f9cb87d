import pytest

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa import Performative, parse_performative

pytestmark = pytest.mark.story("005")


def test_there_are_the_twenty_two_acts_of_fipa_with_the_codes_of_its_bit_efficient_encoding() -> None:
    words = [act.word for act in Performative]
    assert words == [
        "accept-proposal", "agree", "cancel", "cfp", "confirm", "disconfirm", "failure", "inform",
        "inform-if", "inform-ref", "not-understood", "propagate", "propose", "proxy", "query-if", "query-ref",
        "refuse", "reject-proposal", "request", "request-when", "request-whenever", "subscribe",
    ]  # fmt: skip
    assert [int(act) for act in Performative] == list(range(1, 23))


@pytest.mark.parametrize("act", Performative)
def test_every_act_is_read_with_hyphens_or_underscores_in_either_case(act: Performative) -> None:
    assert parse_performative(act.word) is act
    assert parse_performative(act.name) is act
    assert parse_performative(act.name.lower()) is act


def test_an_unknown_act_is_refused_with_the_list_of_those_there_are() -> None:
    with pytest.raises(InvalidMessage) as caught:
        parse_performative("shout")
    assert "request-whenever" in caught.value.hint
