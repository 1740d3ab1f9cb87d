"""Each parameter is written by a real guest, passes the router, and survives every form."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.fipa.grammar import KEYWORDS
from caxton_node.fipa.json_form import KEYS, read_json, write_json
from caxton_node.fipa.message import POSITIONS
from caxton_node.fipa.text import read_text, write_text
from caxton_node.messaging import Clients
from tests.conformance.fipa.parameters import PARAMETERS, Parameter
from tests.conformance.fipa.speakers import speaker
from tests.support.data_plane import DataPlane
from tests.support.guests import wat

pytestmark = pytest.mark.story("005")
PAGE = Path(__file__).parents[3] / "docs" / "fipa.md"
by_name = pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda each: each.name)


def message_with(parameter: Parameter) -> Envelope:
    """Return a message that holds this parameter and no more than it must."""
    message = Envelope(Performative.CFP, receivers="other", content=b"{}")
    setattr(message, parameter.field, parameter.value)
    return message


def test_the_table_has_the_thirteen_parameters_of_fipa_and_no_other() -> None:
    assert len(PARAMETERS) == 13
    own = ("message_id", "sent_at", "trace", "headers")
    assert sorted(parameter.position for parameter in PARAMETERS) == list(range(13))
    assert {parameter.field for parameter in PARAMETERS} == set(POSITIONS) - set(own)
    assert [parameter.keyword for parameter in PARAMETERS[1:]] == list(KEYWORDS)


@by_name
def test_a_parameter_stands_at_its_place_in_every_form(parameter: Parameter) -> None:
    message = message_with(parameter)
    assert msgspec.msgpack.decode(encode(message))[parameter.position] == parameter.value
    assert f"{parameter.text}".encode() in write_text(message)
    assert json.loads(write_json(message))[parameter.field] == parameter.json
    assert POSITIONS[parameter.position] == parameter.field


@by_name
def test_a_parameter_survives_every_form(parameter: Parameter) -> None:
    message = message_with(parameter)
    assert decode(encode(message)) == message
    assert read_text(write_text(message)) == message
    assert read_text(write_text(message, indent=True)) == message
    assert read_json(write_json(message)) == message


@by_name
async def test_a_parameter_that_a_guest_writes_arrives(parameter: Parameter) -> None:
    with DataPlane() as plane, Clients(plane.router).open() as client:
        other = plane.add("other", wat("relay"))
        message = message_with(parameter)
        message.receivers = ["other", client.address]
        plane.add("asker", speaker([encode(message)]))
        arrived = await client.receive(10)
        expected = client.address if parameter.field == "receivers" else parameter.value
        assert getattr(arrived, parameter.field) == expected
        await plane.settled()
        assert other.handled == 1
        for form in (decode(encode(arrived)), read_json(write_json(arrived))):
            assert form == arrived


def test_the_page_has_every_word_of_each_form() -> None:
    text = PAGE.read_text()
    assert [key for key in KEYS if f"`{key}`" not in text] == []
    assert [keyword for keyword in KEYWORDS if f"`{keyword}`" not in text] == []


@by_name
def test_the_page_has_the_row_of_a_parameter(parameter: Parameter) -> None:
    assert parameter.row() in PAGE.read_text().splitlines()
