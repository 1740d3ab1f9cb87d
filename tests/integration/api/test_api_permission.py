"""Roles, assignments and tenants on two real nodes: in force everywhere at once, for calls and streams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Iterator

import pytest
import pytest_asyncio

from caxton_node.api.operations import BY_METHOD
from caxton_node.client import Client, Endpoint
from caxton_node.core.errors import CaxtonError, Forbidden, NotFound
from caxton_node.pb import messages_pb2
from caxton_node.security import hash_token
from tests.support.api import Node, call
from tests.support.cli import Done, caxton
from tests.support.data_plane import until
from tests.support.guests import wat

pytestmark = [pytest.mark.story("024"), pytest.mark.asyncio(loop_scope="session")]
ECHO = wat("echo").encode()


async def key_for(node: Node, name: str, *grants: str) -> str:
    """Make an API key of the cluster."""
    made = await call(node.local, lambda client: client.access_keys.create(name, grants=grants))
    return made.token


async def guest(node: Node) -> str:
    """Return a role that allows next to nothing."""
    await call(node.local, lambda client: client.access.put_role("guest", ["keys.read"]))
    return "guest"


async def assigned(node: Node, name: str) -> None:
    """Wait until a node has heard of an assignment."""
    book = node.daemon.judgement.access.book
    await until(lambda: any(holder.name == name for holder, _ in book.assignments()))


def refusal(endpoint: Endpoint, work) -> CaxtonError | None:
    """Return what a call is refused with."""
    with Client(endpoint, timeout_s=10) as client:
        try:
            work(client)
        except CaxtonError as err:
            return err
    return None


async def refused(endpoint: Endpoint, work) -> CaxtonError | None:
    return await asyncio.to_thread(refusal, endpoint, work)


async def test_a_custom_role_is_in_force_on_every_node_and_changes_while_it_is_used(n1, n2):
    await call(n1.local, lambda client: client.access.put_role("auditor", ["keys.read"]))
    token = await key_for(n1, "auditor", "auditor")
    await until(lambda: n2.daemon.knowledge.registry.find_entry("token", hash_token(token)) is not None)
    assert isinstance(await refused(n2.remote(token), lambda c: c.access.roles()), Forbidden)
    await call(n1.local, lambda client: client.access.put_role("auditor", ["security.read"]))
    book = n2.daemon.judgement.access.book
    await until(lambda: "security.read" in book.permissions("auditor"))
    roles = await call(n2.remote(token), lambda client: client.access.roles())
    assert [role.role for role in roles if role.built_in] == ["viewer", "developer", "operator", "admin"]
    await call(n2.local, lambda client: client.access.put_role("auditor", ["metrics.read"], note="less"))
    first = n1.daemon.judgement.access.book
    await until(lambda: first.find_custom("auditor").note == "less")
    assert isinstance(await refused(n1.remote(token), lambda c: c.access.roles()), Forbidden)
    await call(n1.local, lambda client: client.access.delete_role("auditor", force=True))
    await until(lambda: not book.is_known("auditor"))
    assert isinstance(await refused(n2.remote(token), lambda c: c.server.health()), Forbidden)


async def test_what_is_assigned_by_name_holds_for_calls_that_another_node_must_do(n1, n2):
    token = await key_for(n1, "nobody-yet", await guest(n1))
    on_other = lambda client: client.server.health(node="n2")  # noqa: E731
    assert isinstance(await refused(n1.remote(token), on_other), Forbidden)
    await call(n1.local, lambda client: client.access.assign("nobody-yet", "viewer"))
    await assigned(n2, "nobody-yet")
    assert (await call(n1.remote(token), on_other)).node_id == "n2"
    await call(n2.local, lambda client: client.access.unassign("nobody-yet", "viewer"))
    book = n1.daemon.judgement.access.book
    await until(lambda: not book.holders("viewer"))
    assert isinstance(await refused(n1.remote(token), on_other), Forbidden)


async def test_nobody_gives_or_takes_what_it_has_not_got(n1):
    await call(n1.local, lambda c: c.access.put_role("clerk", ["security.write", "agents.read"]))
    clerk = n1.remote(await key_for(n1, "clerk", "clerk"))
    for work in (
        lambda c: c.access.put_role("mine", ["cluster.write"]),
        lambda c: c.access.put_role("clerk", ["security.write", "agents.write"]),
        lambda c: c.access.assign("clerk", "admin"),
        lambda c: c.access.assign("clerk", "viewer"),
        lambda c: c.access_keys.create("friend", grants=["admin"]),
        lambda c: c.access_keys.create("friend", grants=["clerk", "viewer@acme"]),
    ):
        assert isinstance(await refused(clerk, work), Forbidden)
    await call(clerk, lambda c: c.access.put_role("reader", ["agents.read"]))
    await call(clerk, lambda c: c.access.assign("friend", "reader"))
    with pytest.raises(CaxtonError, match="assigned to api-key friend") as caught:
        await call(clerk, lambda c: c.access.delete_role("reader"))
    assert "code ROLE_IN_USE" in caught.value.__notes__
    left = await call(clerk, lambda c: c.access.delete_role("reader", force=True))
    assert [each.unknown_role for each in left.assignments] == [False]
    found = await call(n1.local, lambda c: list(c.access.assignments(role="reader")))
    assert [each.unknown_role for each in found] == [True]
    await call(n1.local, lambda c: c.access.unassign("friend", "reader"))
    with pytest.raises(CaxtonError, match=r"the API key .* of clerk"):
        await call(n1.local, lambda c: c.access.delete_role("clerk"))
    await call(n1.local, lambda c: c.access.delete_role("clerk", force=True))


@pytest.mark.parametrize("role", ["admin", "viewer"])
async def test_a_built_in_role_stays_what_it_is(n1, role):
    for work in (lambda c: c.access.put_role(role, ["agents.read"]), lambda c: c.access.delete_role(role)):
        with pytest.raises(CaxtonError, match="built in"):
            await call(n1.local, work)


async def test_a_role_that_there_is_not_cannot_be_assigned(n1):
    with pytest.raises(NotFound, match="no role nonsense"):
        await call(n1.local, lambda c: c.access.assign("eve", "nonsense"))


@pytest_asyncio.fixture(loop_scope="session")
async def acme(n1, n2) -> Endpoint:
    """Return the way of a developer of the tenant acme."""
    return n1.remote(await key_for(n1, "acme-dev", "developer@acme"))


async def test_a_tenants_developer_lives_in_that_tenant_alone(n1, n2, acme):
    await call(n2.local, lambda c: c.agents.deploy("globex/secret", ECHO))
    await call(acme, lambda c: c.agents.deploy("acme/worker", ECHO))
    try:
        await until(lambda: n1.daemon.knowledge.registry.has_instances("globex/secret"))
        names = await call(acme, lambda c: [agent.name for agent in c.agents.list()])
        assert names == ["acme/worker"]
        reply = await call(acme, lambda c: c.messages.send("acme/worker", b'"hello"'))
        assert reply.reply.content == b'"hello"'
        there = await refused(acme, lambda c: c.agents.get("globex/secret"))
        nowhere = await refused(acme, lambda c: c.agents.get("globex/nothing"))
        assert isinstance(there, Forbidden)
        assert (str(there), there.code) == (str(nowhere), nowhere.code)
        for work in (
            lambda c: c.agents.stop("globex/secret"),
            lambda c: c.agents.undeploy("globex/secret"),
            lambda c: c.agents.deploy("globex/mine", ECHO),
            lambda c: c.agents.deploy("acme/boss", ECHO, manages=["globex/*"]),
            lambda c: c.messages.send("globex/secret", b"x"),
            lambda c: c.messages.send("acme/worker", b"x", also_to=["globex/secret"]),
            lambda c: next(c.messages.subscribe(["globex/secret"])),
            lambda c: next(c.messages.subscribe([])),
            lambda c: c.server.health(),
        ):
            assert isinstance(await refused(acme, work), Forbidden)
    finally:
        await call(n2.local, lambda c: c.agents.undeploy("globex/secret"))
        await call(n1.local, lambda c: c.agents.undeploy("acme/worker"))


async def test_whoever_decides_what_an_agent_does_must_be_able_to_do_it_with_those_it_manages(n1, acme):
    await call(n1.local, lambda c: c.agents.deploy("acme/chief", ECHO, manages=["globex/*"]))
    await call(n1.local, lambda c: c.deployments.create("acme/chiefs", ECHO, manages=["globex/*"]))
    try:
        for work in (
            lambda c: c.agents.update("acme/chief", module=ECHO, version="2.0.0"),
            lambda c: c.agents.update("acme/chief", config={"target": "globex/secret"}),
            lambda c: c.agents.update("acme/chief", capabilities=["http"]),
            lambda c: c.deployments.update("acme/chiefs", module=ECHO, version="2.0.0"),
            lambda c: c.deployments.update("acme/chiefs", config={"target": "globex/secret"}),
            lambda c: c.deployments.update("acme/chiefs", capabilities=["http"]),
        ):
            error = await refused(acme, work)
            assert isinstance(error, Forbidden)
            assert "agents.write in globex" in str(error)
        left = await call(n1.local, lambda c: c.agents.get("acme/chief"))
        assert (left.version, list(left.detail.manages)) == ("1.0.0", ["globex/*"])
        await call(acme, lambda c: c.deployments.update("acme/chiefs", replicas=2))
        await call(acme, lambda c: c.agents.update("acme/chief", version="2.0.0", config={}, manages=[]))
        await call(n1.local, lambda c: c.agents.update("acme/chief", config={"a": 1}, manages=["globex/*"]))
        await call(n1.local, lambda c: c.agents.update("acme/chief", config={"a": 2}))
    finally:
        await call(n1.local, lambda c: c.deployments.delete("acme/chiefs"))
        await call(n1.local, lambda c: c.agents.undeploy("acme/chief"))


@pytest.mark.parametrize(
    "method",
    [
        "ListConversations",
        "GetConversation",
        "WhereIsMessage",
        "TraceMessage",
        "ListDeadLetters",
        "GetDeadLetter",
    ],
)
async def test_what_is_named_by_an_id_is_not_for_one_tenant(n1, acme, method):
    operation = BY_METHOD[f"CaxtonManagement/{method}"]
    ask = lambda c: c._channel.call(operation.method, operation.request(), operation.response, timeout_s=5)  # noqa: E731
    error = await refused(acme, ask)
    assert isinstance(error, Forbidden)
    assert "more than one tenant" in error.hint


def follow(endpoint: Endpoint, agents: list[str]) -> Iterator[messages_pb2.MessageEvent]:
    with Client(endpoint) as client:
        yield from client.messages.subscribe(agents)


async def ends_within_a_second(endpoint: Endpoint, n1: Node, end) -> CaxtonError:
    """Follow something silent, take the right away, and return why and how soon the stream has ended."""
    following = asyncio.create_task(asyncio.to_thread(lambda: next(follow(endpoint, ["acme/silent"]), None)))
    occupancy = n1.daemon.ground.limits.occupancy
    await until(lambda: occupancy.total > 0)
    await end()
    started_at = time.monotonic()
    with pytest.raises(CaxtonError) as caught:
        await asyncio.wait_for(following, 10)
    assert time.monotonic() - started_at < 5  # a second by itself; the machine may be busy
    return caught.value


async def test_a_silent_stream_ends_when_its_caller_loses_the_permission(n1):
    token = await key_for(n1, "listener", await guest(n1))
    await call(n1.local, lambda c: c.access.assign("listener", "viewer", tenant="acme"))

    async def take() -> None:
        await call(n1.local, lambda c: c.access.unassign("listener", "viewer", tenant="acme"))

    error = await ends_within_a_second(n1.remote(token), n1, take)
    assert error.code == "FORBIDDEN"


async def test_a_silent_stream_ends_when_the_key_of_its_caller_is_revoked(n1):
    made = await call(n1.local, lambda c: c.access_keys.create("leaver", grants=["viewer@acme"]))

    async def revoke() -> None:
        await call(n1.local, lambda c: c.access_keys.revoke(made.key.key_id))

    error = await ends_within_a_second(n1.remote(made.token), n1, revoke)
    assert error.code == "UNAUTHORIZED"


async def test_a_silent_stream_ends_when_the_key_of_its_caller_expires(n1):
    made = await call(n1.local, lambda c: c.access_keys.create("brief", grants=["viewer@acme"], lifetime_s=2))

    async def wait() -> None:
        await until(lambda: time.time() >= made.key.expires_unix_s)

    error = await ends_within_a_second(n1.remote(made.token), n1, wait)
    assert error.code == "UNAUTHORIZED"


async def test_can_answers_for_oneself_and_says_why(n1, acme):
    yes = await call(acme, lambda c: c.access.can("DeployAgent", tenant="acme"))
    assert (yes.allowed, yes.permission, yes.why) == (True, "agents.write", "developer@acme has agents.write")
    no = await call(acme, lambda c: c.access.can("agents.write"))
    assert not no.allowed
    assert no.why == "it needs agents.write everywhere, and developer@acme has it in acme alone"
    assert list(no.roles) == ["developer", "operator", "admin"]
    assert (await call(acme, lambda c: c.access.can("whoami"))).allowed
    with pytest.raises(CaxtonError, match="neither a permission nor an operation"):
        await call(acme, lambda c: c.access.can("Fly"))


async def test_to_ask_about_another_takes_a_permission(n1, acme):
    assert isinstance(await refused(acme, lambda c: c.access.can("agents.read", principal="eve")), Forbidden)
    answer = await call(n1.local, lambda c: c.access.can("agents.write", principal="acme-dev", tenant="acme"))
    assert answer.allowed
    assert "developer@acme" in answer.grants


async def test_a_tenants_administrator_gives_roles_there_and_sees_no_others(n1):
    boss = n1.remote(await key_for(n1, "acme-boss", "admin@acme"))
    await call(boss, lambda c: c.access.assign("helper", "viewer", tenant="acme"))
    await call(n1.local, lambda c: c.access.assign("helper", "viewer", tenant="globex"))
    try:
        found = await call(boss, lambda c: list(c.access.assignments(tenant="acme")))
        assert [each.tenant for each in found] == ["acme"]
        shown = await call(boss, lambda c: c.access.role("viewer"))
        assert [each.tenant for each in shown.assignments] == ["acme"]
        for work in (
            lambda c: list(c.access.assignments()),
            lambda c: c.access.assign("helper", "viewer", tenant="globex"),
            lambda c: c.access.assign("helper", "viewer"),
            lambda c: c.access.put_role("mine", ["agents.read"]),
        ):
            assert isinstance(await refused(boss, work), Forbidden)
    finally:
        await call(n1.local, lambda c: c.access.unassign("helper", "viewer", tenant="globex"))
        await call(boss, lambda c: c.access.unassign("helper", "viewer", tenant="acme"))


async def test_can_tells_a_tenants_administrator_nothing_of_other_tenants(n1):
    boss = n1.remote(await key_for(n1, "acme-asks", "admin@acme"))
    await key_for(n1, "roving", "operator@globex", "viewer@acme")
    await key_for(n1, "highest", "operator")
    roving = await call(boss, lambda c: c.access.can("agents.write", tenant="acme", principal="roving"))
    assert (roving.allowed, list(roving.grants)) == (False, ["viewer@acme"])
    assert roving.why == "it needs agents.write in acme, and no grant has that"
    highest = await call(boss, lambda c: c.access.can("agents.write", tenant="acme", principal="highest"))
    assert (highest.allowed, list(highest.grants)) == (True, [])
    assert highest.why == "a grant for more tenants than you may read about has agents.write"
    known = await call(n1.local, lambda c: c.access.can("agents.write", tenant="acme", principal="roving"))
    assert list(known.grants) == ["operator@globex", "viewer@acme"]


async def test_a_key_that_is_good_no_more_allows_nothing(n1):
    made = await call(n1.local, lambda c: c.access_keys.create("former", grants=["operator"]))
    ask = lambda c: c.access.can("agents.write", principal="former")  # noqa: E731
    assert (await call(n1.local, ask)).allowed
    await call(n1.local, lambda c: c.access_keys.revoke(made.key.key_id))
    answer = await call(n1.local, ask)
    assert (answer.allowed, list(answer.grants)) == (False, [])


# -- the shell ----------------------------------------------------------------------------------------------


async def test_roles_are_made_given_taken_and_let_go_in_the_shell(n1):
    def run(*words: str) -> Awaitable[Done]:
        return asyncio.to_thread(caxton, "--data-dir", n1.data_dir, "security", *words)

    made = await run("roles", "put", "shell-role", "-p", "agents.read", "-p", "keys.read", "--note", "a try")
    assert (made.code, made.out) == (0, "shell-role is made: agents.read, keys.read\n")
    assert (await run("roles", "assign", "Bob", "shell-role", "--kind", "jwt", "--tenant", "acme")).code == 0
    listed = await run("roles", "assignments", "--role", "shell-role")
    assert [line.split() for line in listed.out.splitlines()] == [
        ["KNOWN", "BY", "NAME", "ROLE", "WHERE"],
        ["jwt", "Bob", "shell-role", "acme"],
    ]
    asked = await run("can", "GetAgentKey", "--as", "Bob", "--kind", "jwt", "--tenant", "acme")
    assert (asked.code, asked.out.splitlines()[0].split()) == (0, ["allowed", "yes"])
    refused = await run("can", "agents.read", "--as", "Bob", "--kind", "jwt")
    assert refused.code == 4
    assert "shell-role@acme has it in acme alone" in refused.out
    in_use = await run("roles", "delete", "shell-role")
    assert (in_use.code, "assigned to jwt Bob" in in_use.err) == (1, True)
    assert (
        await run("roles", "unassign", "Bob", "shell-role", "--kind", "jwt", "--tenant", "acme")
    ).code == 0
    assert (await run("roles", "delete", "shell-role")).code == 0
    assert (await run("roles", "show", "shell-role")).code == 3
