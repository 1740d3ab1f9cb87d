import pytest

from caxton_node.api.messages import _answers
from caxton_node.fipa import Envelope, Performative

pytestmark = pytest.mark.story("006")
ASKED = Envelope(Performative.REQUEST, None, "echo", b"x", "c-1", "r-1")


def reply(performative=Performative.INFORM, talk=None, in_reply_to=None) -> Envelope:
    return Envelope(performative, "someone@n1", "client~7", b"", talk, None, in_reply_to)


@pytest.mark.parametrize(
    ("message", "is_answer"),
    [
        (reply(talk="c-1", in_reply_to="r-1"), True),
        (reply(in_reply_to="r-1"), True),
        (reply(talk="c-1"), True),
        (reply(), False),
        (reply(talk="c-2"), False),
        (reply(talk="c-1", in_reply_to="r-2"), False),
        (reply(Performative.AGREE, "c-1", "r-1"), False),
    ],
)
def test_only_what_answers_the_question_is_taken_for_its_answer(message, is_answer):
    assert _answers(message, ASKED) is is_answer
