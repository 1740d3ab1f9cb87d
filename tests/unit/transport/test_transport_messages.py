from __future__ import annotations

import pytest

from transport.frames import FrameType
from transport.messages import Greeting, clock_skew_s, decode_greeting, encode_greeting

pytestmark = pytest.mark.story("022")

NOW_US = 1_900_000_000_000_000


def greeting(sent_at_us: int) -> Greeting:
    return Greeting(
        version=1,
        cluster="home",
        node_id="node-a",
        epoch=1,
        session=1,
        first=[1, 1, 1, 1],
        window_bytes=262_144,
        bulk_window_bytes=262_144,
        frame_bytes_max=1_048_576,
        sent_at_us=sent_at_us,
    )


def test_a_greeting_carries_the_clock_of_who_sends_it() -> None:
    sent = greeting(NOW_US)
    assert decode_greeting(encode_greeting(FrameType.HELLO, sent)[6:]) == sent


@pytest.mark.parametrize(("sent_at_us", "skew_s"), [(NOW_US + 90_000_000, 90.0), (NOW_US - 1500, -0.0015)])
def test_the_skew_is_how_much_the_other_clock_is_ahead(sent_at_us: int, skew_s: float) -> None:
    assert clock_skew_s(greeting(sent_at_us), NOW_US) == pytest.approx(skew_s)


def test_a_node_that_does_not_tell_has_no_skew() -> None:
    assert clock_skew_s(greeting(0), NOW_US) is None
