"""Who gets a certificate, and from whom."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from caxton_node.cluster.service import Cluster
from caxton_node.cluster.sponsor import SIGN, Sponsor
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import DeliveryFailed, Unavailable
from caxton_node.security import Tokens
from caxton_node.storage import Database
from certs import Authority, NodeBundle, make_request
from tests.support.clusters import HOST, Opened, open_clusters
from tests.support.meshes import until

pytestmark = pytest.mark.story("022")


class Pair:
    """A member that signs, and one that does not."""

    def __init__(self, world: Opened, signer: Cluster, other: Cluster, tokens: Tokens) -> None:
        self.authority = world.pki.authority
        self.signer, self.other, self.tokens = signer, other, tokens

    def sponsor(self, cluster: Cluster, authority: Authority | None, *signers: str) -> Sponsor:
        return Sponsor(
            cluster_name="home",
            cluster=cluster,
            tokens=self.tokens,
            authority=authority,
            ca_pem=self.authority.certificate_pem,
            gossip_keys=lambda: [bytes(32)],
            signers=lambda: signers,
        )


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with open_clusters() as world, await Database.open(tmp_path / "caxton.db") as database:
        signer, port = await world.open("signer")
        other, _ = await world.open("other")
        made = Pair(world, signer, other, Tokens(database, SystemClock()))
        made.sponsor(signer, made.authority)
        signer.start()
        other.start([(HOST, port)])
        await until(lambda: signer.is_alive("other") and other.is_alive("signer"))
        yield made


async def test_a_sponsor_asks_the_next_signer_when_one_does_not_answer(pair: Pair) -> None:
    sponsor = pair.sponsor(pair.other, None, "gone", "signer")
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint)
    key_pem, request = make_request("new")
    grant = await sponsor.admit(token=token.text, node_id="new", csr_pem=request, hosts=[HOST])
    bundle = NodeBundle("new", grant.certificate_pem, key_pem, grant.ca_pem)
    assert bundle.serial_number
    assert len(grant.seeds) == 2


async def test_without_a_signer_that_answers_nobody_is_admitted(pair: Pair) -> None:
    sponsor = pair.sponsor(pair.other, None, "gone")
    token = await pair.tokens.issue_join_token(ca_fingerprint=pair.authority.fingerprint)
    with pytest.raises(Unavailable, match="no member that signs"):
        await sponsor.admit(token=token.text, node_id="new", csr_pem=make_request("new")[1], hosts=[])


async def test_a_member_cannot_have_the_id_of_another_member_signed(pair: Pair) -> None:
    request = msgspec.msgpack.encode(("signer", make_request("signer")[1], [HOST]))
    with pytest.raises(DeliveryFailed, match="present member"):
        await pair.other.request("signer", SIGN, request, 5)


@pytest.mark.parametrize("rubbish", [b"", b"\xc1", msgspec.msgpack.encode(["new", 2**40, []])])
async def test_a_request_to_sign_that_cannot_be_read_is_refused_in_words(pair: Pair, rubbish: bytes) -> None:
    with pytest.raises(DeliveryFailed, match="cannot be read"):
        await pair.other.request("signer", SIGN, rubbish, 5)
