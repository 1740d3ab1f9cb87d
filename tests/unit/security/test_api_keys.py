"""API keys: shown once, good on every node, rotated with an overlap, and never back once revoked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from caxton_node.core.errors import InvalidArgument, StateError, Unauthorized
from caxton_node.registry.shared_tokens import SharedTokens
from caxton_node.security import Credentials, Grant, Tokens, hash_token
from caxton_node.security.api_keys import KeyNotFound
from caxton_node.security.key_rules import CUT_OFF_SLACK_S, MARK_KEPT_S
from caxton_node.security.service import make_api_key
from caxton_node.security.store import TokenStore
from caxton_node.storage import Database
from tests.support.api_keys import KeyHouse, key_houses
from tests.support.clock import HandClock
from tests.support.registry_net import Net, until

pytestmark = pytest.mark.story("023")

VIEWER = [Grant("viewer")]
HOUR_S = 3600


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def house(tmp_path: Path, clock: HandClock) -> AsyncIterator[KeyHouse]:
    async with key_houses(tmp_path, "alpha", clock=clock) as (opened,):
        yield opened


async def name_of(house: KeyHouse, text: str) -> str:
    return (await house.identity.authenticate(Credentials(bearer=text))).name


async def reason_of(house: KeyHouse, text: str) -> str:
    with pytest.raises(Unauthorized) as caught:
        await house.identity.authenticate(Credentials(bearer=text))
    assert not text or text not in str(caught.value)
    return caught.value.reason


async def test_a_key_names_its_holder_and_what_it_may_do(house: KeyHouse) -> None:
    made = await house.keys.create(name="ci", grants=[Grant("operator"), Grant("viewer", "acme")])
    assert made.text.startswith("cax_test_")
    assert made.text.endswith("_ci")
    principal = await house.identity.authenticate(Credentials(api_key=made.text))
    assert (principal.name, principal.roles) == ("ci", "operator, viewer@acme")


async def test_the_text_of_a_key_is_kept_nowhere(house: KeyHouse) -> None:
    made = await house.keys.create(name="ci", grants=VIEWER)
    await house.keys.revoke(made.record.id)
    secret = made.text.split("_")[2]
    for table in ("tokens", "revoked_tokens", "registry_entries"):
        assert secret not in str(await house.node.database.read(f"SELECT * FROM {table}"))
    assert secret not in repr(await house.keys.records())


async def test_a_key_expires_even_while_it_is_remembered(house: KeyHouse, clock: HandClock) -> None:
    made = await house.keys.create(name="ci", grants=VIEWER, lifetime_s=30)
    assert await name_of(house, made.text) == "ci"
    clock.advance(30)
    assert await reason_of(house, made.text) == "expired"
    assert house.keys.state_of(made.record) == "expired"


async def test_a_revoked_key_is_refused_at_once_and_for_good(house: KeyHouse) -> None:
    made = await house.keys.create(name="ci", grants=VIEWER)
    await name_of(house, made.text)
    await house.keys.revoke(made.record.id)
    assert await reason_of(house, made.text) == "revoked"
    again = await house.keys.revoke(made.record.id)
    assert house.keys.state_of(again) == "revoked"


async def test_the_old_key_stays_good_for_the_overlap_and_no_longer(
    house: KeyHouse, clock: HandClock
) -> None:
    old = await house.keys.create(name="ci", grants=VIEWER, lifetime_s=24 * HOUR_S)
    new = await house.keys.rotate(old.record.id, overlap_s=HOUR_S)
    assert new.text != old.text
    assert (new.record.name, new.record.role) == ("ci", "viewer")
    assert new.record.expires_unix_s == old.record.expires_unix_s
    clock.advance(HOUR_S - 1)
    assert await name_of(house, old.text) == await name_of(house, new.text) == "ci"
    clock.advance(1)
    assert await reason_of(house, old.text) == "revoked"
    assert await name_of(house, new.text) == "ci"


async def test_without_an_overlap_the_old_key_is_void_at_once(house: KeyHouse) -> None:
    old = await house.keys.create(name="ci", grants=VIEWER)
    new = await house.keys.rotate(old.record.id)
    assert await reason_of(house, old.text) == "revoked"
    assert await name_of(house, new.text) == "ci"
    with pytest.raises(StateError, match="cannot be rotated: it is revoked"):
        await house.keys.rotate(old.record.id)


async def test_an_overlap_can_be_cut_short(house: KeyHouse) -> None:
    old = await house.keys.create(name="ci", grants=VIEWER)
    await house.keys.rotate(old.record.id, overlap_s=HOUR_S)
    await house.keys.revoke(old.record.id)
    assert await reason_of(house, old.text) == "revoked"


async def test_what_a_key_cannot_be_is_refused(house: KeyHouse) -> None:
    bad: list[tuple[str, list[Grant], float | None]] = [
        ("My Client", VIEWER, None),
        ("ci", [], None),
        ("ci", [Grant("a, b")], None),
        ("ci", VIEWER, 0),
        ("ci", VIEWER, 1e12),
    ]
    for name, grants, lifetime_s in bad:
        with pytest.raises(InvalidArgument):
            await house.keys.create(name=name, grants=grants, lifetime_s=lifetime_s)
    made = await house.keys.create(name="ci", grants=VIEWER)
    with pytest.raises(InvalidArgument, match="overlap"):
        await house.keys.rotate(made.record.id, overlap_s=-1)
    with pytest.raises(KeyNotFound):
        await house.keys.revoke("0" * 16)


def cut_off(house: KeyHouse, node: str) -> None:
    since = house.keys.now_unix_s
    house.keys.cut_off_unix_s = lambda issuer: since if issuer == node else None
    house.keys.handle_cut_off()
    house.identity.forget_all()


async def test_a_key_of_a_node_that_was_cut_off_later_is_void(house: KeyHouse, clock: HandClock) -> None:
    made = await house.keys.create(name="ci", grants=VIEWER)
    cut_off(house, "alpha")
    assert await reason_of(house, made.text) == "revoked"
    assert house.keys.state_of(made.record) == "void"
    with pytest.raises(StateError, match="makes no API keys now"):
        await house.keys.create(name="ci", grants=VIEWER)
    clock.advance(CUT_OFF_SLACK_S + 1)
    later = await house.keys.create(name="ci", grants=VIEWER)
    assert await name_of(house, later.text) == "ci"
    assert await reason_of(house, made.text) == "revoked"


@pytest.mark.parametrize("arrives_later", [False, True])
@pytest.mark.parametrize("ahead_s", [5, CUT_OFF_SLACK_S + 5, HOUR_S])
async def test_a_key_that_a_node_dated_ahead_is_void_once_it_is_cut_off_and_stays_so(
    house: KeyHouse, clock: HandClock, ahead_s: int, arrives_later: bool
) -> None:
    text, record = make_api_key(
        env="test", name="plant", grants="admin", now_unix_s=house.keys.now_unix_s + ahead_s, lifetime_s=None
    )
    register = SharedTokens(house.node.registry, "alpha")
    if arrives_later:
        cut_off(house, "eve")
        register.put(replace(record, issuer="eve"))
    else:
        register.put(replace(record, issuer="eve"))
        assert await name_of(house, text) == "plant"
        cut_off(house, "eve")
    assert await reason_of(house, text) == "revoked"
    await house.keys.close()  # what it has begun to write is written
    clock.advance(ahead_s + 1)
    assert await reason_of(house, text) == "revoked"


async def test_a_key_that_was_issued_before_the_node_ran_is_good(house: KeyHouse, clock: HandClock) -> None:
    text = await Tokens(house.node.database, clock).issue_api_token(env="test", client="admin", role="admin")  # type: ignore[arg-type]
    assert await name_of(house, text) == "admin"
    assert [record.issuer for record in await house.keys.records()] == ["alpha"]


async def test_when_a_key_was_shown_is_told_every_quarter_of_an_hour(
    house: KeyHouse, clock: HandClock
) -> None:
    made = await house.keys.create(name="ci", grants=VIEWER)
    assert house.keys.uses.all() == {}
    first = house.keys.now_unix_s
    for _ in range(3):
        await name_of(house, made.text)
        clock.advance(61)
    assert house.keys.uses.all() == {made.record.id: first}
    clock.advance(900)
    await name_of(house, made.text)
    assert house.keys.uses.all() == {made.record.id: house.keys.now_unix_s}


# -- several nodes ------------------------------------------------------------------------------------------


async def test_a_key_is_good_on_another_node_until_it_is_revoked_on_a_third(tmp_path: Path) -> None:
    async with key_houses(tmp_path, "alpha", "beta", "gamma") as (alpha, beta, gamma):
        made = await alpha.keys.create(name="ci", grants=VIEWER)
        await until(lambda: made.record.hash in beta.changed and made.record.hash in gamma.changed)
        assert await name_of(beta, made.text) == "ci"
        await gamma.keys.revoke(made.record.id)
        await until(lambda: beta.identity.find_cached(Credentials(bearer=made.text)) is None)
        assert await reason_of(beta, made.text) == "revoked"
        await until(lambda: TokenStore(alpha.node.database).find_now(made.record.hash) is None)
        assert await reason_of(alpha, made.text) == "revoked"


async def test_a_node_that_comes_back_from_an_old_backup_brings_no_key_back(tmp_path: Path) -> None:
    """It has its row and no entry, so it publishes the key anew, with a younger stamp than the mark has."""
    net = Net(tmp_path)
    alpha, beta = await KeyHouse.open(net, "alpha"), await KeyHouse.open(net, "beta")
    made = await alpha.keys.create(name="ci", grants=VIEWER)
    row = (await alpha.node.database.read("SELECT * FROM tokens"))[0]
    await until(lambda: made.record.hash in beta.changed)
    await beta.keys.revoke(made.record.id)
    await until(lambda: TokenStore(alpha.node.database).find_now(made.record.hash) is None)
    await alpha.close()
    await _restore(tmp_path / "alpha.db", row)
    net.split(["alpha"], ["beta"])
    alpha = await KeyHouse.open(net, "alpha")
    assert await name_of(alpha, made.text) == "ci"  # alone it cannot know
    net.heal()
    await until(lambda: alpha.identity.find_cached(Credentials(bearer=made.text)) is None)
    assert await reason_of(alpha, made.text) == await reason_of(beta, made.text) == "revoked"
    await until(lambda: TokenStore(alpha.node.database).find_now(made.record.hash) is None)
    await alpha.close()
    await beta.close()


async def _restore(path: Path, row: tuple[object, ...]) -> None:
    async with await Database.open(path) as database:
        for table in ("revoked_tokens", "registry_entries", "registry_context"):
            await database.write(f"DELETE FROM {table}")
        await database.write(f"INSERT INTO tokens VALUES ({', '.join('?' * len(row))})", row)


async def test_a_mark_outlives_a_restart_and_is_dropped_after_a_year(
    tmp_path: Path, clock: HandClock
) -> None:
    net = Net(tmp_path)
    house = await KeyHouse.open(net, "alpha", clock)
    made = await house.keys.create(name="ci", grants=VIEWER)
    await house.keys.revoke(made.record.id)
    await house.close()
    house = await KeyHouse.open(net, "alpha", clock)
    assert await reason_of(house, made.text) == "revoked"
    clock.advance(MARK_KEPT_S + 1)
    await house.close()
    house = await KeyHouse.open(net, "alpha", clock)
    assert await house.node.database.read("SELECT * FROM revoked_tokens") == []
    assert await house.keys.records() == []
    assert await reason_of(house, made.text) == "unknown"
    await house.close()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("cax_prod_123_ci", "malformed"),
        ("cxj1.abc", "malformed"),
        (f"cax_prod_{'0' * 40}_ci", "unknown"),
        (f"cax_prod_{'0' * 40}_ci\n", "malformed"),
        ("", "missing"),
        ("hello", "malformed"),
    ],
)
async def test_a_text_that_is_no_known_key_is_refused(house: KeyHouse, text: str, reason: str) -> None:
    assert await reason_of(house, text) == reason


async def test_neither_case_nor_blanks_nor_another_ending_make_another_key_of_one(house: KeyHouse) -> None:
    made = await house.keys.create(name="ci", grants=VIEWER)
    head, env, secret, name = made.text.split("_")
    variants = [
        made.text.upper(),
        f"{head}_{env}_{secret.upper()}_{name}",
        f"{made.text} ",
        f"{made.text}x",
        f"{head}_prod_{secret}_{name}",
        f"{head}_{env}_{secret}_admin",
        made.text[:-1],
        f"{made.text}\0",
    ]
    for variant in variants:
        assert await reason_of(house, variant) in {"unknown", "malformed"}
    assert hash_token(made.text) == made.record.hash
