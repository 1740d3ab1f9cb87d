from __future__ import annotations

from collections.abc import Iterator

import pytest

from caxton_node.fipa.codec import decode, encode
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.runtime import Engine
from tests.support.guests import start, wat


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.mark.story("001")
def test_echo_answers_a_request_with_its_content(engine: Engine) -> None:
    sandbox, sent = start(engine, wat("echo"))
    request = Envelope(Performative.REQUEST, "bob", "echo", b"hello", "talk-1", "question-1")
    outcome = sandbox.handle([encode(request)])
    answer = decode(outcome.outbox[0])
    assert sent == []
    assert outcome.handled == 1
    assert outcome.trap is None
    assert (answer.performative, answer.receivers, answer.content) == (Performative.INFORM, "bob", b"hello")
    assert (answer.conversation_id, answer.in_reply_to) == ("talk-1", "question-1")
