import socket
from pathlib import Path

import pytest

from caxton_node.client import Client, Endpoint, choose_endpoint, default_data_dir
from caxton_node.core.errors import DeadlineExceeded, InvalidArgument, Unavailable

pytestmark = pytest.mark.story("008")


def test_without_a_word_it_is_the_socket_of_the_data_directory():
    chosen = choose_endpoint({"CAXTON_DATA_DIR": "/data/one"})
    assert chosen == Endpoint("unix:/data/one/caxton.sock")
    assert chosen.socket_path == Path("/data/one/caxton.sock")


def test_a_data_directory_on_the_command_line_wins_over_an_endpoint_of_the_environment():
    environ = {"CAXTON_ENDPOINT": "elsewhere:50051", "CAXTON_DATA_DIR": "/data/one"}
    assert choose_endpoint(environ, data_dir="/data/two").target == "unix:/data/two/caxton.sock"
    assert choose_endpoint(environ).target == "elsewhere:50051"


def test_token_and_ca_come_from_options_then_environment_then_the_data_directory(tmp_path):
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "ca.crt").write_bytes(b"from the node")
    (tmp_path / "other.crt").write_bytes(b"given")
    environ = {"CAXTON_TOKEN": "t-env", "CAXTON_DATA_DIR": str(tmp_path), "CAXTON_ENDPOINT": "h:1"}
    assert choose_endpoint(environ) == Endpoint("h:1", "t-env", b"from the node")
    chosen = choose_endpoint(environ, token="t-opt", ca=str(tmp_path / "other.crt"))
    assert (chosen.token, chosen.ca_pem, chosen.socket_path) == ("t-opt", b"given", None)


def test_an_ipv6_address_stands_in_brackets():
    assert choose_endpoint({}, endpoint="[::1]:50051").target == "[::1]:50051"
    with pytest.raises(InvalidArgument) as caught:
        choose_endpoint({}, endpoint="::1:50051")
    assert "in brackets" in caught.value.why


@pytest.mark.parametrize(
    "target", ["host", "host:", ":1", "host:0", "host:65536", "host:x", "http://h", "::1:50051"]
)
def test_what_is_no_endpoint_is_refused(target):
    with pytest.raises(InvalidArgument, match="is not an endpoint"):
        choose_endpoint({}, endpoint=target)


def test_a_ca_file_that_was_named_must_be_there():
    with pytest.raises(InvalidArgument, match="cannot be read"):
        choose_endpoint({}, endpoint="h:1", ca="/nowhere/ca.crt")


def test_a_user_has_a_data_directory_of_its_own(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert default_data_dir({"HOME": "/home/ada"}) == Path("/home/ada/.local/share/caxton")
    assert default_data_dir({"XDG_DATA_HOME": "/xdg"}) == Path("/xdg/caxton")


def test_a_missing_socket_is_said_at_once_with_the_next_step(tmp_path):
    with (
        Client(Endpoint(f"unix:{tmp_path}/caxton.sock")) as client,
        pytest.raises(Unavailable, match="no node answers") as caught,
    ):
        client.server.health()
    assert "caxton-node run" in caught.value.hint


def test_a_port_where_nobody_listens_is_unavailable():
    with (
        Client(Endpoint("127.0.0.1:9", "t")) as client,
        pytest.raises(Unavailable, match=r"127\.0\.0\.1:9") as caught,
    ):
        client.server.health()
    assert caught.value.why == "the connection was refused"


def test_a_node_that_does_not_answer_in_time_is_a_deadline(tmp_path):
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(tmp_path / "deaf.sock"))
        deaf.listen()
        with (
            Client(Endpoint(f"unix:{tmp_path}/deaf.sock"), timeout_s=0.2) as client,
            pytest.raises(DeadlineExceeded, match=r"within 0\.2 s"),
        ):
            client.server.health()
