import os
import socket
import stat
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.api.grpc.sockets import check_port, check_socket, private_files
from caxton_node.core.errors import InvalidConfig, PortInUse

pytestmark = pytest.mark.story("006")


def test_a_port_in_use_is_named_with_the_next_step():
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortInUse) as caught:
            check_port("127.0.0.1", port)
    assert f"127.0.0.1:{port}" in caught.value.what
    assert "--set grpc.port=N" in caught.value.hint
    check_port("127.0.0.1", port)


def test_an_address_of_another_machine_is_a_matter_of_configuration():
    with pytest.raises(InvalidConfig, match="cannot listen on 192\\.0\\.2\\.1"):
        check_port("192.0.2.1", 50051)


def test_the_socket_of_a_running_node_is_never_taken_away(tmp_path):
    path = tmp_path / "caxton.sock"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(path))
        server.listen()
        with pytest.raises(PortInUse, match="listens on"):
            check_socket(path)
    assert path.exists()


def test_the_socket_that_a_dead_node_left_is_cleared_away(tmp_path):
    path = tmp_path / "caxton.sock"
    with closing(socket.socket(socket.AF_UNIX)) as server:
        server.bind(str(path))
    check_socket(path)
    assert not path.exists()


def test_what_is_no_socket_is_left_alone(tmp_path):
    path = tmp_path / "precious.txt"
    path.write_text("important")
    with pytest.raises(InvalidConfig, match="not ours to remove"):
        check_socket(path)
    assert path.read_text() == "important"


def test_a_folder_that_cannot_be_made_is_a_matter_of_configuration():
    with pytest.raises(InvalidConfig, match="no socket can be made"):
        check_socket(Path("/proc/nope/x.sock"))


def test_a_path_that_no_socket_can_have_is_refused_with_the_reason():
    with pytest.raises(InvalidConfig, match="too long"):
        check_socket(Path("/tmp") / ("x" * 100) / "caxton.sock")


def test_files_made_under_the_mask_are_private_and_the_mask_is_put_back(tmp_path):
    before = os.umask(0o022)
    try:
        with private_files():
            (tmp_path / "file").touch()
        assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o600
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
