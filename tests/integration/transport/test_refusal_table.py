"""Every way not to be let in, in one table, over both kinds of link and in both directions.

Each row is a node that breaks one rule. It dials a good node, and a good node dials it. Either way: no link
comes up on either side, nothing is delivered, each side counts and logs it once, and after the first refusal
the other kind of link is not tried (`auto`).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.certificates import Pki, serial_of
from tests.support.intruders import add_intruder, lax_state, raw_state
from tests.support.meshes import Cluster, Node, open_cluster, until
from transport import Credentials, EndReason, LinkFailed
from transport.links.contract import Link
from transport.messages import Greeting

pytestmark = [pytest.mark.story("022"), pytest.mark.filterwarnings("error")]

DIALS, SERVES = "dials", "serves"
PATIENT = {"race_delay_s": 20.0, "handshake_timeout_s": 30.0}
"""A busy machine may take its time: what decides is what is said, not when."""
WORDS = {
    DIALS: ("refused peer from 127.0.0.1:", "was refused by node-good at "),
    SERVES: ("was refused by peer at 127.0.0.1:", "refused to talk to node-"),
}


def deny_nothing(credentials: Credentials, bad: Credentials) -> Credentials:
    return credentials


def deny_serial(credentials: Credentials, bad: Credentials) -> Credentials:
    return replace(credentials, denied_serials=frozenset({serial_of(bad)}))


def deny_node(credentials: Credentials, bad: Credentials) -> Credentials:
    return replace(credentials, denied_nodes={bad.node_id: datetime.now(UTC) + timedelta(seconds=1)})


def show_the_authority(pki: Pki, node_id: str) -> Credentials:
    authority = pki.authority
    good = pki.credentials(node_id)
    return replace(good, certificate_pem=authority.certificate_pem, key_pem=authority.key_pem)


def show_nothing(pki: Pki, node_id: str) -> Credentials:
    return replace(pki.credentials(node_id), certificate_pem=b"")


@dataclass(frozen=True)
class Row:
    """A node that must not get in.

    Attributes:
        name: What is wrong with it.
        reason: The word that the good node has for it.
        make: Its credentials.
        deny: What the good node has been told about it.
        directions: Where the row makes sense.
        told: What the bad node hears instead, where a link's protocol has no better word.
    """

    name: str
    reason: EndReason
    make: Callable[[Pki, str], Credentials]
    deny: Callable[[Credentials, Credentials], Credentials] = deny_nothing
    directions: tuple[str, ...] = (DIALS, SERVES)
    told: Mapping[str, EndReason] = field(default_factory=dict)


VAGUE = {"tcp": EndReason.CERTIFICATE_REFUSED}
ROWS = [
    Row("no certificate", EndReason.NO_CERTIFICATE, show_nothing, directions=(DIALS,)),
    Row(
        "another authority of the same name",
        EndReason.UNKNOWN_AUTHORITY,
        Pki.foreign_credentials,
    ),
    Row(
        "an authority of another name",
        EndReason.UNKNOWN_AUTHORITY,
        lambda pki, node_id: replace(
            Pki("away").credentials(node_id), ca_pem=pki.authority.certificate_pem, cluster="home"
        ),
    ),
    Row("signed by itself", EndReason.UNKNOWN_AUTHORITY, Pki.own_credentials),
    Row("expired", EndReason.EXPIRED, Pki.expired_credentials),
    Row("not yet valid", EndReason.NOT_YET_VALID, Pki.future_credentials),
    Row("revoked by serial number", EndReason.REVOKED, Pki.credentials, deny_serial),
    Row("revoked by node id", EndReason.REVOKED, Pki.credentials, deny_node),
    Row(
        "for servers only",
        EndReason.WRONG_USAGE,
        lambda pki, node_id: pki.odd_credentials(node_id, usages=[ExtendedKeyUsageOID.SERVER_AUTH]),
        directions=(DIALS,),
    ),
    Row(
        "for clients only",
        EndReason.WRONG_USAGE,
        lambda pki, node_id: pki.odd_credentials(node_id, usages=[ExtendedKeyUsageOID.CLIENT_AUTH]),
        directions=(SERVES,),
    ),
    Row(
        "for signing code",
        EndReason.WRONG_USAGE,
        lambda pki, node_id: pki.odd_credentials(node_id, usages=[ExtendedKeyUsageOID.CODE_SIGNING]),
    ),
    Row("one that may sign others", EndReason.WRONG_USAGE, Pki.authority_credentials),
    Row("the authority's own certificate", EndReason.WRONG_USAGE, show_the_authority),
    Row("no alternative names", EndReason.BAD_IDENTITY, Pki.bare_credentials),
    Row(
        "a URI of another node",
        EndReason.BAD_IDENTITY,
        lambda pki, node_id: pki.odd_credentials(node_id, uri="spiffe://home/node/node-good"),
    ),
    Row(
        "a DNS name of another node",
        EndReason.BAD_IDENTITY,
        lambda pki, node_id: pki.odd_credentials(node_id, dns="node-good.mesh"),
    ),
    Row(
        "a common name of another node",
        EndReason.BAD_IDENTITY,
        lambda pki, node_id: pki.odd_credentials(node_id, common_name="node-good"),
    ),
    Row("another cluster", EndReason.OTHER_CLUSTER, Pki.other_cluster_credentials),
    Row("another node than was dialled", EndReason.WRONG_NODE, Pki.credentials, directions=(SERVES,)),
    Row("an RSA key of 1024 bits", EndReason.WEAK_KEY, Pki.weak_credentials, told=VAGUE),
    Row("a signature over SHA-1", EndReason.WEAK_KEY, Pki.sha1_credentials, told=VAGUE),
]
TRIES = [(row, direction) for row in ROWS for direction in row.directions]


@pytest.fixture(params=["quic", "tcp", "auto"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    async with open_cluster(request.param) as opened:
        yield opened


@pytest.mark.parametrize(("row", "direction"), TRIES, ids=[f"{row.name}, {way}" for row, way in TRIES])
async def test_nobody_gets_in_who_must_not(
    cluster: Cluster, row: Row, direction: str, caplog: pytest.LogCaptureFixture
) -> None:
    pki = cluster.pki
    bad_credentials = row.make(pki, "node-bad")
    good = await cluster.add(row.deny(pki.credentials("node-good"), bad_credentials), **PATIENT)
    bad = await add_intruder(cluster, lax_state(bad_credentials), **PATIENT)
    dialler, server = (bad, good) if direction == DIALS else (good, bad)
    wanted = "node-z" if row.reason is EndReason.WRONG_NODE else server.node_id
    error = await refuse(dialler, server, wanted)

    told = row.told.get("tcp" if cluster.kind == "tcp" else "quic", row.reason)
    at_dialler, at_server = (told, row.reason) if direction == DIALS else (row.reason, told)
    assert error.reason is at_dialler
    assert counted(dialler) == ({}, {at_dialler: 1})
    assert counted(server) == ({at_server: 1}, {})
    by_server, by_dialler = WORDS[direction]
    assert len(lines(caplog)) == 2
    assert any(line.startswith(by_server) and at_server.sentence in line for line in lines(caplog))
    assert any(line.startswith(by_dialler) and at_dialler.sentence in line for line in lines(caplog))


async def refuse(dialler: Node, server: Node, node_id: str) -> LinkFailed:
    """Dial, expect to fail, and return how; neither side sees a link or a request."""
    handled: list[str] = []

    async def note(peer: str, method: str, payload: bytes) -> bytes:
        handled.append(method)
        return payload

    dialler.keeper.answer = server.keeper.answer = note
    dialler.mesh.learn_peer(node_id, server.address)
    with pytest.raises(LinkFailed) as caught:
        await dialler.mesh.request(node_id, "echo", b"let me in", 60)
    await until(lambda: server.mesh.stats.refused.total() >= 1, timeout_s=60)
    assert handled == []
    assert dialler.keeper.links == server.keeper.links == []
    assert dialler.mesh.stats.links_up == server.mesh.stats.links_up == 0
    return caught.value


def counted(node: Node) -> tuple[dict[EndReason, int], dict[EndReason, int]]:
    stats = node.mesh.stats
    return dict(stats.refused), dict(stats.dials_refused)


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "transport"]


SPOILED: dict[str, Callable[[bytes], bytes]] = {
    "two of one extension": lambda der: der.replace(bytes.fromhex("551d0e"), bytes.fromhex("551d0f")),
    "of a version that there is not": lambda der: der.replace(
        bytes.fromhex("a003020102"), b"\xa0\x03\x02\x01\x0c"
    ),
    "garbage": lambda der: b"garbage",
    "a key that is no point": lambda der: der.replace(bytes.fromhex("03420004"), bytes.fromhex("03420007")),
    "without an end": lambda der: der[:-9],
}


@pytest.mark.parametrize("name", SPOILED)
@pytest.mark.parametrize("direction", [DIALS, SERVES])
async def test_a_certificate_that_cannot_be_read_is_refused_without_a_fuss(
    direction: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_cluster("quic") as cluster:
        good = await cluster.add("node-good", **PATIENT)
        bad = await add_intruder(
            cluster, raw_state(cluster.pki.credentials("node-bad"), SPOILED[name]), **PATIENT
        )
        dialler, server = (bad, good) if direction == DIALS else (good, bad)
        error = await refuse(dialler, server, server.node_id)
        refused, dials_refused = counted(good)
        assert error.reason.is_refusal
        assert (refused | dials_refused).keys() <= {EndReason.BAD_IDENTITY, EndReason.UNKNOWN_AUTHORITY}
        assert [record.exc_info for record in caplog.records if record.exc_info] == []
        assert len(lines(caplog)) == 2


@pytest.mark.parametrize("direction", [DIALS, SERVES])
async def test_tls_1_2_is_not_spoken(direction: str, caplog: pytest.LogCaptureFixture) -> None:
    async with open_cluster("tcp") as cluster:
        good = await cluster.add("node-good", **PATIENT)
        old = lax_state(cluster.pki.credentials("node-bad"), version_max=ssl.TLSVersion.TLSv1_2)
        bad = await add_intruder(cluster, old, **PATIENT)
        dialler, server = (bad, good) if direction == DIALS else (good, bad)
        error = await refuse(dialler, server, server.node_id)
        assert (
            not error.reason.is_refusal
        )  # so the other kind of link may be tried: QUIC has no other version
        assert server.mesh.stats.refused.total() == 1
        if direction == DIALS:
            assert dict(good.mesh.stats.refused) == {EndReason.NOT_TLS: 1}
            assert len([line for line in lines(caplog) if line.startswith("refused peer from")]) == 1


@pytest.mark.parametrize("alpn", [None, "h2"], ids=["nothing", "h2"])
@pytest.mark.parametrize("direction", [DIALS, SERVES])
async def test_a_good_certificate_is_not_enough_for_another_protocol(
    direction: str, alpn: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_cluster("tcp") as cluster:
        good = await cluster.add("node-good", **PATIENT)
        bad = await add_intruder(
            cluster, lax_state(cluster.pki.credentials("node-bad"), alpn=alpn), **PATIENT
        )
        dialler, server = (bad, good) if direction == DIALS else (good, bad)
        await refuse(dialler, server, server.node_id)
        refused, dials_refused = counted(good)
        assert refused | dials_refused == {EndReason.VERSION_MISMATCH: 1}
        assert len([line for line in lines(caplog) if "inside TLS, ours is caxton-mesh/1" in line]) >= 1


async def test_plain_bytes_are_no_handshake(caplog: pytest.LogCaptureFixture) -> None:
    async with open_cluster("auto") as cluster:
        good = await cluster.add("node-good", **PATIENT)
        reader, writer = await asyncio.open_connection(*good.address)
        writer.write(b'{"let": "me in"}\n')
        await asyncio.wait_for(reader.read(), 30)
        writer.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.sendto(b"let me in, by QUIC" * 70, good.address)
        await until(lambda: good.mesh.stats.stray_datagrams == 1, timeout_s=60)
        assert good.mesh.stats.refused == Counter({EndReason.NOT_TLS: 1})
        assert good.keeper.links == []
        assert len(lines(caplog)) == 1


@pytest.mark.parametrize("direction", [DIALS, SERVES])
async def test_who_is_revoked_between_certificate_and_greeting_gets_no_link(
    cluster: Cluster, direction: str
) -> None:
    good_credentials = cluster.pki.credentials("node-good")
    good, bad = await cluster.add(good_credentials, **PATIENT), await cluster.add("node-bad", **PATIENT)
    dialler, server = (bad, good) if direction == DIALS else (good, bad)

    def revoke_now() -> None:
        denied = {"node-bad": datetime.now(UTC) + timedelta(seconds=1)}
        good.mesh.use_credentials(replace(good_credentials, denied_nodes=denied))

    connections = server.mesh._connections
    assert connections is not None
    judge_hello = connections.judge_hello

    def judge_late(link: Link, hello: Greeting) -> Greeting:
        welcome = judge_hello(link, hello)
        revoke_now()
        return welcome

    connections.judge_hello = judge_late  # type: ignore[method-assign]  # the moment between the two
    dialler.knows(server)
    with pytest.raises(LinkFailed):
        await dialler.mesh.request(server.node_id, "echo", b"", 60)
    assert good.mesh.stats.links_up == 0
