"""Limits of calls on a real node: refused on the wire, changed while it runs, the same on every node."""

import asyncio

import grpc
import pytest
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2

from caxton_node.api.grpc.handler import DETAILS_KEY
from caxton_node.core.errors import InvalidArgument, NotFound, RateLimited, RequestTooLarge
from caxton_node.pb import management_pb2 as pb
from caxton_node.security import Role
from tests.support.api import call
from tests.support.cli import caxton
from tests.support.data_plane import until

pytestmark = [pytest.mark.story("030"), pytest.mark.asyncio(loop_scope="session")]

HEALTH = "CaxtonManagement.Health"


async def a_client(node, name):
    """Return an endpoint for a client of its own, so that no other test's calls count."""
    token = await node.daemon.store.tokens.issue_api_token(env="test", client=name, role=Role.ADMIN)
    return node.remote(token)


async def test_a_client_that_calls_too_often_is_told_when_to_come_again(n1):
    endpoint = await a_client(n1, "greedy")
    limits = "api-key:greedy"
    await call(n1.local, lambda c: c.limits.set(HEALTH, calls=2, per_s=60, client=limits))
    try:
        for _ in range(2):
            await call(endpoint, lambda c: c.server.health())
        with pytest.raises(RateLimited, match="greedy") as caught:
            await call(endpoint, lambda c: c.server.health())
        assert 0 < caught.value.retry_after_s <= 30
        assert await call(endpoint, lambda c: list(c.agents.list())) is not None  # another operation
        assert (await call(n1.local, lambda c: c.server.health())).node_id == "n1"  # another client
    finally:
        await call(n1.local, lambda c: c.limits.reset(HEALTH, client=limits))
    await call(endpoint, lambda c: c.server.health())


async def test_what_a_limit_has_turned_away_does_not_fill_the_audit_log(n1):
    """The call that was let in is in it, refused as it was."""
    endpoint = await a_client(n1, "writer")
    limits, operation = "api-key:writer", "AccessService.DeleteRole"
    await call(n1.local, lambda c: c.limits.set(operation, calls=1, per_s=60, client=limits))
    try:
        with pytest.raises(NotFound):
            await call(endpoint, lambda c: c.access.delete_role("nobodys"))
        for _ in range(3):
            with pytest.raises(RateLimited):
                await call(endpoint, lambda c: c.access.delete_role("nobodys"))
    finally:
        await call(n1.local, lambda c: c.limits.reset(operation, client=limits))
    found = await call(n1.local, lambda c: list(c.access.audit_records(principal="writer", limit=9)))
    assert [(each.operation, each.outcome) for each in found] == [("DeleteRole", "ROLE_NOT_FOUND")]


async def test_generic_clients_find_the_time_in_the_status(n1):
    endpoint = await a_client(n1, "generic")
    limits = "api-key:generic"
    await call(n1.local, lambda c: c.limits.set(HEALTH, calls=1, per_s=60, client=limits))
    try:
        async with grpc.aio.secure_channel(n1.grpc, grpc.ssl_channel_credentials(n1.ca_pem)) as channel:
            ask = channel.unary_unary(
                "/caxton.v1.CaxtonManagement/Health",
                request_serializer=pb.HealthRequest.SerializeToString,
                response_deserializer=pb.HealthResponse.FromString,
            )
            metadata = (("authorization", f"Bearer {endpoint.token}"),)
            await ask(pb.HealthRequest(), metadata=metadata)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await ask(pb.HealthRequest(), metadata=metadata)
    finally:
        await call(n1.local, lambda c: c.limits.reset(HEALTH, client=limits))
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    details = dict(caught.value.trailing_metadata())[DETAILS_KEY]
    status = status_pb2.Status.FromString(details)
    assert 50_000 < _retry_ms(status.details) <= 60_001


def _retry_ms(details: list[Any]) -> int:
    retry = error_details_pb2.RetryInfo()
    (packed,) = (one for one in details if one.Is(retry.DESCRIPTOR))
    packed.Unpack(retry)
    return retry.retry_delay.ToMilliseconds()


async def test_a_limit_is_the_same_on_every_node(n1, n2):
    await call(n1.local, lambda c: c.limits.set("watch", calls=7, per_s=60, burst=3))
    await until(lambda: "watch" in n2.daemon.ground.limits.in_force)
    (found,) = [
        one for one in (await call(n2.local, lambda c: c.limits.list())).limits if one.scope == "watch"
    ]
    assert (found.calls, found.per_s, found.burst, found.set_by) == (7, 60, 3, "local")
    assert n2.daemon.ground.limits.in_force["watch"].burst == 3
    await call(n2.local, lambda c: c.limits.reset("watch"))
    await until(lambda: "watch" not in n1.daemon.ground.limits.in_force)


@pytest.mark.parametrize(
    ("scope", "client", "calls"),
    [("local", "", 1), ("nonsense", "", 1), ("node", "api-key:x", 1), ("client", "x", 1), ("client", "", -1)],
)
async def test_what_makes_no_sense_is_refused(n1, scope, client, calls):
    with pytest.raises(InvalidArgument) as caught:
        await call(n1.local, lambda c: c.limits.set(scope, calls=calls, client=client))
    assert caught.value.hint


async def test_what_nobody_has_set_cannot_be_reset(n1):
    with pytest.raises(NotFound):
        await call(n1.local, lambda c: c.limits.reset("write"))


async def test_a_request_beyond_its_class_is_refused(n1):
    with pytest.raises(RequestTooLarge):
        await call(n1.local, lambda c: c.server.health(node="n" * 300_000))


async def test_calls_that_are_over_leave_nothing_behind(n1):
    endpoint = await a_client(n1, "guest")
    stream = await call(endpoint, lambda c: next(c.cluster.watch()))
    assert stream.member.node_id
    await call(endpoint, lambda c: c.server.health())
    await until(lambda: n1.daemon.ground.limits.occupancy.total == 0)


async def test_limits_are_set_and_shown_from_the_shell(n1):
    async def run(*words):
        return await asyncio.to_thread(caxton, "--data-dir", n1.data_dir, "limit", *words)

    done = await run("set", "send", "5/min", "--burst", "2", "--client", "api-key:slow")
    assert (done.code, done.out) == (0, "send for api-key:slow is 5/min from now on, on every node\n")
    listed = (await run("list")).out.splitlines()
    assert listed[0].split() == ["SCOPE", "CLIENT", "RATE", "BURST", "SOURCE"]
    rows = [line.split() for line in listed]
    assert ["send", "api-key:slow", "5/min", "2", "set"] in rows
    assert ["client", "-", "1000/min", "1000", "config"] in rows
    assert ["local", "-", "10000/s", "20000", "config"] in rows
    done = await run("reset", "send", "--client", "api-key:slow")
    assert (done.code, done.out) == (0, "send for api-key:slow is gone again\n")
    done = await run("set", "client", "often")
    assert (done.code, "10/min" in done.err) == (2, True)


async def test_refusals_are_counted_by_kind_and_class(n1):
    endpoint = await a_client(n1, "counted")
    await call(n1.local, lambda c: c.limits.set("read", calls=1, per_s=60, client="api-key:counted"))

    def metrics(client):
        found = client.server.metrics(prefix="caxton_rate_limited")
        return {tuple(sorted(s.labels.items())): s.value for metric in found for s in metric.samples}

    key = (("rate", "read"), ("scope", "class"))
    before = (await call(n1.local, metrics)).get(key, 0)
    await call(endpoint, lambda c: c.server.health())
    for _ in range(2):
        with pytest.raises(RateLimited):
            await call(endpoint, lambda c: c.server.health())
    await call(n1.local, lambda c: c.limits.reset("read", client="api-key:counted"))
    assert (await call(n1.local, metrics))[key] == before + 2
