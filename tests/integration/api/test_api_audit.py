"""The audit log of real nodes: what is in it, on which node, and that it is whole."""

from __future__ import annotations

import asyncio
import json

import pytest

from caxton_node.audit import verify
from caxton_node.core.errors import Forbidden, Unauthorized
from caxton_node.pb import access_pb2
from tests.support.api import Node, call, founder
from tests.support.cli import Done, caxton
from tests.support.guests import wat

pytestmark = [pytest.mark.story("037"), pytest.mark.asyncio(loop_scope="session")]
ECHO = wat("echo").encode()


async def run(node: Node, *words: str) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words)


async def records(node: Node, limit: int = 100, **conditions: str) -> list[access_pb2.AuditRecord]:
    return await call(node.local, lambda c: list(c.access.audit_records(limit=limit, **conditions)))


async def test_a_change_is_on_the_log_of_the_node_that_was_asked_and_of_the_one_that_did_it(n1, n2):
    await call(n2.local, lambda c: c.agents.deploy("audited", ECHO))
    await call(n1.remote(), lambda c: c.agents.stop("audited", node="n2"))
    (asked,) = await records(n1, operation="StopAgent", subject="audited")
    (done,) = await records(n2, operation="StopAgent", subject="audited")
    assert (asked.principal, asked.kind, asked.grants) == ("admin", "api-key", "admin")
    assert (asked.surface, asked.done_by, asked.tenant, asked.outcome) == ("grpc", "n2", "default", "OK")
    assert asked.source.startswith("ipv4:127.0.0.1")
    assert asked.elapsed_us > 0
    assert (done.via, done.surface, done.principal, done.kind) == ("n1", "mesh", "admin", "api-key")
    assert done.trace_id == asked.trace_id
    await call(n2.local, lambda c: c.agents.undeploy("audited"))


async def test_who_was_refused_is_on_the_log_and_a_read_is_not(n1):
    made = await call(n1.local, lambda c: c.access_keys.create("nosy", grants=["viewer"]))
    with pytest.raises(Forbidden):
        await call(n1.remote(made.token), lambda c: c.cluster.create_join_token())
    with pytest.raises(Unauthorized):
        await call(n1.remote("nonsense"), lambda c: c.server.health())
    await call(n1.remote(made.token), lambda c: c.server.health())
    denied = await records(n1, outcome="denied")
    assert [(each.operation, each.outcome) for each in denied[:2]] == [
        ("Health", "UNAUTHORIZED"),
        ("CreateJoinToken", "FORBIDDEN"),
    ]
    assert (denied[0].principal, denied[1].principal, denied[1].grants) == ("", "nosy", "viewer")
    assert not [each for each in await records(n1, principal="nosy") if each.operation == "Health"]


async def test_what_was_given_to_whom_is_on_the_log_and_no_secret_is(n1):
    await call(n1.local, lambda c: c.access.put_role("logged", ["agents.read", "keys.read"]))
    await call(n1.local, lambda c: c.access.assign("eve", "logged", kind="jwt", tenant="acme"))
    made = await call(n1.local, lambda c: c.access_keys.create("secretive", grants=["logged"]))
    (put,) = await records(n1, operation="PutRole", subject="logged")
    (assigned,) = await records(n1, operation="AssignRole", subject="eve", outcome="OK")
    (created,) = await records(n1, operation="CreateApiKey", subject="secretive")
    assert dict(put.detail) == {"permissions": "agents.read, keys.read", "role": "logged"}
    assert (dict(assigned.detail), assigned.tenant) == ({"kind": "jwt", "role": "logged"}, "acme")
    assert dict(created.detail) == {"grants": "logged"}
    files = b"".join(path.read_bytes() for path in (n1.data_dir / "audit").iterdir())
    secret = made.token.split("_")[2]
    assert secret.encode() not in files
    await call(n1.local, lambda c: c.access.unassign("eve", "logged", kind="jwt", tenant="acme"))


async def test_any_node_verifies_the_log_of_any_other(n1, n2):
    verdict = await call(n1.local, lambda c: c.access.verify_audit(node="n2"))
    assert verdict.whole
    assert verdict.records > 0
    assert verify(n2.data_dir / "audit").last_hash == verdict.last_hash


async def test_the_commands_list_and_verify(n1):
    listed = await run(n1, "security", "audit", "list", "--limit", "3", "-o", "json")
    assert len(json.loads(listed.out)) == 3
    whole = await run(n1, "security", "audit", "verify")
    assert (whole.code, whole.out.split()[:2]) == (0, ["whole", "yes"])


async def test_reads_are_on_the_log_when_that_is_asked_for_and_the_log_outlives_a_restart(tmp_path):
    async with founder(tmp_path / "n", "n", "security.audit_reads=true") as node:
        await call(node.local, lambda c: list(c.agents.list()))
        (read,) = await records(node, operation="ListAgents")
        assert (read.principal, read.kind, read.outcome) == ("local", "socket", "OK")
    verdict = verify(tmp_path / "n" / "audit")
    assert verdict.is_whole
    assert verdict.last_seq >= 2
