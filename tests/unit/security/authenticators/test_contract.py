"""What all authenticators have in common, each with good and bad credentials of its kind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from caxton_node.config.providers import Introspection
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import Unauthorized
from caxton_node.security import Credentials, Grant, Identity, Kind, UnixPeer
from caxton_node.security.authenticators.api_key import ApiKeyAuthenticator
from caxton_node.security.authenticators.authenticator import Authenticator
from caxton_node.security.authenticators.certificate import CertificateAuthenticator
from caxton_node.security.authenticators.jwt import JwtAuthenticator
from caxton_node.security.authenticators.oauth2 import OAuth2Authenticator
from caxton_node.security.authenticators.unix_peer import UnixPeerAuthenticator
from caxton_node.security.refusal import Reason
from certs.pem import load_certificates, new_key
from tests.support.api_keys import key_houses
from tests.support.authorisation_server import NODE, NODE_SECRET, authorisation_server
from tests.support.certificates import Pki
from tests.support.clock import HandClock
from tests.support.issuers import Issuer, claims_at, sign

pytestmark = pytest.mark.story("023")

LIFETIME_S = 300


@dataclass
class Case:
    """One authenticator.

    Attributes:
        good: Credentials that end `LIFETIME_S` from now, or never.
        name: Of whom they are.
        bad: Credentials of the same kind that are not good.
    """

    judge: Authenticator
    kind: Kind
    good: Credentials
    name: str
    bad: list[Credentials]


class House:
    """One of each kind, on one clock."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self.stack = stack
        self.clock = HandClock(unix_s=SystemClock().unix_us() / 1e6)
        self.now_s = self.clock.unix_us() / 1e6

    async def cases(self) -> list[Case]:
        return [await self.api_key(), self.jwt(), self.oauth2(), self.certificate(), self.unix_peer()]

    async def api_key(self) -> Case:
        (house,) = await self.stack.enter_async_context(key_houses(self.folder, "alpha", clock=self.clock))
        made = await house.keys.create(name="ci", grants=[Grant("viewer")], lifetime_s=LIFETIME_S)
        wrong = f"cax_test_{'0' * 40}_ci"
        bad = [Credentials(bearer=wrong), Credentials(api_key=wrong), Credentials(api_key="x")]
        return Case(ApiKeyAuthenticator(house.keys), Kind.API_KEY, Credentials(bearer=made.text), "ci", bad)

    def jwt(self) -> Case:
        issuer = Issuer(self.folder, leeway_s=0.0)
        claims = claims_at(self.now_s, exp=int(self.now_s) + LIFETIME_S)
        good = sign(issuer.rsa, claims, alg="RS256", kid="rsa-1")
        bad = [
            Credentials(bearer=sign(None, claims, alg="none")),
            Credentials(bearer=sign(issuer.ec, claims, alg="RS256", kid="rsa-1")),
        ]
        judge = JwtAuthenticator([issuer.settings], self.clock, asks_others=True)
        return Case(judge, Kind.JWT, Credentials(bearer=good), "corp:alice", bad)

    def oauth2(self) -> Case:
        server = self.stack.enter_context(authorisation_server())
        server.lifetime_s = LIFETIME_S
        settings = Introspection("sso", f"{server.url}/introspect", NODE, Path("unused"))
        judge = OAuth2Authenticator(settings, NODE_SECRET, self.clock)
        self.stack.push_async_callback(judge.close)
        token = server.fetch_token("reporter", server.add_client("reporter"), "read")
        bad = [Credentials(bearer="made-up"), Credentials(bearer=token.upper())]
        return Case(judge, Kind.OAUTH2, Credentials(bearer=token), "sso:reporter", bad)

    def certificate(self) -> Case:
        pki = Pki("home")
        judge = CertificateAuthenticator(
            cluster="home",
            authorities=lambda: [pki.authority.certificate],
            denied_serials=frozenset,
            grants={},
            clock=self.clock,
        )
        lifetime_days = LIFETIME_S / 86_400
        made = pki.authority.sign_client("bot", new_key().public_key(), datetime.now(UTC), lifetime_days)
        bad = [Credentials(certificate_der=der_of(pki.credentials("n1").certificate_pem))]
        bad.append(Credentials(certificate_der=b"x"))
        return Case(judge, Kind.CERTIFICATE, Credentials(certificate_der=der_of(made)), "bot", bad)

    def unix_peer(self) -> Case:
        judge = UnixPeerAuthenticator(own_uid=1000)
        bad = [Credentials(peer=UnixPeer(1, 3_999_999, 3_999_999))]
        return Case(judge, Kind.SOCKET, Credentials(peer=UnixPeer(1, 1000, 1000)), "local", bad)


def der_of(certificate_pem: bytes) -> bytes:
    return load_certificates(certificate_pem, "the certificate")[0].public_bytes(Encoding.DER)


@pytest.fixture
async def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[House]:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    async with AsyncExitStack() as stack:
        yield House(tmp_path, stack)


async def test_every_authenticator_keeps_the_contract(house: House) -> None:
    cases = await house.cases()
    assert {case.kind for case in cases} == set(Kind) - {Kind.NEWCOMER}
    for case in cases:
        assert case.judge.knows(case.good)
        principal = await case.judge.authenticate(case.good)
        assert (principal.name, principal.kind) == (case.name, case.kind)
        for bad in case.bad:
            await check_refused(case, bad)


async def check_refused(case: Case, bad: Credentials) -> None:
    assert case.judge.knows(bad) or case.kind in {Kind.JWT, Kind.API_KEY}
    with pytest.raises(Unauthorized) as caught:
        await case.judge.authenticate(bad)
    assert caught.value.reason in set(Reason)
    shown = bad.bearer or bad.api_key
    assert len(shown) < 8 or shown not in str(caught.value)


async def test_no_credential_is_known_to_two_authenticators_with_different_answers(house: House) -> None:
    """Whose turn it is follows from the form; `Identity` asks the first that knows it and no other."""
    cases = await house.cases()
    identity = Identity([case.judge for case in cases], house.clock)
    for case in cases:
        principal = await identity.authenticate(case.good)
        assert (principal.name, principal.kind) == (case.name, case.kind)
        first = next(other for other in cases if other.judge.knows(case.good))
        assert first is case
        for bad in case.bad:
            with pytest.raises(Unauthorized):
                await identity.authenticate(replace(bad, source=case.kind))


async def test_nobody_is_remembered_beyond_the_end_of_its_credential(house: House) -> None:
    cases = await house.cases()
    identity = Identity([case.judge for case in cases], house.clock)
    ending = [case for case in cases if case.kind is not Kind.SOCKET]
    house.clock.advance(LIFETIME_S - 20)
    for case in ending:
        await identity.authenticate(case.good)
        assert identity.find_cached(case.good) is not None
    house.clock.advance(25)
    for case in ending:
        assert identity.find_cached(case.good) is None
        with pytest.raises(Unauthorized):
            await identity.authenticate(case.good)
