"""The memory of callers is never better than the judge: not beyond expiry, not after a revocation."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.security import Credentials, Principal, hash_token
from caxton_node.security.remembered import TTL_S, Remembered, key_of
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("023")

TEXTS = ("one", "two", "three")
texts = st.sampled_from(TEXTS)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("pass"), st.integers(0, 360).map(lambda quarters: quarters / 4)),
        st.tuples(st.just("keep"), texts, st.one_of(st.none(), st.integers(-10, 120)), st.booleans()),
        st.tuples(st.just("forget"), texts),
        st.tuples(st.just("clear")),
    ),
    max_size=40,
)


class Model:
    """What may be remembered at most: when each text was last found good, and until when that holds."""

    def __init__(self, ttl_s: float) -> None:
        self.ttl_s = ttl_s
        self.now = 0.0
        self.good: dict[str, tuple[float, float]] = {}

    def may_know(self, text: str) -> bool:
        if text not in self.good:
            return False
        kept_at, expires_at = self.good[text]
        return self.now - kept_at < self.ttl_s and self.now < expires_at


@given(steps=steps, ttl_s=st.sampled_from([0.0, 1.0, 30.0, 60.0, 500.0]))
def test_nothing_is_known_that_is_not_true_any_more(steps: list[tuple[object, ...]], ttl_s: float) -> None:
    clock = HandClock(unix_s=1_000_000)
    remembered, model = Remembered(clock, ttl_s), Model(min(ttl_s, TTL_S))
    for step in steps:
        match step:
            case ("pass", float(seconds)):
                clock.advance(seconds)
                model.now = clock.now()
            case ("keep", str(text), (int() | None) as left_s, bool(late)):
                expires = None if left_s is None else int(1_000_000 + clock.now() + left_s)
                age = remembered.age
                if late:  # a revocation of something comes while the judge looks
                    remembered.forget(hash_token("another"))
                remembered.keep(
                    key_of(Credentials(bearer=text)), Principal(text, (), expires_unix_s=expires), age
                )
                if not late:
                    until = float("inf") if expires is None else expires - 1_000_000
                    model.good[text] = (clock.now(), until)
            case ("forget", str(text)):
                remembered.forget(hash_token(text))
                model.good.pop(text, None)
            case _:
                remembered.clear()
                model.good.clear()
        for text in TEXTS:
            found = remembered.find(key_of(Credentials(bearer=text)))
            assert (found is not None) == model.may_know(text)
            assert found is None or found.name == text
            assert remembered.find(key_of(Credentials(api_key=text))) is None
