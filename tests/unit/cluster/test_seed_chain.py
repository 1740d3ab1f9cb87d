"""What a newcomer whose clock is wrong is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caxton_node.cluster.seed_chain import ClockSkewed, check_clock, fetch_trusted_ca
from caxton_node.core.errors import Forbidden
from certs import Authority, make_request

pytestmark = pytest.mark.story("022")


@pytest.mark.parametrize(
    ("ahead_s", "words"),
    [(400, "7 min ahead of"), (-400, "7 min behind"), (-90_000, "25 h behind"), (301, "5 min ahead of")],
)
def test_a_clock_that_is_minutes_off_is_told_by_how_much_and_which_way(ahead_s: float, words: str) -> None:
    with pytest.raises(ClockSkewed, match="does not agree") as caught:
        check_clock("seed:1", theirs_unix_s=1_000_000.0, ours_unix_s=1_000_000.0 + ahead_s)
    assert words in caught.value.why
    assert "timedatectl" in caught.value.hint


@pytest.mark.parametrize("ahead_s", [0, 5, -5, 299, -299])
def test_clocks_may_differ_by_what_certificates_allow_for(ahead_s: float) -> None:
    check_clock("seed:1", theirs_unix_s=1_000_000.0, ours_unix_s=1_000_000.0 + ahead_s)


class Seed:
    """Shows a certificate made at some other time than now."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.authority = Authority.create("home", datetime.now(UTC))

    async def show(self, made: timedelta) -> AsyncIterator[str]:
        now = datetime.now(UTC) + made
        self.authority = Authority.create("home", now)
        key_pem, csr_pem = make_request("n1")
        certificate_pem = self.authority.sign(csr_pem, "n1", ["127.0.0.1"], now, lifetime_days=1)
        path = self._folder / "chain.pem"
        path.write_bytes(key_pem + certificate_pem + self.authority.certificate_pem)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(path)
        server = await asyncio.start_server(
            lambda _reader, writer: writer.close(), "127.0.0.1", 0, ssl=context
        )
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (timedelta(minutes=20), "begins only in 15 min, so it is behind"),
        (timedelta(days=-3), "ended 48 h ago, so it is ahead"),
    ],
)
async def test_a_seed_whose_certificate_is_of_another_time_tells_that_a_clock_is_wrong(
    tmp_path: Path, made: timedelta, words: str
) -> None:
    seed = Seed(tmp_path)
    async for address in seed.show(made):
        with pytest.raises(ClockSkewed) as caught:
            await asyncio.to_thread(fetch_trusted_ca, address, seed.authority.fingerprint)
        assert words in caught.value.why


async def test_a_seed_of_another_cluster_is_told_before_its_dates(tmp_path: Path) -> None:
    seed = Seed(tmp_path)
    async for address in seed.show(timedelta(minutes=20)):
        with pytest.raises(Forbidden, match="not of the cluster"):
            await asyncio.to_thread(fetch_trusted_ca, address, "00" * 32)
