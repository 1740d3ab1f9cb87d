"""JSON Web Tokens: the good ones say who calls; of the bad ones, each is bad in one way, and is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from caxton_node.core.errors import Unauthorized, Unavailable
from caxton_node.security import Credentials, Kind, Principal
from caxton_node.security.authenticators.jws_header import TOKEN_CHARS_MAX
from caxton_node.security.authenticators.jwt import JwtAuthenticator
from caxton_node.security.authenticators.key_set import read_keys
from tests.support.authorisation_server import authorisation_server
from tests.support.clock import HandClock
from tests.support.issuers import ISSUER, Issuer, claims_at, encode, encode_json, sign

pytestmark = pytest.mark.story("023")

CLOCK = HandClock()
NOW_S = CLOCK.unix_us() / 1e6


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("issuer"))


@pytest.fixture
async def judge(issuer: Issuer) -> AsyncIterator[JwtAuthenticator]:
    made = JwtAuthenticator([issuer.settings], CLOCK)
    yield made
    await made.close()


async def judged(judge: JwtAuthenticator, text: str) -> Principal:
    return await judge.authenticate(Credentials(bearer=text))


async def refused(judge: JwtAuthenticator, text: str) -> Unauthorized:
    shown = Credentials(bearer=text)
    if not judge.knows(shown):
        return Unauthorized("no JWT", reason="malformed")
    with pytest.raises(Unauthorized) as caught:
        await judge.authenticate(shown)
    assert text not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("algorithm", "key", "kid"),
    [
        ("RS256", "rsa", "rsa-1"),
        ("ES256", "ec", "ec-1"),
        ("EdDSA", "ed", "ed-1"),
        ("Ed25519", "ed", "ed-1"),
        ("RS256", "rsa", None),
    ],
)
async def test_a_good_token_says_who_calls(
    judge: JwtAuthenticator, issuer: Issuer, algorithm: str, key: str, kid: str | None
) -> None:
    text = sign(getattr(issuer, key), claims_at(NOW_S), alg=algorithm, kid=kid, typ="at+jwt")
    assert judge.knows(Credentials(bearer=text))
    principal = await judged(judge, text)
    assert (principal.name, principal.roles, principal.kind) == ("corp:alice", "operator", Kind.JWT)
    assert principal.expires_unix_s == int(NOW_S) + 300 + 30


def good(issuer: Issuer, **changes: Any) -> str:
    return sign(issuer.rsa, claims_at(NOW_S, **changes), alg="RS256", kid="rsa-1")


def headed(issuer: Issuer, **header: Any) -> str:
    return sign(issuer.rsa, claims_at(NOW_S), **{"alg": "RS256", "kid": "rsa-1", **header})


def twice(issuer: Issuer) -> str:
    """Return a token that says two things of its issuer, one of them good."""
    claims = json.dumps(claims_at(NOW_S))
    return sign(
        issuer.rsa, f'{{"iss": "https://evil.example", {claims[1:]}'.encode(), alg="RS256", kid="rsa-1"
    )


def tampered(issuer: Issuer, **changes: Any) -> str:
    head, _, signature = good(issuer).split(".")
    return f"{head}.{encode_json(claims_at(NOW_S, **changes))}.{signature}"


def other_key(issuer: Issuer) -> Any:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


BYPASSES: dict[str, Callable[[Issuer], str]] = {
    "no algorithm": lambda by: sign(None, claims_at(NOW_S), alg="none"),
    "no algorithm, with a key id": lambda by: sign(None, claims_at(NOW_S), alg="none", kid="rsa-1"),
    "no algorithm, in capitals": lambda by: sign(None, claims_at(NOW_S), alg="NONE", kid="rsa-1"),
    "no algorithm, mixed": lambda by: sign(None, claims_at(NOW_S), alg="nOnE", kid="rsa-1"),
    "no algorithm, with a signature": lambda by: sign(by.rsa, claims_at(NOW_S), alg="none", kid="rsa-1"),
    "algorithm missing": lambda by: headed(by, alg=None),
    "algorithm empty": lambda by: headed(by, alg=""),
    "algorithm in small letters": lambda by: headed(by, alg="rs256"),
    "algorithm as a list": lambda by: headed(by, alg=["RS256"]),
    "algorithm with a blank": lambda by: headed(by, alg="RS256 "),
    "algorithm of a family not allowed": lambda by: headed(by, alg="PS256"),
    "algorithm with another hash": lambda by: headed(by, alg="RS512"),
    "public key as a secret": lambda by: sign(by.rsa_public_pem, claims_at(NOW_S), alg="HS256", kid="rsa-1"),
    "public key as a secret, no key id": lambda by: sign(by.rsa_public_pem, claims_at(NOW_S), alg="HS256"),
    "published key as a secret": lambda by: sign(
        json.dumps(by.public_keys()[0]).encode(), claims_at(NOW_S), alg="HS256", kid="rsa-1"
    ),
    "empty secret": lambda by: sign(b"", claims_at(NOW_S), alg="HS256", kid="rsa-1"),
    "public key as a secret, called RS256": lambda by: sign(
        by.rsa_public_pem, claims_at(NOW_S), alg="RS256", kid="rsa-1"
    ),
    "key of another algorithm": lambda by: sign(by.rsa, claims_at(NOW_S), alg="RS256", kid="ec-1"),
    "algorithm of another key": lambda by: sign(by.rsa, claims_at(NOW_S), alg="ES256", kid="rsa-1"),
    "key of somebody else": lambda by: sign(other_key(by), claims_at(NOW_S), alg="RS256", kid="rsa-1"),
    "no signature": lambda by: sign(None, claims_at(NOW_S), alg="RS256", kid="rsa-1"),
    "signature cut off": lambda by: good(by).rpartition(".")[0] + ".",
    "signature cut short": lambda by: good(by)[:-4],
    "signature of zeros, ES256": lambda by: (
        f"{encode_json({'alg': 'ES256', 'kid': 'ec-1'})}.{encode_json(claims_at(NOW_S))}.{encode(bytes(64))}"
    ),
    "claims changed": lambda by: tampered(by, sub="root"),
    "roles changed": lambda by: tampered(by, roles=["admin"]),
    "key id unknown": lambda by: headed(by, kid="rsa-2"),
    "key id in other case": lambda by: headed(by, kid="RSA-1"),
    "key id empty": lambda by: headed(by, kid=""),
    "key id a path": lambda by: sign(b"", claims_at(NOW_S), alg="HS256", kid="../../../../dev/null"),
    "key id a path, RS256": lambda by: headed(by, kid="../../../../etc/passwd"),
    "key id a statement": lambda by: headed(by, kid="x' UNION SELECT 'secret' --"),
    "key id a command": lambda by: headed(by, kid="rsa-1; id"),
    "key id a URL": lambda by: headed(by, kid="https://evil.example/jwks.json"),
    "key id with a NUL": lambda by: headed(by, kid="rsa-1\0"),
    "key id with a line": lambda by: headed(by, kid="rsa-1\n"),
    "key id a number": lambda by: headed(by, kid=1),
    "key id a list": lambda by: headed(by, kid=["rsa-1"]),
    "key id too long": lambda by: headed(by, kid="k" * 129),
    "key that comes along": lambda by: headed(by, jwk=by.public_keys()[0]),
    "key URL": lambda by: headed(by, jku="https://evil.example/jwks.json"),
    "certificate URL": lambda by: headed(by, x5u="https://evil.example/cert.pem"),
    "certificate that comes along": lambda by: headed(by, x5c=["AAAA"]),
    "extension": lambda by: headed(by, crit=["exp"]),
    "payload not encoded": lambda by: headed(by, b64=False, crit=["b64"]),
    "payload packed": lambda by: headed(by, zip="DEF"),
    "encrypted": lambda by: headed(by, enc="A128GCM"),
    "type of another token": lambda by: headed(by, typ="dpop+jwt"),
    "type of an ID token's logout": lambda by: headed(by, typ="logout+jwt"),
    "type a list": lambda by: headed(by, typ=["JWT"]),
    "expired": lambda by: good(by, exp=int(NOW_S) - 30),
    "no expiry": lambda by: good(by, exp=None),
    "expiry null": lambda by: sign(by.rsa, {**claims_at(NOW_S), "exp": None}, alg="RS256", kid="rsa-1"),
    "expiry a text": lambda by: good(by, exp=str(int(NOW_S) + 300)),
    "expiry true": lambda by: good(by, exp=True),
    "expiry not finite": lambda by: sign(
        by.rsa, json.dumps(claims_at(NOW_S, exp=float("inf"))).encode(), alg="RS256", kid="rsa-1"
    ),
    "expiry no number": lambda by: sign(
        by.rsa, json.dumps(claims_at(NOW_S, exp=float("nan"))).encode(), alg="RS256", kid="rsa-1"
    ),
    "expiry beyond all time": lambda by: good(by, exp=10**30),
    "not good yet": lambda by: good(by, nbf=int(NOW_S) + 60),
    "made in the future": lambda by: good(by, iat=int(NOW_S) + 60),
    "nbf a text": lambda by: good(by, nbf="0"),
    "audience of somebody else": lambda by: good(by, aud="another"),
    "audience in other case": lambda by: good(by, aud="Caxton"),
    "audience a part of ours": lambda by: good(by, aud="cax"),
    "audience ours and more": lambda by: good(by, aud="caxton-other"),
    "audience missing": lambda by: good(by, aud=None),
    "audience empty": lambda by: good(by, aud=[]),
    "audience an object": lambda by: good(by, aud={"caxton": True}),
    "issuer unknown": lambda by: good(by, iss="https://evil.example"),
    "issuer with a slash": lambda by: good(by, iss=f"{ISSUER}/"),
    "issuer in other case": lambda by: good(by, iss=ISSUER.upper()),
    "issuer missing": lambda by: good(by, iss=None),
    "issuer a list": lambda by: good(by, iss=[ISSUER]),
    "issuer twice": twice,
    "no subject": lambda by: good(by, sub=None),
    "subject a list": lambda by: good(by, sub=["alice"]),
    "subject empty": lambda by: good(by, sub=""),
    "subject with a line": lambda by: good(by, sub="alice\nroot"),
    "subject too long": lambda by: good(by, sub="a" * 129),
    "claims a list": lambda by: sign(by.rsa, [claims_at(NOW_S)], alg="RS256", kid="rsa-1"),
    "claims no JSON": lambda by: sign(by.rsa, b"{", alg="RS256", kid="rsa-1"),
    "claims very deep": lambda by: sign(by.rsa, b"[" * 3000, alg="RS256", kid="rsa-1"),
    "header no JSON": lambda by: f"{encode(b'{')}.{good(by).partition('.')[2]}",
    "header a list": lambda by: f"{encode(b'[]')}.{good(by).partition('.')[2]}",
    "header too long": lambda by: headed(by, cty="x" * 2000),
    "token too long": lambda by: good(by, more="x" * TOKEN_CHARS_MAX),
    "four parts": lambda by: f"{good(by)}.x",
    "five parts": lambda by: f"{good(by)}.x.y",
    "two parts": lambda by: good(by).rpartition(".")[0],
    "blank behind it": lambda by: f"{good(by)} ",
    "line behind it": lambda by: f"{good(by)}\n",
    "padding": lambda by: f"{good(by)}==",
    "JSON form": lambda by: json.dumps({"payload": encode_json(claims_at(NOW_S)), "signatures": []}),
}


@pytest.mark.parametrize("name", BYPASSES)
async def test_a_way_around_is_closed(judge: JwtAuthenticator, issuer: Issuer, name: str) -> None:
    await judged(judge, good(issuer))  # the key set is there, and the issuer's tokens are good
    error = await refused(judge, BYPASSES[name](issuer))
    assert error.reason == ("expired" if name == "expired" else error.reason)
    assert error.reason in {"malformed", "invalid", "expired"}


async def test_a_token_under_a_clock_that_differs_a_little_is_good(
    judge: JwtAuthenticator, issuer: Issuer
) -> None:
    await judged(judge, good(issuer, exp=int(NOW_S) - 29))
    await judged(judge, good(issuer, nbf=int(NOW_S) + 29, iat=int(NOW_S) + 29))


async def test_only_algorithms_on_the_list_of_the_issuer_are_good(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path, algorithms=("ES256",))
    judge = JwtAuthenticator([issuer.settings], CLOCK)
    assert (await refused(judge, good(issuer))).reason == "invalid"
    await judged(judge, sign(issuer.ec, claims_at(NOW_S), alg="ES256", kid="ec-1"))


async def test_each_issuer_has_its_own_keys_and_its_own_names(tmp_path: Path) -> None:
    one, other = Issuer(tmp_path, "one"), Issuer(tmp_path, "other", issuer="https://other.example")
    judge = JwtAuthenticator([one.settings, other.settings], CLOCK)
    assert (await judged(judge, good(one))).name == "one:alice"
    assert (await judged(judge, good(other, iss="https://other.example"))).name == "other:alice"
    await refused(judge, good(one, iss="https://other.example"))


async def test_a_token_that_lives_too_long_is_refused(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path, lifetime_s_max=600.0)
    judge = JwtAuthenticator([issuer.settings], CLOCK)
    await judged(judge, good(issuer, iat=int(NOW_S) - 10))
    await refused(judge, good(issuer, iat=int(NOW_S) - 400))
    await refused(judge, good(issuer))  # it does not say when it was made


async def test_tokens_of_others_are_left_to_who_asks_their_server(issuer: Issuer) -> None:
    judge = JwtAuthenticator([issuer.settings], CLOCK, asks_others=True)
    assert judge.knows(Credentials(bearer=good(issuer)))
    assert not judge.knows(Credentials(bearer=good(issuer, iss="https://other.example")))


GRANTS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {"roles": "viewer developer"}, "viewer, developer"),
    ({}, {"roles": ["viewer", 7, None, ["admin"], "a b", "admin@acme", "x, admin"]}, "viewer"),
    ({}, {"roles": {"admin": True}}, ""),
    ({}, {"roles": None}, ""),
    ({"roles": {"ops": ("operator",)}}, {"roles": ["ops", "admin"]}, "operator"),
    ({"roles": {"ops": ("operator", "viewer@acme")}}, {"roles": ["ops"]}, "operator, viewer@acme"),
    ({"trusts_role_names": False}, {"roles": ["admin", "viewer"]}, ""),
    (
        {"roles": {"ops": ("operator",)}, "trusts_role_names": True},
        {"roles": ["ops", "viewer"]},
        "operator, viewer",
    ),
    ({"roles": {}, "default": ("viewer",)}, {"roles": ["admin"]}, "viewer"),
    ({"roles_claim": "realm_access.roles"}, {"realm_access": {"roles": ["viewer"]}}, "viewer"),
    ({"roles_claim": "https://caxton/roles"}, {"https://caxton/roles": ["viewer"]}, "viewer"),
    ({"tenant_claim": "org"}, {"org": "acme"}, "operator@acme"),
    ({"tenant_claim": "org"}, {}, ""),
    ({"tenant_claim": "org"}, {"org": "*"}, ""),
    ({"tenant_claim": "org"}, {"org": ["acme"]}, ""),
    (
        {"tenant_claim": "org", "roles": {"operator": ("operator@other", "viewer")}},
        {"org": "acme"},
        "viewer@acme",
    ),
]


@pytest.mark.parametrize(("settings", "claims", "roles"), GRANTS)
async def test_claims_become_grants_as_the_issuer_is_trusted_with(
    tmp_path: Path, settings: dict[str, Any], claims: dict[str, Any], roles: str
) -> None:
    issuer = Issuer(tmp_path, **settings)
    judge = JwtAuthenticator([issuer.settings], CLOCK)
    assert (await judged(judge, good(issuer, **claims))).roles == roles


# -- keys ---------------------------------------------------------------------------------------------------


async def test_a_new_key_is_looked_for_when_a_token_names_it_but_not_for_every_token(tmp_path: Path) -> None:
    clock, issuer = HandClock(), Issuer(tmp_path)
    published = issuer.public_keys()
    issuer.publish(published[:1])
    judge = JwtAuthenticator([issuer.settings], clock)
    await judged(judge, good(issuer))
    issuer.publish(published)
    text = sign(issuer.ec, claims_at(NOW_S), alg="ES256", kid="ec-1")
    await refused(judge, text)  # it was looked for a moment ago
    clock.advance(30)
    await judged(judge, text)


async def test_a_key_that_is_withdrawn_is_not_used_for_longer_than_the_age_of_the_set(tmp_path: Path) -> None:
    clock, issuer = HandClock(), Issuer(tmp_path, jwks_max_age_s=600.0)
    judge = JwtAuthenticator([issuer.settings], clock)
    text = good(issuer, exp=int(NOW_S) + 86_400)
    await judged(judge, text)
    issuer.publish(issuer.public_keys()[1:])
    clock.advance(599)
    await judged(judge, text)
    clock.advance(1)
    await refused(judge, text)


async def test_while_keys_cannot_be_had_the_old_ones_are_used_within_a_bound(tmp_path: Path) -> None:
    clock, issuer = HandClock(), Issuer(tmp_path, jwks_max_age_s=600.0, jwks_stale_s=3600.0)
    judge = JwtAuthenticator([issuer.settings], clock)
    text = good(issuer, exp=int(NOW_S) + 86_400)
    await judged(judge, text)
    issuer.path.unlink()
    clock.advance(600 + 3599)
    await judged(judge, text)
    clock.advance(1)
    with pytest.raises(Unavailable, match="cannot be had"):
        await judged(judge, text)
    issuer.publish(issuer.public_keys())
    clock.advance(30)
    await judged(judge, text)


async def test_keys_come_from_a_url_and_nothing_leads_elsewhere(tmp_path: Path) -> None:
    with authorisation_server() as server:
        clock, issuer = HandClock(), Issuer(tmp_path, jwks=f"{server.url}/keys", jwks_max_age_s=600.0)
        server.documents["/keys"] = issuer.path.read_bytes()
        judge = JwtAuthenticator([issuer.settings], clock)
        text = good(issuer, exp=int(NOW_S) + 86_400)
        for answer in ((302, b""), (404, b""), (200, b"<html>"), (200, b'{"keys": "' + b"x" * 300_000)):
            server.broken = answer
            with pytest.raises(Unavailable):
                await judged(judge, text)
            clock.advance(5)
        server.broken = None
        await asyncio.gather(*(judged(judge, text) for _ in range(20)))
        assert server.asked == ["/keys"] * 5
        await judge.close()


async def test_without_keys_a_token_is_neither_good_nor_bad(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    issuer.path.write_text("{}")
    judge = JwtAuthenticator([issuer.settings], CLOCK)
    with pytest.raises(Unavailable):
        await judged(judge, good(issuer))


def test_only_public_keys_for_signatures_are_taken_from_a_set(issuer: Issuer) -> None:
    rsa_key, ec_key, _ = issuer.public_keys()
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key().public_numbers()
    p384 = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    left_out: list[Any] = [
        {"kty": "oct", "kid": "a", "k": "c2VjcmV0"},
        {**rsa_key, "use": "enc"},
        {**rsa_key, "key_ops": ["encrypt"]},
        {**rsa_key, "kty": "oct"},
        {"kty": "RSA", "kid": "b", "n": encode(weak.n.to_bytes(128, "big")), "e": "AQAB"},
        {
            "kty": "EC",
            "crv": "P-384",
            "kid": "c",
            "x": encode(p384.x.to_bytes(48, "big")),
            "y": encode(p384.y.to_bytes(48, "big")),
        },
        {**ec_key, "x": "AAAA"},
        {"kty": "RSA"},
        {"kty": ["RSA"]},
        "rsa",
        None,
    ]
    assert read_keys({"keys": left_out}) == []
    assert [kid for kid, _, _ in read_keys({"keys": [*left_out, rsa_key, ec_key]})] == ["rsa-1", "ec-1"]
    for rubbish in (None, [], {}, {"keys": None}, {"keys": {}}):
        with pytest.raises(Unavailable):
            read_keys(rubbish)
