from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from certs import (
    Authority,
    BrokenBundle,
    MissingFile,
    NodeBundle,
    UnreadableFile,
    ValidityState,
    files,
    make_request,
)

NOW = datetime(2030, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.story("022")


def make_bundle(authority: Authority, node_id: str = "node-a", days: float = 365) -> NodeBundle:
    key, request = make_request(node_id)
    certificate = authority.sign(request, node_id, (), NOW, lifetime_days=days)
    return NodeBundle(node_id, certificate, key, authority.certificate_pem)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority.create("home", NOW)


@pytest.mark.parametrize(
    ("days_later", "state"),
    [
        (-1, ValidityState.NOT_YET_VALID),
        (0, ValidityState.VALID),
        (334, ValidityState.VALID),
        (336, ValidityState.RENEWAL_DUE),
        (366, ValidityState.EXPIRED),
    ],
)
def test_a_bundle_says_where_it_stands_in_its_life(
    authority: Authority, days_later: int, state: ValidityState
) -> None:
    assert make_bundle(authority).check(NOW + timedelta(days=days_later)).state is state


def test_a_short_certificate_is_renewed_in_its_last_third(authority: Authority) -> None:
    bundle = make_bundle(authority, days=3)
    assert bundle.check(NOW + timedelta(days=1)).state is ValidityState.VALID
    assert bundle.check(NOW + timedelta(days=2.5)).state is ValidityState.RENEWAL_DUE


def test_a_bundle_of_another_node_is_refused(authority: Authority) -> None:
    bundle = make_bundle(authority, "node-b")
    taken = NodeBundle("node-a", bundle.certificate_pem, bundle.key_pem, bundle.ca_pem)
    with pytest.raises(BrokenBundle, match="'node-b', not for 'node-a'"):
        taken.check(NOW)


def test_a_bundle_with_another_key_is_refused(authority: Authority) -> None:
    bundle = make_bundle(authority)
    mixed = NodeBundle("node-a", bundle.certificate_pem, make_request("node-a")[0], bundle.ca_pem)
    with pytest.raises(BrokenBundle, match="key do not belong"):
        mixed.check(NOW)


def test_a_bundle_of_another_authority_is_refused(authority: Authority) -> None:
    bundle = make_bundle(Authority.create("home", NOW))
    mixed = NodeBundle("node-a", bundle.certificate_pem, bundle.key_pem, authority.certificate_pem)
    with pytest.raises(BrokenBundle, match="not signed by this cluster's CA"):
        mixed.check(NOW)


def test_during_a_change_of_authority_either_one_is_enough(authority: Authority) -> None:
    bundle = make_bundle(authority)
    both = Authority.create("home", NOW).certificate_pem + authority.certificate_pem
    assert NodeBundle("node-a", bundle.certificate_pem, bundle.key_pem, both).check(NOW)


def test_the_key_does_not_show_when_a_bundle_is_printed(authority: Authority) -> None:
    bundle = make_bundle(authority)
    assert "PRIVATE" not in repr(bundle)


def test_a_bundle_comes_back_from_disk_as_it_was_written(authority: Authority, tmp_path: Path) -> None:
    bundle = make_bundle(authority)
    files.write_bundle(tmp_path / "certs", bundle)
    assert files.read_bundle(tmp_path / "certs") == bundle
    assert sorted(path.name for path in (tmp_path / "certs").iterdir()) == ["ca.crt", "node.crt", "node.key"]


def test_keys_are_for_their_owner_only(authority: Authority, tmp_path: Path) -> None:
    files.write_bundle(tmp_path / "certs", make_bundle(authority))
    files.write_authority(tmp_path / "certs", authority)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "certs").iterdir()}
    assert modes == {"ca.crt": 0o644, "node.crt": 0o644, "node.key": 0o600, "ca.key": 0o600}
    assert (tmp_path / "certs").stat().st_mode & 0o777 == 0o700


def test_a_key_left_over_with_a_wide_mode_does_not_pass_it_on(authority: Authority, tmp_path: Path) -> None:
    (tmp_path / "node.key.new").write_bytes(b"")
    (tmp_path / "node.key.new").chmod(0o644)
    files.write_bundle(tmp_path, make_bundle(authority))
    assert (tmp_path / "node.key").stat().st_mode & 0o777 == 0o600


def test_a_renewal_that_stopped_half_way_is_finished_by_the_next_read(
    authority: Authority, tmp_path: Path
) -> None:
    old, new = make_bundle(authority), make_bundle(authority)
    files.write_bundle(tmp_path, old)
    (tmp_path / "node.key").write_bytes(new.key_pem)
    (tmp_path / "node.crt.new").write_bytes(new.certificate_pem)
    assert files.read_bundle(tmp_path) == new
    assert files.read_bundle(tmp_path) == new


def test_a_renewal_that_stopped_before_any_rename_leaves_the_old_bundle(
    authority: Authority, tmp_path: Path
) -> None:
    old, new = make_bundle(authority), make_bundle(authority)
    files.write_bundle(tmp_path, old)
    (tmp_path / "node.key.new").write_bytes(new.key_pem)
    (tmp_path / "node.crt.new").write_bytes(new.certificate_pem)
    assert files.read_bundle(tmp_path) == old
    (tmp_path / "node.crt.new").write_bytes(b"half a certi")
    assert files.read_bundle(tmp_path) == old


def test_an_authority_comes_back_from_disk(authority: Authority, tmp_path: Path) -> None:
    assert not files.has_authority(tmp_path)
    files.write_authority(tmp_path, authority)
    assert files.has_authority(tmp_path)
    assert files.read_authority(tmp_path).fingerprint == authority.fingerprint


@pytest.mark.parametrize("name", ["ca.crt", "node.crt", "node.key"])
def test_a_missing_file_is_named(authority: Authority, tmp_path: Path, name: str) -> None:
    files.write_bundle(tmp_path, make_bundle(authority))
    (tmp_path / name).unlink()
    with pytest.raises(MissingFile, match=name):
        files.read_bundle(tmp_path)


def test_a_certificate_of_garbage_is_named(authority: Authority, tmp_path: Path) -> None:
    files.write_bundle(tmp_path, make_bundle(authority))
    (tmp_path / "node.crt").write_bytes(b"garbage")
    with pytest.raises(UnreadableFile, match=r"node\.crt"):
        files.read_bundle(tmp_path)


def test_a_directory_in_place_of_a_file_is_reported(authority: Authority, tmp_path: Path) -> None:
    files.write_bundle(tmp_path, make_bundle(authority))
    (tmp_path / "ca.crt").unlink()
    (tmp_path / "ca.crt").mkdir()
    with pytest.raises(UnreadableFile, match=r"ca\.crt cannot be read"):
        files.read_bundle(tmp_path)
