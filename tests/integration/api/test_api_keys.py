"""Gossip keys through the API and the shell."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress

import pytest

from caxton_node.core.errors import Forbidden, InvalidArgument, NotFound, StateError
from caxton_node.observability import configure_logs
from caxton_node.security import Role
from tests.support.api import call, founder
from tests.support.cli import Done, caxton
from tests.support.meshes import until

pytestmark = [pytest.mark.story("018"), pytest.mark.asyncio(loop_scope="session")]


async def run(node, *words, **options) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, "cluster", "keys", *words, **options)


def rings(client):
    return {node.node: list(node.key_ids) for node in client.cluster.gossip_keys()}


async def test_keys_are_rotated_through_any_node_and_every_step_tells_of_every_member(n1, n2):
    before = await call(n1.local, rings)
    steps = await call(n2.local, lambda client: list(client.cluster.rotate_keys()), timeout_s=20)
    assert [step.step for step in steps] == ["install", "use", "remove"]
    assert all([(node.node, node.error) for node in step.nodes] == [("n1", ""), ("n2", "")] for step in steps)
    after = await call(n1.local, rings)
    assert after == {"n1": [steps[0].key_id], "n2": [steps[0].key_id]}
    assert before["n1"] != after["n1"]
    nodes = await call(n1.local, lambda client: client.cluster.gossip_keys())
    assert {(node.state, node.encryption, node.unopened) for node in nodes} == {("current", "required", 0)}
    key_line = (n1.data_dir / "gossip.key").read_text()
    assert key_line == (n2.data_dir / "gossip.key").read_text()


async def test_the_shell_installs_uses_and_removes_a_key_and_never_shows_one(n1, n2):
    key = "5a" * 32
    first = json.loads((await run(n1, "list", "-o", "json")).out)[0]["key_ids"][0]
    installed = await run(n1, "install", "--from-file", "-", stdin=key)
    assert installed.code == 0, installed.err
    new = installed.out.split()[1]
    assert installed.out.splitlines() == [
        f"key {new} opens on 2 of 2 members",
        f"  n1  seals with {first}, opens {new} too",
        f"  n2  seals with {first}, opens {new} too",
    ]
    listed = await run(n2, "list")
    assert listed.out.splitlines()[1].split() == ["n1", first, new, "current", "required"]
    assert "a rotation may be unfinished" in listed.err
    used = await run(n2, "use", new)
    assert used.out.startswith(f"key {new} seals on 2 of 2 members")
    removed = await run(n1, "remove", first)
    assert removed.out.startswith(f"old keys are gone from 2 of 2 members; {new} seals")
    assert all(key not in done.out + done.err for done in (installed, listed, used, removed))
    assert (n2.data_dir / "gossip.key").read_text().splitlines()[1:] == [key]


async def test_what_makes_no_sense_is_refused_in_words(n1):
    with pytest.raises(NotFound, match="no gossip key 12345678"):
        await call(n1.local, lambda client: list(client.cluster.use_key("12345678")))
    with pytest.raises(InvalidArgument, match="32 bytes"):
        await call(n1.local, lambda client: list(client.cluster.install_key(b"short")))
    refused = await run(n1, "install", "--from-file", "-", stdin="no key")
    assert (refused.code, "openssl rand -hex 32" in refused.err) == (2, True)


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_only_an_admin_changes_keys_and_others_may_look(n1, role):
    token = await n1.daemon.store.tokens.issue_api_token(env="test", client="eve", role=role)
    for change in ("rotate_keys", "install_key"):
        with pytest.raises(Forbidden):
            await call(
                n1.remote(token), lambda client, change=change: list(getattr(client.cluster, change)())
            )
    assert await call(n1.remote(token), rings)


@pytest.mark.parametrize(
    ("encryption", "says"),
    [("accept-plain", "plain gossip is believed too"), ("off", "NOT SEALED")],
)
async def test_a_node_that_does_without_encryption_says_so_wherever_one_looks(tmp_path, encryption, says):
    async with founder(tmp_path / "n1", "n1", f"swim.encryption={encryption}") as node:
        status = await asyncio.to_thread(caxton, "--data-dir", node.data_dir, "cluster", "status")
        assert says in status.out
        listed = await run(node, "list")
        assert encryption in listed.out
        assert "gossip that is not sealed is believed by n1" in listed.err


@pytest.mark.parametrize("text", ["", "\n", "5a" * 31])
async def test_what_is_no_key_is_not_taken_for_the_wish_for_a_new_one(n1, text):
    before = await call(n1.local, rings)
    refused = await run(n1, "install", "--from-file", "-", stdin=text)
    assert (refused.code, "this is no key" in refused.err) == (2, True)
    assert await call(n1.local, rings) == before


async def test_an_unknown_key_has_a_code_of_its_own(n1):
    refused = await run(n1, "use", "deadbeef", "-o", "json")
    assert json.loads(refused.err)["error"]["code"] == "GOSSIP_KEY_NOT_FOUND"


async def test_the_audit_log_names_the_key_and_says_when_a_change_was_cut_off(n1, capfd):
    configure_logs(level="info", format="json")
    with pytest.raises(NotFound):
        await call(n1.local, lambda client: list(client.cluster.use_key("deadbeef")))
    await call(n1.local, lambda client: next(iter(client.cluster.rotate_keys())), timeout_s=20)
    audited: list[dict[str, object]] = []

    def has_ended() -> bool:
        lines = capfd.readouterr().err.splitlines()
        audited.extend(json.loads(line) for line in lines if '"package":"audit"' in line)
        return any(line["event"] == "RotateKeys" for line in audited)

    await until(has_ended)
    keys = [line for line in audited if line["event"] in {"UseKey", "RotateKeys"}]
    assert [(line["event"], line["subject"], line["outcome"]) for line in keys] == [
        ("UseKey", "deadbeef", "GOSSIP_KEY_NOT_FOUND"),
        ("RotateKeys", "", "CANCELLED"),
    ]
    for _ in range(20):  # what was cut off may still be on its way to the others
        with suppress(StateError):
            await call(n1.local, lambda client: list(client.cluster.rotate_keys()), timeout_s=20)
            return
    raise AssertionError("after a rotation that was cut off the keys cannot be changed any more")
