"""What a node keeps: never a certificate that its peers would refuse, and no key leads it astray."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caxton_node.core.errors import StateError
from caxton_node.trust.key_handing import KeyHanding
from certs import Authority, make_request
from tests.support.clusters import open_clusters
from tests.support.trust import holdings, keeper

pytestmark = pytest.mark.story("022")

NOW = datetime.now(UTC)


@pytest.mark.parametrize("ahead", [timedelta(hours=1), timedelta(hours=-30)], ids=["to-come", "over"])
async def test_a_certificate_outside_its_dates_does_not_replace_a_good_one(
    tmp_path: Path, ahead: timedelta
) -> None:
    authority = Authority.create("home", NOW - timedelta(days=9))
    kept = keeper(holdings(authority, "n1", days=30), tmp_path)
    before = kept.held
    key_pem, csr_pem = make_request("n1")
    certificate_pem = authority.sign(csr_pem, "n1", [], NOW + ahead, lifetime_days=1)
    with pytest.raises(StateError) as caught:
        await kept.renew(certificate_pem, key_pem)
    assert "clock" in caught.value.hint
    assert kept.held is before


async def test_a_key_of_an_authority_that_is_not_in_force_asks_for_no_others(tmp_path: Path) -> None:
    current, former = Authority.create("home", NOW), Authority.create("home", NOW)
    kept = keeper(replace(holdings(current, "n1"), authorities=(former,)), tmp_path)
    async with open_clusters() as world:
        handing = KeyHanding(kept, world.make("n1"), signers=lambda: ["n2"])
        assert handing.wanted == []
        await handing.fetch()
    assert kept.held.authorities == (former,)
