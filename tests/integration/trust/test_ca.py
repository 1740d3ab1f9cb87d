"""Another CA in a running cluster: what each node does, which were away, and who signs afterwards."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress
from pathlib import Path

import pytest

from caxton_node.client import Client, Endpoint
from caxton_node.cluster.joining import rejoin_cluster
from caxton_node.core.errors import CaxtonError, DeliveryFailed, StateError
from caxton_node.pb.security_pb2 import AuthorityStep
from caxton_node.trust.key_handing import KEY
from caxton_node.trust.stepping import NEXT
from caxton_node.trust.wire import Bundle, KeyRequest, StepRequest, decode, encode
from certs import Authority, TrustList, decode_trust_list
from certs.authority_files import read_authorities
from certs.endorsement import Purpose
from certs.files import read_bundle
from certs.trust_files import read_trust
from tests.support.api import Node, call
from tests.support.trusting import cluster, until

pytestmark = pytest.mark.story("022")


def issuer(node: Node) -> str:
    return read_bundle(node.data_dir / "certs").authority


def trusted(node: Node) -> tuple[str, ...]:
    return read_trust(node.data_dir / "certs").fingerprints


def keys(node: Node) -> set[str]:
    return {key.fingerprint for key in read_authorities(node.data_dir / "certs")}


async def rotate(node: Node, *steps: str, force: bool = False) -> list[AuthorityStep]:
    """Take some steps through a node, or all that are left."""
    done: list[AuthorityStep] = []
    for step in steps or ("",):
        work = lambda client, step=step: list(client.security.rotate_authority(step=step, force=force))  # noqa: E731
        done += await call(node.local, work, timeout_s=30)
    return done


async def test_each_step_is_confirmed_by_every_member_and_changes_what_it_says(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        n1, n2 = made["n1"], made["n2"]
        old = issuer(n1)
        (step,) = await rotate(n2, "announce")
        assert [(node.node, node.error) for node in step.nodes] == [("n1", ""), ("n2", "")]
        new = trusted(n1)[1]
        assert trusted(n1) == trusted(n2) == (old, new)
        assert step.primary == issuer(n1) == issuer(n2) == old
        (step,) = await rotate(n2, "switch")
        assert step.primary == new
        (step,) = await rotate(n2, "renew")
        assert {node.issuer for node in step.nodes} == {new} == {issuer(n1), issuer(n2)}
        await rotate(n2, "retire")
        assert trusted(n1) == trusted(n2) == (new,)
        assert keys(n1) == {new}


async def test_a_change_that_stopped_goes_on_where_it_was_on_any_member(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        await rotate(made["n1"], "announce", "switch")
        steps = await rotate(made["n2"])
        assert [step.step for step in steps] == ["renew", "retire"]
        assert len(trusted(made["n1"])) == 1


async def test_before_the_new_ca_signs_a_member_that_missed_it_is_told(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        await made.stop("n2")
        await rotate(made["n1"], "announce")
        # It is a member again, and has not compared yet or has: either way it knows before the switch.
        await made.start("n2")
        (step,) = await rotate(made["n1"], "switch")
        assert [(node.node, len(node.authorities), node.error) for node in step.nodes] == [
            ("n1", 2, ""),
            ("n2", 2, ""),
        ]
        steps = await rotate(made["n1"])
        assert [step.step for step in steps] == ["renew", "retire"]


async def test_nothing_vouches_for_a_ca_before_it_signs(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        trust = made["n1"].daemon.company.trust
        await rotate(made["n1"], "announce")
        assert trust.held.bridge_pem == b""  # it may be taken back; a bridge cannot be
        await rotate(made["n1"], "switch")
        assert trust.held.bridge_pem


async def test_the_signer_itself_refuses_to_cut_off_members_that_have_not_renewed(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        await rotate(made["n2"], "announce")
        asker = made["n2"].daemon

        async def ask(step: str, trust: TrustList) -> TrustList:
            payload = encode(StepRequest(step, trust.digest))
            answer = decode(await asker.company.cluster.request("n1", NEXT, payload, 5), Bundle)
            return decode_trust_list(answer.trust)

        held = asker.company.trust.held.trust
        switched = await ask("switch", held)  # n2 takes nothing over, so it does not renew
        with pytest.raises(DeliveryFailed, match="still needed"):
            await ask("retire", switched)
        assert len(trusted(made["n1"])) == 2


async def test_an_announced_ca_can_be_taken_back(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        old = issuer(made["n1"])
        await rotate(made["n2"], "announce", "abandon")
        assert trusted(made["n1"]) == trusted(made["n2"]) == (old,)
        assert keys(made["n1"]) == {old}


@pytest.mark.parametrize("step", ["switch", "retire", "abandon"])
async def test_a_step_that_does_not_follow_changes_nothing(tmp_path: Path, step: str) -> None:
    async with cluster(tmp_path) as made:
        before = trusted(made["n1"])
        with pytest.raises(StateError, match=r"does not follow"):
            await rotate(made["n1"], step)
        assert trusted(made["n1"]) == before


async def test_every_member_that_signed_signs_afterwards_and_no_other(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await made.invite("n2")
        shutil.copy(made.data_dir("n1") / "certs" / "ca.key", made.data_dir("n2") / "certs" / "ca.key")
        await made.start("n2")
        await made.join("n3")
        await rotate(made["n3"])
        new = issuer(made["n1"])
        assert [keys(made[name]) for name in ("n1", "n2", "n3")] == [{new}, {new}, set()]
        await made.stop("n1")
        await made.join("n4", through="n3")  # n2 signs
        assert issuer(made["n4"]) == new


async def test_a_ca_key_is_not_handed_to_a_member_that_cannot_prove_that_it_holds_one(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        asker, wanted = made["n2"].daemon.company.cluster, issuer(made["n1"])
        stranger = Authority.create("test", made["n2"].daemon.company.trust._keeper.now)
        statement = f"n1\0n2\0{wanted}".encode()
        proofs = {
            "none": b"",
            "of another authority": stranger.endorse(Purpose.CA_KEY_WANTED, statement).signature,
        }
        for signature in proofs.values():
            request = KeyRequest(wanted, signature, wanted)
            with pytest.raises(DeliveryFailed, match="has not proved"):
                await asker.request("n1", KEY, encode(request), 5)


async def test_a_node_that_missed_the_change_says_so_and_is_let_in_again_by_a_token(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await made.stop("n3")
        await rotate(made["n1"], force=True)
        new = issuer(made["n1"])
        n3 = await made.start("n3")
        outcast = n3.daemon.company.trust._outcast
        await until(lambda: bool(outcast._said))
        await made.stop("n3")
        token, seed = await made.token("n2"), made["n2"].grpc
        await asyncio.to_thread(rejoin_cluster, made.data_dir("n3"), seed, token, [])
        n3 = await made.start("n3")
        assert issuer(n3) == new
        await call(made["n1"].local, lambda client: client.cluster.ping("n3", over_link=True, timeout_s=5))


async def test_clients_and_tokens_from_before_the_change_go_on(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2") as made:
        n1, n2 = made["n1"], made["n2"]
        ca_pem, token = n1.ca_pem, await made.token()
        await rotate(n1, "announce", "switch", "renew")
        await made.invite("n3", through="n2", token=token)
        n3 = await made.start("n3")
        assert trusted(n3) == trusted(n1)
        assert issuer(n3) == issuer(n1)
        await rotate(n1)
        for node in (n1, n2):
            assert await _health(Endpoint(node.grpc, n1.admin_token, ca_pem))
        new_ca_pem = (n1.data_dir / "certs" / "ca.crt").read_bytes()
        assert new_ca_pem != ca_pem
        assert await _health(Endpoint(n2.grpc, n1.admin_token, new_ca_pem))


async def test_two_changes_at_once_end_in_one_ca(tmp_path: Path) -> None:
    async with cluster(tmp_path) as made:
        await made.invite("n2")
        shutil.copy(made.data_dir("n1") / "certs" / "ca.key", made.data_dir("n2") / "certs" / "ca.key")
        await made.start("n2")

        async def try_rotate(name: str) -> None:
            with suppress(CaxtonError):  # it was overtaken
                await rotate(made[name])

        await asyncio.gather(try_rotate("n1"), try_rotate("n2"))
        await until(lambda: trusted(made["n1"]) == trusted(made["n2"]))
        await rotate(made["n1"])
        assert trusted(made["n1"]) == trusted(made["n2"]) == (issuer(made["n1"]),)
        assert issuer(made["n1"]) == issuer(made["n2"])


async def test_what_was_revoked_stays_revoked(tmp_path: Path) -> None:
    async with cluster(tmp_path, "n2", "n3") as made:
        await call(made["n1"].local, lambda client: client.security.revoke("n3"))
        await rotate(made["n2"])
        new = issuer(made["n2"])
        for name in ("n1", "n2"):
            listed = await call(made[name].local, lambda client: client.security.revocations())
            assert [(each.node, each.authority) for each in listed] == [("n3", new)]


async def _health(endpoint: Endpoint) -> bool:
    def ask() -> bool:
        with Client(endpoint, timeout_s=10) as client:
            return client.server.health().ready

    return await asyncio.to_thread(ask)
