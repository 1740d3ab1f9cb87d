import pytest

from caxton_node.fipa import BrokenRule, ContentTooLarge, Envelope, Performative, check
from caxton_node.fipa.rules import NEEDS_CONTENT

pytestmark = pytest.mark.story("005")


@pytest.mark.parametrize("act", Performative)
def test_every_act_may_be_said_with_a_receiver_and_a_content(act: Performative) -> None:
    check(Envelope(act, receivers="somebody", content=b"{}"))


@pytest.mark.parametrize("act", sorted(NEEDS_CONTENT))
def test_an_act_that_is_about_its_content_needs_one_but_it_may_be_empty(act: Performative) -> None:
    check(Envelope(act, receivers="somebody", content=b""))
    with pytest.raises(BrokenRule) as caught:
        check(Envelope(act, receivers="somebody"))
    assert (caught.value.field, caught.value.position) == ("content", 3)
    assert act.word in caught.value.reason


@pytest.mark.parametrize("act", sorted(set(Performative) - NEEDS_CONTENT))
def test_an_answer_may_rest_on_what_it_answers(act: Performative) -> None:
    check(Envelope(act, receivers="somebody"))


def test_a_message_to_nobody_is_refused() -> None:
    with pytest.raises(BrokenRule) as caught:
        check(Envelope(Performative.INFORM, content=b""))
    assert caught.value.position == 2


def test_the_content_may_be_as_large_as_the_limit_and_no_larger() -> None:
    check(Envelope(Performative.INFORM, receivers="somebody", content=b"12345"), content_bytes_max=5)
    with pytest.raises(ContentTooLarge, match="invalid message"):
        check(Envelope(Performative.INFORM, receivers="somebody", content=b"123456"), content_bytes_max=5)
