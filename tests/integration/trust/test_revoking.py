"""A node that is revoked is cut off within seconds, and comes back only on purpose."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from secrets import token_bytes

import pytest

from caxton_node.cluster.files import NodeRevoked
from caxton_node.cluster.joining import rejoin_cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, NotFound, StateError, Unauthorized
from certs import Authority, Revocations, revoke
from certs.authority_files import read_authority
from certs.trust_files import read_revocations, write_revocations
from swim import Ring
from swim.ring import GROUP_KEY_BYTES
from tests.support.api import Node, call
from tests.support.trusting import Cluster, cluster, until

pytestmark = pytest.mark.story("022")


def alive(node: Node) -> list[str]:
    return node.daemon.company.cluster.alive_nodes()


def revoked_on(node: Node) -> list[str]:
    return [each.node_id for each in read_revocations(node.data_dir / "certs")]


async def who(node: Node, token: str) -> str:
    return (await call(node.remote(token), lambda client: client.access_keys.whoami())).name


async def revoke_n3(made: Cluster, *, at: str = "n2") -> None:
    """Revoke n3 through a node."""
    answer = await call(made[at].local, lambda client: client.security.revoke("n3", reason="stolen"))
    assert answer.revocation.reason == "stolen"
    assert {node.node: node.error for node in answer.nodes} == {"n1": "", "n2": ""}


async def test_a_revoked_node_has_no_link_left_is_gone_for_all_and_knows_it(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        for name in ("n1", "n2"):
            ping = lambda client: client.cluster.ping("n3", over_link=True, timeout_s=5)  # noqa: E731
            await call(made[name].local, ping)
        key = await call(made["n3"].local, lambda client: client.access_keys.create("x", grants=["admin"]))
        await until(lambda: made["n1"].daemon.knowledge.api_keys.is_known(key.key.key_id))
        assert await who(made["n1"], key.token) == "x"
        await revoke_n3(made)  # n2 does not sign: it asks n1
        with pytest.raises(Unauthorized, match="the token is void"):
            await who(made["n1"], key.token)
        for name in ("n1", "n2"):
            assert alive(made[name]) == ["n1", "n2"]
            assert revoked_on(made[name]) == ["n3"]
            assert made[name].daemon.company.cluster.link_kind("n3") == ""
            assert not made[name].daemon.company.cluster.sides.counts("n3")
        trust = made["n3"].daemon.company.trust
        await until(lambda: not trust.expiry.health().is_ok)
        assert "revoked" in trust.expiry.health().detail


async def test_the_gossip_keys_change_and_the_revoked_node_does_not_get_the_new_one(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        before = made["n1"].daemon.company.keys.ring.ids
        await revoke_n3(made)
        remaining = [made[name].daemon.company.keys for name in ("n1", "n2")]
        await until(lambda: all(set(keys.ring.ids).isdisjoint(before) for keys in remaining))
        assert made["n3"].daemon.company.keys.ring.ids == before
        listed = lambda: {  # noqa: E731
            member.node_id: member.state.value for member in made["n1"].daemon.company.cluster.members()
        }
        await until(lambda: listed().get("n3") in {None, "left"})


async def test_a_revoked_node_does_not_start_again_and_says_why(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await revoke_n3(made)
        await until(lambda: bool(made["n3"].daemon.company.trust.revoking.self_revoked))
        await until(lambda: revoked_on(made["n3"]) == ["n3"])
        await made.stop("n3")
        with pytest.raises(NodeRevoked, match="was revoked") as caught:
            await made.start("n3")
        assert "stolen" in caught.value.why
        assert "caxton-node certs renew --seed" in caught.value.hint


async def test_a_node_is_let_in_again_on_purpose_by_a_token_with_all_its_data(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await revoke_n3(made)
        await made.stop("n3")
        token, seed = await made.token(), made["n2"].grpc
        await asyncio.to_thread(rejoin_cluster, made.data_dir("n3"), seed, token, [])
        n3 = await made.start("n3")
        await until(lambda: all(alive(made[name]) == ["n1", "n2", "n3"] for name in made.nodes))
        for name in ("n1", "n2"):
            await call(made[name].local, lambda client: client.cluster.ping("n3", over_link=True))
        assert n3.daemon.company.trust.expiry.health().is_ok
        assert revoked_on(n3) == ["n3"]  # what was revoked stays so; the new certificate is younger


async def test_a_node_that_was_away_learns_of_a_revocation_when_it_is_back(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await made.stop("n2")
        await call(made["n1"].local, lambda client: client.security.revoke("n3"))
        n2 = await made.start("n2")
        await until(lambda: revoked_on(n2) == ["n3"] and alive(n2) == ["n1", "n2"])


async def test_a_newcomer_is_told_who_was_revoked(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await revoke_n3(made)
        await made.invite("n4", through="n2")
        assert [each.node_id for each in read_revocations(made.data_dir("n4") / "certs")] == ["n3"]


async def test_a_revocation_that_was_signed_offline_is_put_in_force(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        now = made["n2"].daemon.company.trust._keeper.now
        authority = read_authority(made.data_dir("n1") / "certs")
        signed = revoke(authority, "n3", now, reason="sold").encode()
        await call(made["n2"].local, lambda client: client.security.revoke(revocation=signed))
        assert alive(made["n1"]) == alive(made["n2"]) == ["n1", "n2"]
        listed = await call(made["n1"].local, lambda client: client.security.revocations())
        assert [(each.node, each.reason) for each in listed] == [("n3", "sold")]
        stranger = revoke(Authority.create("test", now), "n1", now).encode()
        with pytest.raises(StateError, match="not in force"):
            await call(made["n2"].local, lambda client: client.security.revoke(revocation=stranger))
        assert alive(made["n2"]) == ["n1", "n2"]


async def test_a_node_does_not_revoke_itself_by_name_or_by_file(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        now = made["n1"].daemon.company.trust._keeper.now
        signed = revoke(read_authority(made.data_dir("n1") / "certs"), "n1", now).encode()
        for what in ({"target": "n1"}, {"revocation": signed}):
            with pytest.raises(InvalidArgument, match="itself"):
                await call(made["n1"].local, lambda client, what=what: client.security.revoke(**what))
        assert revoked_on(made["n1"]) == []


async def test_a_slip_of_the_pen_is_no_success(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        with pytest.raises(NotFound, match="no node n33 is known"):
            await call(made["n1"].local, lambda client: client.security.revoke("n33"))
        assert revoked_on(made["n1"]) == []


async def test_the_only_member_that_signs_is_not_revoked_but_by_file(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        with pytest.raises(StateError, match="the only live member that signs"):
            await call(made["n2"].local, lambda client: client.security.revoke("n1"))
        assert alive(made["n2"]) == ["n1", "n2"]
        authority = read_authority(made.data_dir("n1") / "certs")
        signed = revoke(authority, "n1", made["n2"].daemon.company.trust._keeper.now).encode()
        answer = await call(made["n2"].local, lambda client: client.security.revoke(revocation=signed))
        assert answer.held_ca_key
        assert alive(made["n2"]) == ["n2"]


async def test_a_revocation_that_was_read_from_disk_parts_the_node_from_its_members(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await made.stop("n2")
        now = made["n1"].daemon.company.trust._keeper.now
        signed = revoke(read_authority(made.data_dir("n1") / "certs"), "n3", now)
        write_revocations(made.data_dir("n2") / "certs", Revocations([signed]))
        n2 = await made.start("n2")
        await until(lambda: alive(n2) == ["n1", "n2"])


async def test_a_revocation_signed_by_a_clock_that_is_behind_is_no_success(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        early = made["n1"].daemon.company.trust._keeper.now - timedelta(hours=1)
        signed = revoke(read_authority(made.data_dir("n1") / "certs"), "n3", early).encode()
        with pytest.raises(StateError, match="n3 is not cut off"):
            await call(made["n2"].local, lambda client: client.security.revoke(revocation=signed))
        await until(lambda: alive(made["n1"]) == alive(made["n2"]) == ["n1", "n2", "n3"])


async def test_join_tokens_from_before_a_revocation_let_nobody_in(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        tokens = [await made.token(name) for name in ("n1", "n2")]
        await revoke_n3(made)
        revoking = [made[name].daemon.company.trust.revoking for name in ("n1", "n2")]
        await until(lambda: all(each._voided_unix_s for each in revoking))
        for token in tokens:
            with pytest.raises(CaxtonError, match="token"):
                await made.invite("n4", token=token)


async def test_a_member_that_slept_learns_of_a_revocation_before_it_takes_new_gossip_keys(
    tmp_path: Path,
) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        n1, n2 = (made[name].daemon for name in ("n1", "n2"))
        keeper = n1.company.trust._keeper
        await keeper.merge([revoke(keeper.held.signer, "n3", keeper.now)])  # nobody is told
        address = n1.company.cluster.find("n1").address
        await n1.company.keys.put(
            Ring((token_bytes(GROUP_KEY_BYTES),), n1.company.keys.ring.revision + 1), by="test"
        )
        assert await n2.company.keys.refresh_from([("n1", address)])
        assert revoked_on(made["n2"]) == ["n3"]
