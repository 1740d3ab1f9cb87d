"""The newcomer's side of joining: what it does when the seed, the directory or the words are wrong."""

from __future__ import annotations

import socket
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caxton_node.cluster.files import read_node_files
from caxton_node.cluster.identity import write_private
from caxton_node.cluster.joining import found_cluster, rejoin_cluster
from caxton_node.cluster.offline_node import install_certificate, request_certificate
from caxton_node.cluster.seed_chain import fetch_trusted_ca
from caxton_node.core.errors import InvalidArgument, InvalidConfig, Unavailable
from certs import Authority
from certs.authority_files import read_authority

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


@pytest.mark.parametrize("damage", [b"", b"garbage", Authority.create("test", datetime.now(UTC)).key_pem])
def test_a_ca_key_that_cannot_be_read_is_not_lost_by_asking_for_a_certificate(
    tmp_path: Path, damage: bytes
) -> None:
    found_cluster(tmp_path, "n1", "test", [])
    key = tmp_path / "certs" / "ca.key"
    key.write_bytes(damage)
    with pytest.raises(InvalidConfig, match="CA keys"):
        rejoin_cluster(tmp_path, "127.0.0.1:1", "a token", [])
    assert key.read_bytes() == damage


def test_a_founder_that_is_given_another_ca_starts_and_its_own_key_is_set_aside(tmp_path: Path) -> None:
    found_cluster(tmp_path, "n1", "test", [])
    key = (tmp_path / "certs" / "ca.key").read_bytes()
    _, csr_pem = request_certificate(tmp_path)
    other = Authority.create("test", datetime.now(UTC))
    issued = other.sign(csr_pem, "n1", [], datetime.now(UTC)) + other.certificate_pem
    install_certificate(tmp_path, issued, replace_ca=True)
    files = read_node_files(tmp_path)
    assert (files.ca_fingerprint, files.authorities) == (other.fingerprint, ())
    assert key in (tmp_path / "certs" / "ca.key.unused").read_bytes()


def test_a_certificate_that_begins_tomorrow_is_not_installed(tmp_path: Path) -> None:
    found_cluster(tmp_path, "n1", "test", [])
    before = (tmp_path / "certs" / "node.crt").read_bytes()
    _, csr_pem = request_certificate(tmp_path)
    authority = read_authority(tmp_path / "certs")
    issued = authority.sign(csr_pem, "n1", [], datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(InvalidArgument, match="cannot be installed") as caught:
        install_certificate(tmp_path, issued + authority.certificate_pem)
    assert "clocks" in caught.value.hint
    assert (tmp_path / "certs" / "node.crt").read_bytes() == before


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
