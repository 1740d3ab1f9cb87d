"""Each act is said by a real guest, passes the router, and survives every form."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from caxton_node.fipa import BrokenRule, Envelope, Performative, check, decode, encode, parse_performative
from caxton_node.fipa.json_form import read_json, write_json
from caxton_node.fipa.rules import NEEDS_CONTENT
from caxton_node.fipa.text import read_text, write_text
from caxton_node.messaging import Clients
from tests.conformance.fipa.acts import ACTS, Act
from tests.conformance.fipa.speakers import speaker
from tests.support.data_plane import DataPlane
from tests.support.guests import wat

pytestmark = pytest.mark.story("005")
PAGE = Path(__file__).parents[3] / "docs" / "fipa.md"
by_word = pytest.mark.parametrize("act", ACTS, ids=lambda each: each.word)


def test_the_table_has_the_twenty_two_acts_of_fipa_and_no_other() -> None:
    assert [(act.word, act.code) for act in ACTS] == [(act.word, act.value) for act in Performative]
    assert {act.code for act in ACTS if act.needs_content} == set(NEEDS_CONTENT)


@by_word
async def test_an_act_that_a_guest_says_arrives_as_it_was_said(act: Act) -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        other = plane.add("other", wat("relay"))
        content = b'{"n": 1}' if act.needs_content else None
        said = [
            Envelope(Performative(act.code), None, receiver, content, in_reply_to="r-0")
            for receiver in ("other", client.address)
        ]
        speaking = plane.add("speaker", speaker(map(encode, said)))
        arrived = await client.receive(10)
        assert (arrived.performative, arrived.performative.word) == (act.code, act.word)
        assert (arrived.sender, arrived.content, arrived.in_reply_to) == (speaking.address, content, "r-0")
        await plane.settled()
        counts = plane.router.counts()
        assert (other.handled, counts.malformed, counts.refused, counts.delivered) == (1, 0, 0, 2)


@by_word
def test_an_act_survives_every_form(act: Act) -> None:
    message = Envelope(Performative(act.code), "me@n1", "somebody", b"[1]", "talk-1")
    assert encode(message)[3] == act.code
    assert write_text(message).split()[0] == b"(" + act.word.encode()
    assert json.loads(write_json(message))["performative"] == act.word
    assert (
        decode(encode(message)) == read_text(write_text(message)) == read_json(write_json(message)) == message
    )
    assert parse_performative(act.word) is parse_performative(act.word.upper().replace("-", "_"))


@by_word
def test_an_act_needs_a_content_or_does_not(act: Act) -> None:
    message = Envelope(Performative(act.code), receivers="somebody")
    if not act.needs_content:
        check(message)
        return
    with pytest.raises(BrokenRule, match="content"):
        check(message)


@by_word
def test_the_page_has_the_row_of_an_act(act: Act) -> None:
    assert act.row() in PAGE.read_text().splitlines()
