"""On whose account a call goes: the operator's, a client's, an address's."""

import pytest

from caxton_node.api.call import Caller
from caxton_node.api.visitors import visitor_of
from caxton_node.resilience import OPERATOR, Visitor
from caxton_node.security import LOCAL, NEWCOMER, Credentials, Grant, Kind, Principal

pytestmark = pytest.mark.story("030")


def test_only_the_nodes_own_user_and_root_are_the_operator() -> None:
    assert visitor_of(LOCAL, Caller()) == OPERATOR
    deploy = Principal("deploy", (Grant("viewer"),), Kind.SOCKET)
    assert visitor_of(deploy, Caller()) == Visitor("socket:deploy")


def test_clients_count_by_name_and_newcomers_by_address() -> None:
    assert visitor_of(Principal("local", (), Kind.API_KEY), Caller()) == Visitor("api-key:local")
    one, other = (
        visitor_of(NEWCOMER, Caller(Credentials(source=f"ipv6:%5B2001:db8:{net}::1%5D"))) for net in (1, 2)
    )
    assert one != other
