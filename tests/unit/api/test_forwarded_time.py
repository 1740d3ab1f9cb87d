"""How long a caller waits travels with what is passed on to another node."""

from __future__ import annotations

import pytest

from caxton_node.api.asking import Forwarded, decode_forwarded, encode
from caxton_node.api.call import Call
from caxton_node.security.principal import LOCAL

pytestmark = pytest.mark.story("006")


@pytest.mark.parametrize(
    ("said_s", "left_s", "travels_s"), [(None, 60.0, None), (5.0, 1.5, 1.5), (5.0, 0.0, 0.001)]
)
def test_the_time_that_is_left_travels_if_the_caller_said_one(said_s, left_s, travels_s):
    call = Call(LOCAL, "t", timeout_s=said_s)
    sent = Forwarded.write("S/M", b"", call, left_s)
    assert decode_forwarded(encode(sent)).timeout_s == travels_s


def test_what_an_earlier_version_passes_on_has_no_time():
    old = encode(["S/M", "local", "admin", "t", b""])
    assert decode_forwarded(old).timeout_s is None
