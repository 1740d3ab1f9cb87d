"""What a node says it listens on can be used as it stands."""

import socket

import pytest

from caxton_node.client.endpoint import choose_endpoint
from tests.support.api import call, founder

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")
async def test_ipv6_addresses_are_told_in_brackets(tmp_path):
    async with founder(tmp_path / "n1", "n1", "grpc.host=::1", "rest.host=::1") as node:
        listening = node.daemon.listening()
        assert listening["grpc"].startswith("[::1]:")
        assert listening["rest"].startswith("[::1]:")
        assert choose_endpoint({}, endpoint=listening["grpc"]).target == listening["grpc"]
        (member,) = await call(node.local, lambda client: list(client.cluster.members()))
        assert member.api_address == listening["grpc"]
