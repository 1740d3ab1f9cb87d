"""Certificates of running nodes are renewed, by themselves and when asked, and nobody notices."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from caxton_node.client import Client
from caxton_node.cluster.identity import read_identity
from caxton_node.core.errors import Unavailable
from certs import NodeBundle, make_request
from certs.authority_files import read_authority
from certs.files import read_bundle, write_bundle
from tests.support.api import Node, call
from tests.support.trusting import Cluster, cluster, until

pytestmark = pytest.mark.story("022")


def serial(node: Node) -> int:
    return read_bundle(node.data_dir / "certs").serial_number


def links_begun(node: Node) -> float:
    readings = node.daemon.vitals.readings()
    return sum(float(each.value) for each in readings if each.name == "caxton_mesh_links_begun_total")


def nearly_over(made: Cluster, name: str) -> None:
    """Give a node that is stopped a certificate that is in the last third of its life of seven minutes."""
    authority = read_authority(made.data_dir("n1") / "certs")
    folder = made.data_dir(name) / "certs"
    key_pem, csr_pem = make_request(read_identity(made.data_dir(name)).node_id)
    left = timedelta(minutes=2.2)  # it begins five minutes ago, as all do
    certificate_pem = authority.sign(
        csr_pem, name, ["127.0.0.1"], datetime.now(UTC), lifetime_days=left / timedelta(days=1)
    )
    write_bundle(folder, NodeBundle(name, certificate_pem, key_pem, authority.certificate_pem))


async def test_a_node_shows_another_certificate_and_its_links_go_on(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        n1, n2 = made["n1"], made["n2"]
        await call(n2.local, lambda client: client.cluster.ping("n1", over_link=True, timeout_s=5))
        before, begun = serial(n2), links_begun(n2)
        with Client(n2.remote(n1.admin_token)) as open_before:
            assert (await asyncio.to_thread(open_before.server.health)).ready
            renewed = await call(n1.local, lambda client: client.security.renew(node="n2"))
            assert int(renewed.serial, 16) == serial(n2) != before
            assert (await asyncio.to_thread(open_before.server.health)).ready
            await call(n2.remote(n1.admin_token), lambda client: client.server.health())
        await call(n2.local, lambda client: client.cluster.ping("n1", over_link=True, timeout_s=5))
        assert links_begun(n2) == begun


async def test_new_grpc_connections_see_the_new_certificate(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        n1 = made["n1"]
        for _ in range(3):
            renewed = await call(n1.local, lambda client: client.security.renew())
            shown = await _shown_serial(n1)
            assert shown == int(renewed.serial, 16)


async def test_a_certificate_that_nears_its_end_is_renewed_by_itself(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await made.invite("n2")
        nearly_over(made, "n2")
        before = read_bundle(made.data_dir("n2") / "certs").serial_number
        n2 = await made.start("n2")
        await until(lambda: serial(n2) != before)
        validity = read_bundle(n2.data_dir / "certs").check(datetime.now(UTC))
        assert validity.remaining_s > 300 * 86_400
        await until(lambda: n2.daemon.company.trust.renewing.renewals == 1)


async def test_a_signer_renews_its_own_certificate(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await made.stop("n1")
        nearly_over(made, "n1")
        before = read_bundle(made.data_dir("n1") / "certs").serial_number
        n1 = await made.start("n1")
        await until(lambda: serial(n1) != before)


async def test_without_a_signer_a_renewal_fails_in_words_is_counted_and_done_when_one_is_back(
    tmp_path: Path,
) -> None:
    async with cluster(tmp_path) as made:
        await made.invite("n2")
        nearly_over(made, "n2")
        before = read_bundle(made.data_dir("n2") / "certs").serial_number
        key, vault = made.data_dir("n1") / "certs" / "ca.key", tmp_path / "ca.key"
        await made.stop("n1")
        key.rename(vault)
        await made.start("n1")
        n2 = await made.start("n2")
        with pytest.raises(Unavailable, match="no member that signs"):
            await call(n2.local, lambda client: client.security.renew())
        health = n2.daemon.company.trust.expiry.health()
        assert not health.is_ok  # two minutes left
        assert "no member that signs" in health.detail
        listed = await call(n2.local, lambda client: client.security.certificates())
        shown = {each.node: each for each in listed}["n2"]
        assert "no member that signs" in shown.trouble
        assert shown.state == "renewal-due"
        counts = {tuple(each.labels): each.value for each in n2.daemon.company.trust.expiry.readings()}
        assert float(counts[("failed",)]) >= 1  # type: ignore[arg-type]
        await made.stop("n1")
        vault.rename(key)
        await made.start("n1")
        await until(lambda: serial(n2) != before)
        await until(lambda: n2.daemon.company.trust.expiry.health().is_ok)


async def test_the_metrics_tell_when_certificate_and_ca_run_out(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        metrics = await call(
            made["n1"].local, lambda client: client.server.metrics(prefix="caxton_certificate_expiry")
        )
        left = {sample.labels["kind"]: sample.value for each in metrics for sample in each.samples}
        assert 364 < left["node"] / 86_400 <= 365
        assert 3640 < left["ca"] / 86_400 <= 3650


async def _shown_serial(node: Node) -> int:
    """Return the serial number of the certificate that a new TLS connection sees."""
    host, port = node.grpc.rsplit(":", 1)

    def look() -> int:
        pem = ssl.get_server_certificate((host, int(port)))
        return x509.load_pem_x509_certificate(pem.encode()).serial_number

    return await asyncio.to_thread(look)
