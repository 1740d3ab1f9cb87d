"""Every way not to get a certificate: tokens, ids, signing requests, and what members ask of signers.

Real members over a real mesh: one that holds the CA key, and one that does not and must ask it. All rows
share them, so each row also shows that the ones before it did no harm.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from caxton_node.cluster.service import Cluster
from caxton_node.cluster.sponsor import Grant, Sponsor
from caxton_node.core.errors import AlreadyExists, CaxtonError, DeliveryFailed, InvalidArgument, Unauthorized
from caxton_node.security import Role, Tokens, hash_token
from caxton_node.storage import Database
from caxton_node.trust.holdings import Holdings
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.signing import RENEW, SIGN, Signing
from caxton_node.trust.wire import RenewalRequest, encode
from certs import Authority, NodeBundle, Revocations, TrustList, make_request, revoke
from tests.support.certificates import AnyKey, Pki
from tests.support.clock import HandClock
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.meshes import until

pytestmark = [pytest.mark.story("022"), pytest.mark.asyncio(loop_scope="module")]


class Member:
    """One node's half of letting others in."""

    def __init__(self, world: World, cluster: Cluster, *, signs: bool, folder: Path) -> None:
        pki, node_id = world.pki, cluster.node_id
        shown = pki.credentials(node_id)
        held = Holdings(
            cluster="home",
            bundle=NodeBundle(node_id, shown.certificate_pem, shown.key_pem, shown.ca_pem),
            trust=TrustList.initial(shown.ca_pem),
            revocations=Revocations(),
            authorities=(pki.authority,) if signs else (),
        )
        self.cluster = cluster
        self.certificate_pem = shown.certificate_pem
        self.keeper = Keeper(held, folder, world.clock)
        self.signing = Signing(self.keeper, cluster, signers=lambda: ["signer"])
        self.sponsor = Sponsor(
            cluster_name="home",
            cluster=cluster,
            tokens=Tokens(world.databases[node_id], world.clock),
            trust=self.signing,
            gossip_keys=lambda: [bytes(32)],
        )


class World:
    """A signer, a sponsor that does not sign, and the clock by which their tokens expire."""

    def __init__(self, opened: Opened, databases: dict[str, Database]) -> None:
        self.pki: Pki = opened.pki
        self.clock = HandClock(time.time())
        self.databases = databases
        self.tokens = Tokens(databases["signer"], self.clock)
        self.signer: Member
        self.sponsor: Member

    @property
    def authority(self) -> Authority:
        return self.pki.authority

    @property
    def keeper_now(self) -> datetime:
        return datetime.fromtimestamp(time.time(), UTC)

    @property
    def signed(self) -> int:
        """Return how many certificates the signer has signed."""
        counts = self.signer.signing.counts
        return counts.newcomers + counts.renewals

    async def token(self, uses: int | None = None) -> str:
        """Print a join token at the signer, so the sponsor must ask it."""
        issued = await self.tokens.issue_join_token(ca_fingerprint=self.authority.fingerprint, uses=uses)
        return issued.text

    async def admit(
        self, *, token: str = "", node_id: str = "new", csr_pem: bytes = b"", host: str = HOST
    ) -> Grant:
        """Knock at the sponsor; what is not given is good."""
        return await self.sponsor.sponsor.admit(
            token=token or await self.token(),
            node_id=node_id,
            csr_pem=csr_pem or make_request(node_id)[1],
            hosts=[host],
        )

    async def ask_signer(self, method: str, payload: bytes) -> bytes:
        """Ask as the sponsor, which has proved to be a member and may have been broken into."""
        return await self.sponsor.cluster.request("signer", method, payload, 10)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    tmp_path = tmp_path_factory.mktemp("joining")
    async with (
        open_clusters() as opened,
        await Database.open(tmp_path / "signer.db") as signers,
        await Database.open(tmp_path / "sponsor.db") as sponsors,
    ):
        made = World(opened, {"signer": signers, "sponsor": sponsors})
        signer, port = await opened.open("signer")
        sponsor, _ = await opened.open("sponsor")
        made.signer = Member(made, signer, signs=True, folder=tmp_path / "signer")
        made.sponsor = Member(made, sponsor, signs=False, folder=tmp_path / "sponsor")
        signer.start()
        sponsor.start([(HOST, port)])
        await until(lambda: signer.is_alive("sponsor") and sponsor.is_alive("signer"), timeout_s=60)
        yield made


def request_for(*names: str, key: AnyKey | None = None) -> bytes:
    """Return a signing request as no node of ours would make it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name) for name in names])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    signed = builder.sign(key or ec.generate_private_key(ec.SECP256R1()), hashes.SHA256())
    return signed.public_bytes(Encoding.PEM)


def spoiled_request() -> bytes:
    """Return a signing request whose signature is not its key's."""
    der = bytearray(x509.load_pem_x509_csr(make_request("new")[1]).public_bytes(Encoding.DER))
    der[-1] ^= 1
    return x509.load_der_x509_csr(bytes(der)).public_bytes(Encoding.PEM)


async def replay(world: World) -> None:
    token = await world.token(uses=1)
    await world.admit(token=token)
    world.signer.signing.counts.newcomers -= 1  # the first one was welcome
    await world.admit(token=token)


async def come_late(world: World) -> None:
    token = await world.token()
    world.clock.advance(3601)
    await world.admit(token=token)


async def change_token(world: World, **parts: object) -> None:
    issued = await world.tokens.issue_join_token(ca_fingerprint=world.authority.fingerprint)
    await world.admit(token=replace(issued, **parts).text)  # type: ignore[arg-type]  # parts of a token


async def show_api_token(world: World) -> None:
    text = await world.tokens.issue_api_token(env="prod", client="ci", role=Role.ADMIN)
    await world.admit(token=text)


@dataclass(frozen=True)
class Row:
    """A newcomer that gets no certificate."""

    name: str
    error: type[CaxtonError]
    words: str
    knock: Callable[[World], Awaitable[object]]


def asking(csr_pem: Callable[[], bytes], node_id: str = "new") -> Callable[[World], Awaitable[object]]:
    return lambda world: world.admit(node_id=node_id, csr_pem=csr_pem())


NEWCOMERS = [
    Row("a replayed token", Unauthorized, "used up", replay),
    Row("an expired token", Unauthorized, "has expired", come_late),
    Row(
        "a token whose date was changed",
        Unauthorized,
        "no member that is alive printed",
        lambda world: change_token(world, expires_unix_s=int(time.time()) + 10**6),
    ),
    Row(
        "a token with another secret",
        Unauthorized,
        "no member that is alive printed",
        lambda world: change_token(world, secret=bytes(16)),
    ),
    Row(
        "a token for another cluster",
        Unauthorized,
        "of another cluster",
        lambda world: change_token(world, ca_fingerprint="ab" * 32),
    ),
    Row("no token", InvalidArgument, "not a join token", lambda world: world.admit(token="let me in")),
    Row("an API token", InvalidArgument, "not a join token", show_api_token),
    Row(
        "the id of a live member", AlreadyExists, "is taken", asking(lambda: request_for("signer"), "signer")
    ),
    Row("a pattern for a host", InvalidArgument, "pattern", lambda world: world.admit(host="*.example.org")),
    Row("a mesh name for a host", InvalidArgument, "mesh", lambda world: world.admit(host="signer.mesh")),
    Row("a word that is no id", InvalidArgument, "node id", asking(lambda: request_for("a/b"), "a/b")),
    Row("a request for another node", InvalidArgument, "signed", asking(lambda: request_for("node-7"))),
    Row("a request for two nodes", InvalidArgument, "signed", asking(lambda: request_for("new", "node-7"))),
    Row("a request for nobody", InvalidArgument, "signed", asking(request_for)),
    Row("a request that its key has not signed", InvalidArgument, "signed", asking(spoiled_request)),
    Row("a request that is none", InvalidArgument, "signed", asking(lambda: b"garbage")),
    Row(
        "a certificate in place of a request",
        InvalidArgument,
        "signed",
        asking(lambda: Pki().credentials("new").certificate_pem),
    ),
    Row(
        "a request about an RSA key of 1024 bits",
        InvalidArgument,
        "signed",
        asking(
            lambda: request_for("new", key=rsa.generate_private_key(public_exponent=65537, key_size=1024))
        ),
    ),
    Row(
        "a request about a key on a small curve",
        InvalidArgument,
        "signed",
        asking(lambda: request_for("new", key=ec.generate_private_key(ec.SECP192R1()))),
    ),
]


@pytest.mark.parametrize("row", NEWCOMERS, ids=lambda row: row.name)
async def test_a_newcomer_that_breaks_a_rule_gets_nothing(world: World, row: Row) -> None:
    before = world.signed
    with pytest.raises((row.error, DeliveryFailed)) as caught:
        await row.knock(world)
    assert row.words in str(caught.value) + caught.value.why
    assert world.signed == before


async def test_a_token_for_one_node_admits_one_through_whichever_members_it_is_tried_at_once(
    world: World,
) -> None:
    token = await world.token(uses=1)

    async def knock(member: Member, node_id: str) -> bool:
        try:
            _, csr_pem = make_request(node_id)
            await member.sponsor.admit(token=token, node_id=node_id, csr_pem=csr_pem, hosts=[])
        except Unauthorized:
            return False
        return True

    members = [world.signer, world.sponsor] * 4
    before = world.signed
    admitted = await asyncio.gather(*(knock(each, f"new-{n}") for n, each in enumerate(members)))
    assert sum(admitted) == 1
    assert world.signed == before + 1


async def test_a_request_that_is_no_good_costs_no_use_of_the_token(world: World) -> None:
    token = await world.token(uses=1)
    for wrong in ({"csr_pem": b"garbage"}, {"host": "*.example.org"}):
        with pytest.raises(InvalidArgument):
            await world.admit(token=token, **wrong)
    for hosts in (["*.example.org"], [f"10.0.0.{n}" for n in range(17)]):  # the sponsor does not look
        asked = msgspec.msgpack.encode(("new", request_for("new"), hosts, hash_token(token)))
        with pytest.raises(DeliveryFailed):
            await world.ask_signer(SIGN, asked)
    assert (await world.admit(token=token)).certificate_pem


async def test_a_member_that_has_seen_no_token_has_nobody_certified(world: World) -> None:
    before = world.signed
    said = await world.ask_signer(*ask_to_sign("node-90", request_for("node-90")))
    assert msgspec.msgpack.decode(said) == ["unknown", b""]
    assert world.signed == before


async def test_a_revoked_node_is_not_let_in_on_the_word_of_the_sponsor_alone(world: World) -> None:
    keeper = world.signer.keeper
    held = keeper.held
    await keeper.merge([revoke(world.authority, "lost", keeper.now)])
    theirs = Tokens(world.databases["sponsor"], world.clock)
    alone = await theirs.issue_join_token(ca_fingerprint=world.authority.fingerprint)
    with pytest.raises(DeliveryFailed) as caught:
        await world.admit(token=alone.text, node_id="lost")
    assert "on the word of sponsor alone" in caught.value.why
    assert (await world.admit(node_id="lost")).certificate_pem  # the signer printed this token
    keeper.held = held


def ask_to_sign(node_id: str, csr_pem: bytes) -> tuple[str, bytes]:
    return SIGN, msgspec.msgpack.encode((node_id, csr_pem, [HOST], hash_token("a token that nobody printed")))


def expired(world: World) -> bytes:
    """Return a certificate of the sponsor's that ended some minutes ago."""
    return world.authority.sign(make_request("sponsor")[1], "sponsor", [], world.keeper_now, -0.002)


def ask_to_renew(certificate_pem: bytes, csr_pem: bytes) -> tuple[str, bytes]:
    return RENEW, encode(RenewalRequest(csr_pem=csr_pem, certificate_pem=certificate_pem))


MEMBERS: list[tuple[str, str, Callable[[World], tuple[str, bytes]]]] = [
    (
        "a newcomer's certificate with the id of a live member",
        "a present member has this id",
        lambda _: ask_to_sign("signer", request_for("signer")),
    ),
    (
        "a newcomer's certificate with its own id",
        "a present member has this id",
        lambda _: ask_to_sign("sponsor", request_for("sponsor")),
    ),
    (
        "a newcomer's certificate by a request for somebody else",
        "node-7",
        lambda _: ask_to_sign("new", request_for("node-7")),
    ),
    (
        "a renewal for somebody else, by the other's certificate",
        "no certificate of sponsor",
        lambda world: ask_to_renew(world.signer.certificate_pem, request_for("signer")),
    ),
    (
        "a renewal for somebody else, by its own certificate",
        "signer",
        lambda world: ask_to_renew(world.sponsor.certificate_pem, request_for("signer")),
    ),
    (
        "a renewal by a certificate of another authority of the same name",
        "no certificate of sponsor",
        lambda _: ask_to_renew(Pki("home").credentials("sponsor").certificate_pem, request_for("sponsor")),
    ),
    (
        "a renewal with a weak key",
        "P-256",
        lambda world: ask_to_renew(
            world.sponsor.certificate_pem,
            request_for("sponsor", key=rsa.generate_private_key(public_exponent=65537, key_size=1024)),
        ),
    ),
    (
        "a renewal by a certificate that has expired",
        "has expired",
        lambda world: ask_to_renew(expired(world), request_for("sponsor")),
    ),
    ("a renewal by garbage", "cannot be read", lambda _: ask_to_renew(b"garbage", request_for("sponsor"))),
    ("a renewal that is no message", "cannot be read", lambda _: (RENEW, b"\xc1")),
    ("a newcomer that is no message", "cannot be read", lambda _: (SIGN, b"\xc1")),
]


@pytest.mark.parametrize(("name", "words", "make"), MEMBERS, ids=[name for name, _, _ in MEMBERS])
async def test_a_member_cannot_have_signed(
    world: World, name: str, words: str, make: Callable[[World], tuple[str, bytes]]
) -> None:
    before = world.signed
    with pytest.raises(DeliveryFailed) as caught:
        await world.ask_signer(*make(world))
    assert words in str(caught.value) + caught.value.why
    assert world.signed == before, name


async def test_what_the_table_breaks_is_otherwise_good(world: World) -> None:
    before = world.signed
    grant = await world.admit()
    assert grant.certificate_pem
    await world.ask_signer(*ask_to_renew(world.sponsor.certificate_pem, request_for("sponsor")))
    assert world.signed == before + 2


async def test_a_member_that_was_revoked_gets_no_renewal(world: World) -> None:
    keeper = world.signer.keeper
    held, before = keeper.held, world.signed
    await keeper.merge([revoke(world.authority, "sponsor", keeper.now)])
    with pytest.raises(DeliveryFailed) as caught:
        await world.ask_signer(*ask_to_renew(world.sponsor.certificate_pem, request_for("sponsor")))
    assert "was revoked" in caught.value.why
    assert world.signed == before
    keeper.held = held  # the other rows are about a member that is welcome
