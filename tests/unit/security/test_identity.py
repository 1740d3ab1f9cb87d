"""Who calls: one credential, one judge, and a memory that is never better than the judge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caxton_node.core.errors import RateLimited, Unauthorized
from caxton_node.security import (
    LOCAL,
    Credentials,
    Grant,
    Identity,
    Principal,
    UnixPeer,
    read_api_key,
    read_bearer,
)
from caxton_node.security import remembered as remembered_module
from caxton_node.security.authenticators.api_key import ApiKeyAuthenticator
from caxton_node.security.authenticators.unix_peer import UnixPeerAuthenticator
from caxton_node.security.identity import CREDENTIAL_CHARS_MAX
from caxton_node.security.refusal import Reason, refusal
from caxton_node.security.turns import AT_ONCE_MAX
from tests.support.api_keys import KeyHouse, key_houses
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("023")

WRONG = f"cax_test_{'0' * 40}_eve"
OWN = UnixPeer(1, 1000, 1000)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[KeyHouse]:
    async with key_houses(tmp_path, "alpha", clock=clock) as (opened,):
        yield opened


@pytest.fixture
def identity(house: KeyHouse, clock: HandClock) -> Identity:
    made = Identity(
        [ApiKeyAuthenticator(house.keys), UnixPeerAuthenticator(own_uid=1000)], clock, free_failures=5
    )
    house.keys.listen(made.forget)
    return made


async def made_key(house: KeyHouse) -> str:
    return (await house.keys.create(name="ci", grants=[Grant("viewer")])).text


async def reason_of(identity: Identity, credentials: Credentials) -> str:
    with pytest.raises(Unauthorized) as caught:
        await identity.authenticate(credentials)
    return caught.value.reason


async def test_a_known_caller_is_remembered_for_a_minute(
    house: KeyHouse, identity: Identity, clock: HandClock
) -> None:
    shown = Credentials(bearer=await made_key(house))
    assert identity.find_cached(shown) is None
    principal = await identity.authenticate(shown)
    assert identity.find_cached(shown) is principal
    clock.advance(60)
    assert identity.find_cached(shown) is None


async def test_a_refusal_is_not_remembered(identity: Identity) -> None:
    assert await reason_of(identity, Credentials(bearer=WRONG)) == "unknown"
    assert identity.find_cached(Credentials(bearer=WRONG)) is None


async def test_what_was_good_in_one_place_is_not_taken_for_good_in_another(
    house: KeyHouse, identity: Identity
) -> None:
    text = await made_key(house)
    await identity.authenticate(Credentials(bearer=text))
    assert identity.find_cached(Credentials(api_key=text)) is None


async def test_more_than_one_credential_is_refused_even_if_one_is_good_and_known(
    house: KeyHouse, identity: Identity
) -> None:
    text = await made_key(house)
    await identity.authenticate(Credentials(bearer=text))
    await identity.authenticate(Credentials(api_key=text))
    for shown in (
        Credentials(bearer=text, api_key=WRONG),
        Credentials(bearer=WRONG, api_key=text),
        Credentials(bearer=text, certificate_der=b"x"),
        Credentials(api_key=text, certificate_der=b"x"),
    ):
        assert await reason_of(identity, shown) == "ambiguous"
    same = await identity.authenticate(Credentials(bearer=text, api_key=text))
    assert same.name == "ci"


async def test_a_wrong_key_is_not_passed_over_for_the_socket_it_came_by(identity: Identity) -> None:
    assert await identity.authenticate(Credentials(peer=OWN)) == LOCAL
    assert await reason_of(identity, Credentials(bearer=WRONG, peer=OWN)) == "unknown"
    for text in ("hello", f"Bearer {WRONG}", "a.b.c"):  # of no form that is known here
        assert await reason_of(identity, Credentials(bearer=text, peer=OWN)) == "malformed"
    assert await reason_of(identity, Credentials(certificate_der=b"x", peer=OWN)) == "unknown"


async def test_a_header_that_holds_no_credential_is_not_passed_over_either(identity: Identity) -> None:
    for header in ("", "Bearer  ", "Basic eDp5"):  # such as an unset variable leaves it
        assert await reason_of(identity, Credentials(bearer=read_bearer(header), peer=OWN)) == "malformed"
    assert await reason_of(identity, Credentials(api_key=read_api_key(""), peer=OWN)) == "malformed"
    assert read_bearer("bEaReR  x ") == "x"


async def test_a_good_key_on_the_socket_is_who_it_says(house: KeyHouse, identity: Identity) -> None:
    shown = Credentials(bearer=await made_key(house), peer=OWN)
    assert (await identity.authenticate(shown)).name == "ci"


async def test_nothing_shown_is_refused_with_the_next_step(identity: Identity) -> None:
    with pytest.raises(Unauthorized) as caught:
        await identity.authenticate(Credentials())
    assert caught.value.reason == "missing"
    assert "CAXTON_TOKEN" in caught.value.hint


async def test_a_credential_that_is_too_long_is_not_looked_at(identity: Identity) -> None:
    for shown in (Credentials(bearer="x" * (CREDENTIAL_CHARS_MAX + 1)), Credentials(api_key="x" * 10**6)):
        assert await reason_of(identity, shown) == "malformed"


async def test_a_text_that_is_no_unicode_is_refused_like_any_other(identity: Identity) -> None:
    assert await reason_of(identity, Credentials(bearer="cax_\udcff")) == "malformed"


# -- guessing -----------------------------------------------------------------------------------------------


async def guess(identity: Identity, times: int, source: str) -> None:
    for _ in range(times):
        await reason_of(identity, Credentials(bearer=WRONG, source=source))


async def test_a_source_that_guesses_is_told_when_to_try_again(
    house: KeyHouse, identity: Identity, clock: HandClock
) -> None:
    text = await made_key(house)
    await guess(identity, 6, "10.0.0.1")
    with pytest.raises(RateLimited, match="wrong credentials") as caught:
        await identity.authenticate(Credentials(bearer=text, source="10.0.0.1"))
    assert caught.value.retry_after_s == pytest.approx(2.0)
    assert (await identity.authenticate(Credentials(bearer=text, source="10.0.0.2"))).name == "ci"
    clock.advance(2)
    assert (await identity.authenticate(Credentials(bearer=text, source="10.0.0.1"))).name == "ci"


async def test_who_is_known_goes_on_while_its_neighbour_guesses(house: KeyHouse, identity: Identity) -> None:
    shown = Credentials(bearer=await made_key(house), source="10.0.0.1")
    await identity.authenticate(shown)
    await guess(identity, 6, "10.0.0.1")
    assert (await identity.authenticate(shown)).name == "ci"


async def test_a_stream_goes_on_while_its_neighbour_guesses_and_ends_when_its_own_key_does(
    house: KeyHouse, identity: Identity
) -> None:
    made = await house.keys.create(name="ci", grants=[Grant("viewer")])
    shown = Credentials(bearer=made.text, source="10.0.0.1")
    await identity.authenticate(shown)
    await guess(identity, 6, "10.0.0.1")
    identity.forget_all()
    assert (await identity.look_again(shown)).name == "ci"
    await house.keys.revoke(made.record.id)
    with pytest.raises(Unauthorized, match="revoked"):
        await identity.look_again(shown)


async def test_a_user_of_the_socket_who_is_refused_slows_down_no_other(
    house: KeyHouse, identity: Identity
) -> None:
    stranger, other = UnixPeer(1, 4242, 4242), UnixPeer(2, 4343, 4343)
    for _ in range(13):
        await reason_of(identity, Credentials(peer=stranger, source=stranger.source))
    shown = Credentials(bearer=await made_key(house), peer=other, source=other.source)
    assert (await identity.authenticate(shown)).name == "ci"


class Server:
    """Knows one token, and answers when it is let."""

    def __init__(self) -> None:
        self.may_answer = asyncio.Event()
        self.asked: list[str] = []

    def knows(self, credentials: Credentials) -> bool:
        return bool(credentials.bearer)

    async def authenticate(self, credentials: Credentials) -> Principal:
        self.asked.append(credentials.bearer)
        await self.may_answer.wait()
        if credentials.bearer == "good":
            return Principal("alice", ())
        raise refusal(Reason.UNKNOWN, "no")


async def all_at_once(
    identity: Identity, server: Server, texts: list[str]
) -> list[Principal | BaseException]:
    calls = [identity.authenticate(Credentials(bearer=text, source="10.0.0.1")) for text in texts]
    asking = asyncio.gather(*calls, return_exceptions=True)
    await asyncio.sleep(0)  # each has come as far as it gets
    server.may_answer.set()
    return await asking


async def test_guesses_that_come_at_once_are_not_all_judged(clock: HandClock) -> None:
    server = Server()
    identity = Identity([server], clock, free_failures=5)
    answers = await all_at_once(identity, server, [f"guess-{number}" for number in range(100)])
    assert len(server.asked) <= 5 + AT_ONCE_MAX
    assert sum(isinstance(answer, RateLimited) for answer in answers) == 100 - len(server.asked)
    assert len(identity._turns) == 0


async def test_one_source_does_not_fill_the_places_of_another(clock: HandClock) -> None:
    server = Server()
    identity = Identity([server], clock)
    guesses = [
        asyncio.create_task(identity.authenticate(Credentials(bearer=f"guess-{number}", source="10.0.0.1")))
        for number in range(20)
    ]
    other = asyncio.create_task(identity.authenticate(Credentials(bearer="good", source="10.0.0.2")))
    await asyncio.sleep(0)  # each has come as far as it gets
    assert len(server.asked) == AT_ONCE_MAX + 1
    for each in guesses:
        each.cancel()
    server.may_answer.set()
    assert (await other).name == "alice"
    await asyncio.gather(*guesses, return_exceptions=True)
    assert len(identity._turns) == 0


async def test_who_comes_several_times_at_once_is_asked_about_only_as_often_as_there_are_turns(
    clock: HandClock,
) -> None:
    server = Server()
    answers = await all_at_once(Identity([server], clock), server, ["good"] * 50)
    assert {answer.name for answer in answers if isinstance(answer, Principal)} == {"alice"}
    assert len(server.asked) == AT_ONCE_MAX


async def test_a_good_credential_does_not_let_its_holder_go_on_guessing(
    house: KeyHouse, identity: Identity
) -> None:
    text = await made_key(house)
    for _ in range(2):
        await guess(identity, 3, "10.0.0.1")
        await identity.authenticate(Credentials(bearer=text, source="10.0.0.1"))
    with pytest.raises(RateLimited):
        await identity.authenticate(Credentials(bearer=WRONG, source="10.0.0.1"))


async def test_a_key_that_was_good_once_is_no_guess(house: KeyHouse, identity: Identity) -> None:
    made = await house.keys.create(name="ci", grants=[Grant("viewer")])
    await house.keys.revoke(made.record.id)
    for _ in range(10):
        assert await reason_of(identity, Credentials(bearer=made.text, source="10.0.0.1")) == "revoked"
        assert await reason_of(identity, Credentials(source="10.0.0.1")) == "missing"


async def test_every_refusal_is_counted_with_its_reason(house: KeyHouse, identity: Identity) -> None:
    counted: list[str] = []
    identity.on_failure = counted.append
    await reason_of(identity, Credentials())
    await guess(identity, 6, "10.0.0.1")
    with pytest.raises(RateLimited):
        await identity.authenticate(Credentials(bearer=WRONG, source="10.0.0.1"))
    assert counted == ["missing", *["unknown"] * 6, "slowed"]


async def test_the_memory_is_bounded(
    house: KeyHouse, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembered_module, "ENTRIES_MAX", 3)
    texts = [await made_key(house) for _ in range(5)]
    for text in texts:
        await identity.authenticate(Credentials(bearer=text))
    known = [identity.find_cached(Credentials(bearer=text)) is not None for text in texts]
    assert known == [False, False, True, True, True]
