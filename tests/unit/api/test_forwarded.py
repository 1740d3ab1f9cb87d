"""What travels with a call that another node must do: who asks, so that what it has holds there."""

from __future__ import annotations

import msgspec
import pytest

from caxton_node.api.asking import Forwarded, decode_forwarded, encode
from caxton_node.api.call import Call
from caxton_node.core.errors import InvalidArgument
from caxton_node.security import Grant, Kind, Principal

pytestmark = pytest.mark.story("024")

WHO = Principal("corp:alice", (Grant("operator"), Grant("viewer", "acme")), Kind.JWT)


def test_who_asks_arrives_as_it_was() -> None:
    sent = encode(Forwarded.write("S/M", b"x", Call(WHO, "t"), 5))
    assert decode_forwarded(sent).read_principal() == WHO


def test_a_node_of_the_former_version_reads_it_and_is_read() -> None:
    class Former(msgspec.Struct, array_like=True):
        method: str
        principal: str
        role: str
        trace_id: str
        request: bytes

    sent = encode(Forwarded.write("S/M", b"x", Call(WHO, "t"), 5))
    read = msgspec.msgpack.decode(sent, type=Former)
    assert (read.principal, read.role, read.request) == ("corp:alice", "operator, viewer@acme", b"x")
    came = decode_forwarded(encode(Former("S/M", "ci", "operator", "t", b"x")))
    assert came.read_principal() == Principal("ci", (Grant("operator"),), Kind.API_KEY)


def test_a_role_whose_name_hides_another_stays_one_role() -> None:
    sly = Principal("eve", (Grant("x, admin"), Grant("y@z")), Kind.JWT)
    came = decode_forwarded(encode(Forwarded.write("S/M", b"", Call(sly, "t"), 5)))
    assert came.read_principal().grants == sly.grants
    assert came.role == ""


def test_a_kind_that_is_not_known_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        Forwarded("S/M", "eve", "", "t", b"", "telepathy", []).read_principal()
