"""The newcomer's side of joining: what it does when the seed, the directory or the words are wrong."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest

from caxton_node.cluster.identity import write_private
from caxton_node.cluster.joining import found_cluster
from caxton_node.cluster.seed_chain import fetch_trusted_ca
from caxton_node.core.errors import InvalidArgument, Unavailable

pytestmark = pytest.mark.story("022")


def test_a_seed_that_takes_the_connection_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        seed = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(Unavailable, match="does not answer") as caught:
            fetch_trusted_ca(seed, "00" * 32, greeting_s=0.05)
        assert "no TLS greeting" in caught.value.why


@pytest.mark.parametrize("seed", ["host", "host:", ":1", "host:0", "host:65536", "host:\u00b2"])
def test_what_is_no_seed_is_refused_before_anything_is_dialled(seed: str) -> None:
    with pytest.raises(InvalidArgument, match="not a seed"):
        fetch_trusted_ca(seed, "00" * 32)


def test_a_data_directory_that_cannot_be_made_is_the_fault_of_the_argument(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InvalidArgument, match="cannot be written"):
        found_cluster(tmp_path / "file" / "node", "n1", "test", [])


def test_nobody_else_can_read_what_init_leaves(tmp_path: Path) -> None:
    directory = tmp_path / "open"
    directory.mkdir(mode=0o755)  # made by hand before, as people do
    found_cluster(directory, "n1", "test", [])
    secret = {"gossip.key", "caxton.db", "certs/node.key", "certs/ca.key"}
    modes = {name: stat.S_IMODE((directory / name).stat().st_mode) for name in secret}
    assert modes == dict.fromkeys(secret, 0o600)


def test_a_private_file_does_not_keep_the_mode_of_an_older_one(tmp_path: Path) -> None:
    path = tmp_path / "gossip.key"
    path.touch(mode=0o644)
    write_private(path, "secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
