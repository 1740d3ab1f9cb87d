import stat

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from caxton_node.api.operations import OPERATIONS
from caxton_node.client import Client, Endpoint
from caxton_node.core.errors import CaxtonError, Forbidden, PortInUse, Unauthorized, Unavailable
from caxton_node.observability import configure_logs
from caxton_node.security import Role
from caxton_node.security.rbac import ROLES
from tests.support.api import call, founder, running
from tests.support.certificates import Pki

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]


async def test_the_admin_token_opens_the_tls_port(n1):
    health = await call(n1.remote(), lambda client: client.server.health())
    assert health.ready
    assert {check.name for check in health.checks} >= {"storage", "cluster", "agents"}


@pytest.mark.parametrize("token", ["", "nonsense", "cax_prod_0123456789abcdef0123456789abcdef01234567_eve"])
async def test_without_a_good_token_nothing_is_answered(n1, token):
    with pytest.raises(Unauthorized) as caught:
        await call(n1.remote(token), lambda client: list(client.agents.list()))
    assert caught.value.hint


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
async def test_a_role_may_do_what_its_row_says_and_nothing_else(n1, role):
    token = await n1.daemon.store.tokens.issue_api_token(env="test", client="eve", role=role)

    def try_all(client: Client) -> dict[str, str]:
        outcomes = {}
        for operation in OPERATIONS:
            if operation.permission is None or operation.streams or operation.permission in ROLES[role]:
                continue
            try:
                client._channel.call(operation.method, operation.request(), operation.response, timeout_s=5)
            except CaxtonError as err:
                outcomes[operation.name] = type(err).__name__
            else:
                outcomes[operation.name] = "done"
        return outcomes

    outcomes = await call(n1.remote(token), try_all)
    assert "Leave" in outcomes
    assert set(outcomes.values()) == {Forbidden.__name__}


async def test_a_stream_is_guarded_like_a_call(n1):
    with pytest.raises(Unauthorized):
        await call(n1.remote(""), lambda client: next(client.cluster.watch()))


async def test_a_client_that_trusts_another_authority_does_not_send_its_token(n1):
    foreign = Endpoint(n1.grpc, n1.admin_token, Pki("elsewhere").authority.certificate_pem)
    with pytest.raises(Unavailable, match="no node answers") as caught:
        await call(foreign, lambda client: client.server.health())
    assert "--ca" in caught.value.hint


async def test_the_socket_is_for_the_user_of_the_node_alone(n1):
    path = n1.data_dir / "caxton.sock"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_health_and_reflection_are_the_standard_services(n1):
    credentials = grpc.ssl_channel_credentials(n1.ca_pem)
    async with grpc.aio.secure_channel(n1.grpc, credentials) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        request = health_pb2.HealthCheckRequest(service="caxton.v1.CaxtonManagement")
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING
        reflection = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
        async for answer in reflection.ServerReflectionInfo(asked):
            names = {service.name for service in answer.list_services_response.service}
    assert names >= {"caxton.v1.CaxtonManagement", "caxton.v1.ClusterService", "grpc.health.v1.Health"}


async def test_a_method_that_does_not_exist_is_unimplemented(n1):
    async with grpc.aio.insecure_channel(f"unix:{n1.data_dir}/caxton.sock") as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary("/caxton.v1.CaxtonManagement/Nonsense")(b"")
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_a_second_node_on_the_same_port_or_directory_is_told_what_to_do(n1, tmp_path):
    port = n1.grpc.rpartition(":")[2]
    with pytest.raises(PortInUse, match=f":{port}") as caught:
        async with founder(tmp_path / "other", "other", f"grpc.port={port}"):
            pass
    assert "grpc.port" in caught.value.hint
    with pytest.raises(CaxtonError):
        async with running(n1.data_dir):
            pass
    assert (await call(n1.local, lambda client: client.server.health())).ready


async def test_audited_calls_and_refusals_are_in_the_audit_log(n1, capfd):
    configure_logs(level="info", format="json")
    await call(n1.remote(), lambda client: client.cluster.create_join_token())
    with pytest.raises(Unauthorized):
        await call(n1.remote("bad"), lambda client: client.server.health())
    await call(n1.remote(), lambda client: client.server.health())
    lines = [line for line in capfd.readouterr().err.splitlines() if '"package":"audit"' in line]
    assert len(lines) == 2
    assert '"event":"CreateJoinToken"' in lines[0]
    assert '"principal":"admin"' in lines[0]
    assert '"outcome":"UNAUTHORIZED"' in lines[1]
    assert n1.admin_token not in "".join(lines)
