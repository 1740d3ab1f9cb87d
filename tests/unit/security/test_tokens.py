"""Tokens: issued once, stored as a hash, refused with the reason."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caxton_node.core.errors import InvalidArgument, Unauthorized
from caxton_node.security import JoinToken, Redeemed, Role, Tokens, hash_token, parse_join_token
from caxton_node.security.store import TokenStore
from caxton_node.storage import Database
from tests.support.clock import HandClock

pytestmark = pytest.mark.story("024")

FINGERPRINT = "ab" * 32


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    async with await Database.open(tmp_path / "caxton.db") as opened:
        yield opened


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def tokens(database: Database, clock: HandClock) -> Tokens:
    return Tokens(database, clock)


async def test_the_text_of_a_token_is_nowhere_in_the_database(tokens: Tokens, database: Database) -> None:
    text = await tokens.issue_api_token(env="dev", client="alice", role=Role.ADMIN)
    (row,) = await database.read("SELECT * FROM tokens")
    assert hash_token(text) in row
    assert text.split("_")[2] not in str(row)


async def test_a_client_name_that_breaks_the_format_is_refused(tokens: Tokens) -> None:
    with pytest.raises(InvalidArgument, match="client name"):
        await tokens.issue_api_token(env="dev", client="My Client", role=Role.VIEWER)


async def test_a_join_token_survives_being_written_and_read(tokens: Tokens) -> None:
    token = await tokens.issue_join_token(ca_fingerprint=FINGERPRINT, lifetime_s=60)
    assert parse_join_token(f" {token.text}\n") == token
    assert token.ca_fingerprint == FINGERPRINT
    assert token.secret.hex() not in repr(token)


async def test_a_join_token_admits_as_many_nodes_as_it_says(tokens: Tokens) -> None:
    token = await tokens.issue_join_token(ca_fingerprint=FINGERPRINT, uses=2)
    outcomes = await asyncio.gather(*(tokens.take_join_use(hash_token(token.text)) for _ in range(5)))
    assert outcomes.count(Redeemed.TAKEN) == 2
    assert outcomes.count(Redeemed.USED_UP) == 3


async def test_a_join_token_without_a_count_admits_many(tokens: Tokens) -> None:
    token = await tokens.issue_join_token(ca_fingerprint=FINGERPRINT)
    for _ in range(5):
        assert await tokens.take_join_use(hash_token(token.text)) is Redeemed.TAKEN


async def test_an_expired_join_token_says_how_long_ago(tokens: Tokens, clock: HandClock) -> None:
    token = await tokens.issue_join_token(ca_fingerprint=FINGERPRINT, lifetime_s=60)
    clock.advance(65)
    assert await tokens.take_join_use(hash_token(token.text)) is Redeemed.EXPIRED
    with pytest.raises(Unauthorized, match=r"expired: 5 s ago"):
        token.check_expiry(tokens.now_unix_s)


async def test_a_join_token_of_another_node_is_not_known(tokens: Tokens) -> None:
    foreign = JoinToken(FINGERPRINT, b"s" * 16, 2_000_000_000)
    assert await tokens.take_join_use(hash_token(foreign.text)) is Redeemed.UNKNOWN


async def test_an_api_token_is_no_join_token(tokens: Tokens) -> None:
    text = await tokens.issue_api_token(env="dev", client="ci", role=Role.ADMIN)
    assert await tokens.take_join_use(hash_token(text)) is Redeemed.UNKNOWN


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[:-3],
        lambda text: text[5:],
        lambda text: text[:20] + ("A" if text[20] != "A" else "B") + text[21:],
        lambda text: text[:20] + "ü" + text[21:],
        lambda _text: "cxj1.",
        lambda _text: "",
        lambda _text: "cax_prod_x_y",
    ],
)
def test_a_damaged_join_token_is_told_from_a_wrong_one(damage) -> None:
    text = JoinToken(FINGERPRINT, b"s" * 16, 2_000_000_000).text
    with pytest.raises(InvalidArgument, match="not a join token"):
        parse_join_token(damage(text))


@pytest.mark.parametrize("wrong", [{"lifetime_s": 0}, {"lifetime_s": 10**7}, {"uses": 0}])
async def test_a_join_token_out_of_range_is_refused(tokens: Tokens, wrong: dict[str, float]) -> None:
    with pytest.raises(InvalidArgument):
        await tokens.issue_join_token(ca_fingerprint=FINGERPRINT, **wrong)


async def test_long_expired_join_tokens_are_swept(
    tokens: Tokens, database: Database, clock: HandClock
) -> None:
    await tokens.issue_join_token(ca_fingerprint=FINGERPRINT, lifetime_s=60)
    clock.advance(8 * 86_400)
    await tokens.issue_join_token(ca_fingerprint=FINGERPRINT, lifetime_s=60)
    assert await database.read("SELECT count(*) FROM tokens") == [(1,)]


async def test_join_tokens_from_before_an_instant_can_be_made_void(
    tokens: Tokens, clock: HandClock, database: Database
) -> None:
    api = await tokens.issue_api_token(env="prod", client="ci", role=Role.ADMIN)
    before = await tokens.issue_join_token(ca_fingerprint=FINGERPRINT)
    revoked_at = tokens.now_unix_s
    clock.advance(1)
    after = await tokens.issue_join_token(ca_fingerprint=FINGERPRINT)
    assert await tokens.void_join_tokens(revoked_at) == 1
    assert await tokens.take_join_use(hash_token(before.text)) is Redeemed.UNKNOWN
    assert await tokens.take_join_use(hash_token(after.text)) is Redeemed.TAKEN
    kept = TokenStore(database).find_now(hash_token(api))
    assert kept is not None
    assert kept.name == "ci"
