from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from certs import (
    Authority,
    AuthorityMismatch,
    MissingFile,
    NodeBundle,
    Revocations,
    TrustList,
    UnreadableFile,
    atomic,
    make_request,
    revoke,
)
from certs.authority_files import UNUSED_KEY, keep_readable, set_unused_aside
from certs.files import (
    CA_CERTIFICATE,
    CA_KEY,
    forget_request,
    has_authority,
    read_authorities,
    read_authority,
    read_bundle,
    read_requested_key,
    read_revocations,
    read_trust,
    write_authorities,
    write_authority,
    write_bundle,
    write_request,
    write_revocations,
    write_trust,
)
from certs.rotation import announce, retire, switch
from certs.trust_files import REVOCATIONS, TRUST_LIST

NOW = datetime(2030, 1, 1, tzinfo=UTC)
OLD, NEW = Authority.create("home", NOW), Authority.create("home", NOW)
ANNOUNCED = announce(TrustList.initial(OLD.certificate_pem), NEW, [OLD])
SWITCHED = switch(ANNOUNCED, [OLD, NEW])
pytestmark = pytest.mark.story("022")


def fingerprints(directory: Path) -> list[str]:
    return [authority.fingerprint for authority in read_authorities(directory)]


def bundle_of(authority: Authority) -> NodeBundle:
    key_pem, request = make_request("node-a")
    certificate = authority.sign(request, "node-a", (), NOW)
    return NodeBundle("node-a", certificate, key_pem, authority.certificate_pem)


def test_a_node_may_hold_several_ca_keys_in_one_secret_file(tmp_path: Path) -> None:
    write_authorities(tmp_path, [NEW, OLD])
    assert fingerprints(tmp_path) == [NEW.fingerprint, OLD.fingerprint]
    assert read_authority(tmp_path).fingerprint == NEW.fingerprint
    assert (tmp_path / CA_KEY).stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / CA_CERTIFICATE).exists()


def test_the_file_of_a_new_cluster_is_read_as_before(tmp_path: Path) -> None:
    write_authority(tmp_path, OLD)
    assert fingerprints(tmp_path) == [OLD.fingerprint]
    write_trust(tmp_path, SWITCHED)  # its certificate is the second in ca.crt now
    assert fingerprints(tmp_path) == [OLD.fingerprint]


def test_a_node_that_stops_signing_keeps_no_key(tmp_path: Path) -> None:
    write_authorities(tmp_path, [NEW, OLD])
    (tmp_path / "ca.key.new").write_bytes(b"left over")
    write_authorities(tmp_path, [])
    assert read_authorities(tmp_path) == ()
    assert not has_authority(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(MissingFile):
        read_authority(tmp_path)


def test_a_key_that_nobody_believes_is_set_aside_and_never_lost(tmp_path: Path) -> None:
    write_authorities(tmp_path, [NEW, OLD])
    assert not set_unused_aside(tmp_path, [NEW, OLD], {NEW.fingerprint, OLD.fingerprint})
    for kept, trusted in ([NEW], {NEW.fingerprint}), ([], set()):
        assert set_unused_aside(tmp_path, read_authorities(tmp_path), trusted)
        assert fingerprints(tmp_path) == [each.fingerprint for each in kept]
    unused = tmp_path / UNUSED_KEY
    assert unused.stat().st_mode & 0o777 == 0o600
    assert unused.read_bytes() == b"".join(each.key_pem + each.certificate_pem for each in (OLD, NEW))


def test_a_key_that_came_before_its_certificate_is_read_with_it(tmp_path: Path) -> None:
    (tmp_path / CA_KEY).write_bytes(NEW.key_pem)
    (tmp_path / CA_CERTIFICATE).write_bytes(OLD.certificate_pem)
    keep_readable(tmp_path, read_authorities(tmp_path, also=NEW.certificate_pem))
    assert fingerprints(tmp_path) == [NEW.fingerprint]


def test_a_ca_key_without_its_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / CA_KEY).write_bytes(NEW.key_pem)
    (tmp_path / CA_CERTIFICATE).write_bytes(OLD.certificate_pem)
    with pytest.raises(AuthorityMismatch):
        read_authorities(tmp_path)
    (tmp_path / CA_KEY).write_bytes(b"garbage")
    with pytest.raises(UnreadableFile, match="no private key"):
        read_authorities(tmp_path)


def test_without_a_trust_list_the_ca_certificate_is_believed(tmp_path: Path) -> None:
    with pytest.raises(MissingFile):
        read_trust(tmp_path)
    write_authority(tmp_path, OLD)
    assert read_trust(tmp_path) == TrustList.initial(OLD.certificate_pem)


def test_the_trust_list_decides_and_the_ca_certificate_follows(tmp_path: Path) -> None:
    write_bundle(tmp_path, bundle_of(OLD))
    write_trust(tmp_path, SWITCHED)
    assert read_trust(tmp_path) == SWITCHED
    assert (tmp_path / CA_CERTIFICATE).read_bytes() == NEW.certificate_pem + OLD.certificate_pem
    assert read_bundle(tmp_path).ca_pem == SWITCHED.ca_pem
    write_trust(tmp_path, retire(SWITCHED, [OLD, NEW]))
    assert read_bundle(tmp_path).ca_pem == NEW.certificate_pem


def test_a_stop_between_the_list_and_the_ca_certificate_heals_itself(tmp_path: Path) -> None:
    write_bundle(tmp_path, bundle_of(OLD))
    (tmp_path / TRUST_LIST).write_bytes(ANNOUNCED.encode())
    assert read_bundle(tmp_path).ca_pem == ANNOUNCED.ca_pem
    assert (tmp_path / CA_CERTIFICATE).read_bytes() == ANNOUNCED.ca_pem
    (tmp_path / CA_CERTIFICATE).unlink()
    assert read_trust(tmp_path) == ANNOUNCED
    assert (tmp_path / CA_CERTIFICATE).exists()


def test_half_a_list_beside_its_place_is_not_looked_at(tmp_path: Path) -> None:
    write_trust(tmp_path, ANNOUNCED)
    for name in (TRUST_LIST, REVOCATIONS, CA_KEY, CA_CERTIFICATE):
        (tmp_path / f"{name}.new").write_bytes(b"half")
    assert read_trust(tmp_path) == ANNOUNCED
    assert len(read_revocations(tmp_path)) == 0
    write_trust(tmp_path, SWITCHED)
    assert read_trust(tmp_path) == SWITCHED


def test_revocations_are_kept(tmp_path: Path) -> None:
    assert len(read_revocations(tmp_path)) == 0
    entries = Revocations([revoke(OLD, "node-7", NOW), revoke(OLD, "node-8", NOW, serial=8)])
    write_revocations(tmp_path, entries)
    assert read_revocations(tmp_path) == entries


@pytest.mark.parametrize("data", [b"", b"garbage"])
def test_spoiled_files_of_trust_are_named_and_never_ignored(tmp_path: Path, data: bytes) -> None:
    (tmp_path / REVOCATIONS).write_bytes(data)
    (tmp_path / TRUST_LIST).write_bytes(data)
    with pytest.raises(UnreadableFile, match=r"revocations\.list"):
        read_revocations(tmp_path)
    with pytest.raises(UnreadableFile, match=r"trust\.list"):
        read_trust(tmp_path)


def test_a_key_waits_for_its_certificate_without_touching_the_one_in_use(tmp_path: Path) -> None:
    in_use = bundle_of(OLD)
    write_bundle(tmp_path, in_use)
    key_pem, csr_pem = make_request("node-a")
    write_request(tmp_path, key_pem=key_pem, csr_pem=csr_pem)
    assert (tmp_path / "node.key.request").stat().st_mode & 0o777 == 0o600
    assert read_bundle(tmp_path) == in_use
    issued = NodeBundle(
        "node-a", OLD.sign(csr_pem, "node-a", (), NOW), read_requested_key(tmp_path), in_use.ca_pem
    )
    issued.check(NOW)
    write_bundle(tmp_path, issued)
    forget_request(tmp_path)
    assert read_bundle(tmp_path) == issued
    with pytest.raises(MissingFile):
        read_requested_key(tmp_path)
    forget_request(tmp_path)


class Stopped(Exception):
    """The machine stopped here."""


def states(directory: Path) -> tuple[object, ...]:
    """Return all that can be read, as the next start would."""
    return (
        read_bundle(directory),
        read_trust(directory),
        tuple(fingerprints(directory)),
        read_revocations(directory),
    )


@pytest.mark.parametrize("step", range(12))
@pytest.mark.parametrize("what", ["bundle", "trust", "keys", "revocations"])
def test_wherever_the_machine_stops_the_old_or_the_new_is_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, step: int
) -> None:
    write_authority(tmp_path, OLD)
    old_bundle = bundle_of(OLD)
    write_bundle(tmp_path, old_bundle)
    write_trust(tmp_path, ANNOUNCED)
    before = states(tmp_path)
    key_pem, csr_pem = make_request("node-a")
    certificate = OLD.sign(csr_pem, "node-a", (), NOW)
    new_bundle = NodeBundle("node-a", certificate, key_pem, ANNOUNCED.ca_pem)
    denials = Revocations([revoke(OLD, "node-7", NOW)])
    write = {
        "bundle": lambda: write_bundle(tmp_path, new_bundle),
        "trust": lambda: write_trust(tmp_path, SWITCHED),
        "keys": lambda: write_authorities(tmp_path, [NEW, OLD]),
        "revocations": lambda: write_revocations(tmp_path, denials),
    }[what]
    stop_at(monkeypatch, step, write)
    found = states(tmp_path)
    for place, (was, is_now) in enumerate(zip(before, found, strict=True)):
        changes = ["bundle", "trust", "keys", "revocations"][place] == what or (what, place) == ("trust", 0)
        assert changes or was == is_now
    bundle = found[0]
    assert isinstance(bundle, NodeBundle)
    bundle.check(NOW)
    write()  # whoever was stopped tries again
    assert states(tmp_path) != before
    assert not list(tmp_path.glob("*.new"))


def stop_at(monkeypatch: pytest.MonkeyPatch, step: int, write: Callable[[], None]) -> None:
    """Run `write` until its n-th step on the disk, or to its end if it has fewer."""
    left = [step]

    def counted(real: Callable[..., object]) -> Callable[..., object]:
        def stopping(*words: object, **named: object) -> object:
            if left[0] == 0:
                raise Stopped
            left[0] -= 1
            return real(*words, **named)

        return stopping

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", counted(Path.replace))
        patch.setattr(atomic.os, "fsync", counted(os.fsync))
        with suppress(Stopped):
            write()
