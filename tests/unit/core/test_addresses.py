import pytest

from caxton_node.core.addresses import host_port


@pytest.mark.parametrize(
    ("host", "written"),
    [("127.0.0.1", "127.0.0.1:5"), ("node.example", "node.example:5"), ("::1", "[::1]:5"), ("::", "[::]:5")],
)
def test_a_port_is_never_taken_for_a_part_of_the_address(host, written):
    assert host_port(host, 5) == written
