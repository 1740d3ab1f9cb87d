"""Who gets a certificate, and from whom."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from caxton_node.cluster import redeeming
from caxton_node.cluster.redeeming import REDEEM, Answer, Redeeming
from caxton_node.cluster.service import Cluster
from caxton_node.cluster.sponsor import Sponsor
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import (
    CaxtonError,
    DeliveryFailed,
    LocalError,
    ResourceLimit,
    Unauthorized,
    Unavailable,
)
from caxton_node.security import JoinToken, Tokens, hash_token
from caxton_node.storage import Database
from caxton_node.trust.signing import RENEW, SIGN, Signing
from caxton_node.trust.wire import RenewalRequest, Signed, decode, encode
from certs import Authority, NodeBundle, make_request
from certs.hosts import hosts_of
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.meshes import until
from tests.support.trust import holdings, keeper, signing

pytestmark = pytest.mark.story("022")


class Pair:
    """A member that signs, and one that does not."""

    def __init__(self, world: Opened, signer: Cluster, other: Cluster, tokens: Tokens, folder: Path) -> None:
        self.authority = world.pki.authority
        self.signer, self.other, self.tokens = signer, other, tokens
        self._folder = folder

    def signing(self, cluster: Cluster, *signers: str) -> Signing:
        held = holdings(self.authority, cluster.node_id, signs=cluster is self.signer)
        return signing(cluster, keeper(held, self._folder / cluster.node_id), *signers)

    def sponsor(self, cluster: Cluster, *signers: str, tokens: Tokens | None = None) -> Sponsor:
        return Sponsor(
            cluster_name="home",
            cluster=cluster,
            tokens=tokens or self.tokens,
            trust=self.signing(cluster, *signers),
            gossip_keys=lambda: [bytes(32)],
        )


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with open_clusters() as world, await Database.open(tmp_path / "caxton.db") as database:
        signer, port = await world.open("signer")
        other, _ = await world.open("other")
        made = Pair(world, signer, other, Tokens(database, SystemClock()), tmp_path)
        made.sponsor(signer)
        signer.start()
        other.start([(HOST, port)])
        await until(lambda: signer.is_alive("other") and other.is_alive("signer"))
        yield made


async def test_a_sponsor_asks_the_next_signer_when_one_does_not_answer(pair: Pair) -> None:
    sponsor = pair.sponsor(pair.other, "gone", "signer")
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint)
    key_pem, request = make_request("new")
    grant = await sponsor.admit(token=token.text, node_id="new", csr_pem=request, hosts=[HOST])
    bundle = NodeBundle("new", grant.certificate_pem, key_pem, grant.ca_pem)
    assert bundle.serial_number
    assert len(grant.seeds) == 2


async def test_without_a_signer_that_answers_nobody_is_admitted(pair: Pair) -> None:
    sponsor = pair.sponsor(pair.other, "gone")
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint)
    with pytest.raises(Unavailable, match="no member that signs"):
        await sponsor.admit(token=token.text, node_id="new", csr_pem=make_request("new")[1], hosts=[])


async def test_a_member_cannot_have_the_id_of_another_member_signed(pair: Pair) -> None:
    request = msgspec.msgpack.encode(("signer", make_request("signer")[1], [HOST], "0" * 64))
    with pytest.raises(DeliveryFailed, match="present member"):
        await pair.other.request("signer", SIGN, request, 5)


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", msgspec.msgpack.encode(["new", 2**40, []])])
async def test_a_request_to_sign_that_cannot_be_read_is_refused_in_words(pair: Pair, rubbish: bytes) -> None:
    with pytest.raises(DeliveryFailed, match="cannot be read"):
        await pair.other.request("signer", SIGN, rubbish, 5)


# -- tokens through another member --------------------------------------------------------------------------


@pytest.fixture
async def elsewhere(tmp_path: Path) -> AsyncIterator[Tokens]:
    """Open the tokens of another node than the one that prints them."""
    async with await Database.open(tmp_path / "elsewhere.db") as database:
        yield Tokens(database, SystemClock())


async def _admit(sponsor: Sponsor, token: str, node_id: str) -> str:
    """Return what became of a newcomer."""
    try:
        await sponsor.admit(token=token, node_id=node_id, csr_pem=make_request(node_id)[1], hosts=[])
    except CaxtonError as err:
        return err.what
    return "admitted"


async def test_a_token_that_another_member_printed_is_counted_there(pair: Pair, elsewhere: Tokens) -> None:
    pair.sponsor(pair.signer)
    sponsor = pair.sponsor(pair.other, "signer", tokens=elsewhere)
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint, uses=1)
    assert await _admit(sponsor, token.text, "new-1") == "admitted"
    assert await _admit(sponsor, token.text, "new-2") == "the join token is used up"


async def test_a_token_for_one_node_admits_one_though_two_members_are_asked_at_once(
    pair: Pair, elsewhere: Tokens
) -> None:
    sponsors = [pair.sponsor(pair.signer), pair.sponsor(pair.other, "signer", tokens=elsewhere)]
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint, uses=1)
    tries = [_admit(sponsors[n % 2], token.text, f"new-{n}") for n in range(6)]
    outcomes = await asyncio.gather(*tries)
    assert sorted(outcomes) == ["admitted", *["the join token is used up"] * 5]


async def test_a_token_that_nobody_printed_admits_nobody(pair: Pair, elsewhere: Tokens) -> None:
    pair.sponsor(pair.signer)
    sponsor = pair.sponsor(pair.other, "signer", tokens=elsewhere)
    token = JoinToken(pair.authority.fingerprint, b"s" * 16, 2**32 - 1)
    with pytest.raises(Unauthorized, match="no member that is alive printed"):
        await sponsor.admit(token=token.text, node_id="new", csr_pem=make_request("new")[1], hosts=[])


async def test_when_a_member_cannot_be_asked_nobody_knows_whether_the_token_is_its_own(
    pair: Pair, elsewhere: Tokens
) -> None:
    sponsor = pair.sponsor(pair.other, "signer", tokens=elsewhere)

    async def say_nothing(peer: str, payload: bytes) -> bytes:
        raise LocalError("the disk is gone")

    pair.other.serve(REDEEM, say_nothing)  # the signer asks the sponsor, which may have printed it
    token = JoinToken(pair.authority.fingerprint, b"s" * 16, 2**32 - 1)
    with pytest.raises(Unavailable, match="did not answer"):
        await sponsor.admit(token=token.text, node_id="new", csr_pem=make_request("new")[1], hosts=[])


async def test_few_tokens_at_once_are_asked_about(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redeeming, "TOKENS_WAITING_MAX", 0)
    counting = Redeeming(pair.signer, pair.tokens)
    with pytest.raises(ResourceLimit, match="at once"):
        await counting.count("0" * 64)
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint)
    assert await counting.count(hash_token(token.text)) is Answer.TAKEN  # nobody need be asked


# -- renewals over the mesh ---------------------------------------------------------------------------------


async def test_a_renewal_is_for_the_same_hosts_and_no_others(pair: Pair) -> None:
    present = holdings(pair.authority, "other").bundle.certificate_pem
    request = RenewalRequest(make_request("other")[1], present)
    signed = decode(await pair.other.request("signer", RENEW, encode(request), 5), Signed)
    assert hosts_of(signed.certificate_pem) == hosts_of(present) == []  # 127.0.0.1 is in every certificate


async def test_a_member_cannot_have_a_certificate_for_another_id_by_renewing(pair: Pair) -> None:
    own = holdings(pair.authority, "other").bundle.certificate_pem
    others = holdings(pair.authority, "signer").bundle.certificate_pem
    for certificate_pem, wanted, words in (
        (own, "signer", "names"),  # its own certificate, a request for somebody else
        (others, "signer", "no certificate of other"),  # somebody else's, which anybody can see
        (others, "other", "no certificate of other"),
    ):
        request = RenewalRequest(make_request(wanted)[1], certificate_pem)
        with pytest.raises(DeliveryFailed, match=words):
            await pair.other.request("signer", RENEW, encode(request), 5)


async def test_a_certificate_of_another_authority_is_not_renewed(pair: Pair) -> None:
    stranger = Authority.create("home", datetime.now(UTC))
    foreign = holdings(stranger, "other").bundle.certificate_pem
    request = RenewalRequest(make_request("other")[1], foreign)
    with pytest.raises(DeliveryFailed, match="no certificate of other"):
        await pair.other.request("signer", RENEW, encode(request), 5)
