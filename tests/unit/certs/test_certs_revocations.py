from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import (
    Authority,
    InvalidName,
    MalformedTrust,
    Revocation,
    Revocations,
    TrustList,
    UntrustedRevocation,
    decode_revocation,
    decode_revocations,
    make_request,
    revocations,
    revoke,
)
from certs.bundle import NodeBundle
from certs.rotation import announce, retire, switch

NOW = datetime(2030, 1, 1, tzinfo=UTC)
DAY = timedelta(days=1)
AUTHORITY = Authority.create("home", NOW)
TRUST = TrustList.initial(AUTHORITY.certificate_pem)
pytestmark = pytest.mark.story("022")


def denial(node_id: str = "node-7", at: datetime = NOW, **how: object) -> Revocation:
    return revoke(AUTHORITY, node_id, at, **how)  # type: ignore[arg-type]  # keywords of revoke


def known(*entries: Revocation) -> Revocations:
    merged = Revocations().merge(entries, TRUST, NOW)
    assert merged.refused == ()
    return merged.revocations


def test_a_revoked_node_is_denied_whatever_its_certificate() -> None:
    entry = denial(reason="stolen")
    assert entry.denies("node-7", serial=1, not_before=NOW - DAY)
    assert not entry.denies("node-7", serial=1, not_before=NOW)
    assert not entry.denies("node-8", serial=1, not_before=NOW - DAY)


def test_a_revoked_certificate_is_denied_and_no_other() -> None:
    entry = denial(serial=2**159)
    assert entry.denies("node-7", serial=2**159, not_before=NOW + DAY)
    assert not entry.denies("node-7", serial=5, not_before=NOW - DAY)


def test_a_certificate_of_the_last_minutes_is_denied_and_one_made_on_purpose_is_not() -> None:
    def begins(at: datetime, not_before: datetime | None) -> datetime:
        key_pem, request = make_request("node-7")
        certificate = AUTHORITY.sign(request, "node-7", (), at, not_before=not_before)
        return NodeBundle("node-7", certificate, key_pem, AUTHORITY.certificate_pem).not_before

    just_now = NOW + timedelta(seconds=0.5)
    entry = denial(at=just_now)
    assert entry.since == NOW + timedelta(seconds=1)
    before = known(entry)
    assert entry.denies("node-7", serial=1, not_before=begins(NOW, None))
    again = begins(NOW + timedelta(seconds=2), before.earliest_start("node-7"))
    assert again == entry.since
    assert not entry.denies("node-7", serial=1, not_before=again)
    assert begins(NOW + DAY, before.earliest_start("node-7")) == NOW + DAY - timedelta(minutes=5)


def test_a_revocation_can_be_written_and_read_and_fits_a_datagram() -> None:
    long = denial("n" * 63, serial=2**159, reason="ü" * 500)
    assert len(long.reason.encode()) == 200
    assert len(long.encode()) <= 512
    for entry in (long, denial()):
        assert decode_revocation(entry.encode()) == entry
        entry.verify(TRUST, NOW)
    assert denial(reason="a\n\x1b[31mb").reason == "a[31mb"


def test_a_revocation_in_pieces_is_never_half_a_revocation() -> None:
    data = denial(serial=7).encode()
    for end in range(len(data)):
        with pytest.raises(MalformedTrust):
            decode_revocation(data[:end])
    with pytest.raises(MalformedTrust):
        decode_revocation(data + b"\x00")


@pytest.mark.parametrize(
    ("place", "value"),
    [(0, 2), (1, "Not a node"), (2, b""), (2, bytes(21)), (3, -1), (4, 10**12), (5, 7), (7, b"short")],
)
def test_what_a_revocation_says_must_be_possible(place: int, value: object) -> None:
    statement, signature = msgspec.msgpack.decode(denial().encode())
    statement[place] = value
    with pytest.raises(MalformedTrust):
        decode_revocation(msgspec.msgpack.encode([statement, signature]))


def test_a_node_that_does_not_exist_by_name_cannot_be_revoked() -> None:
    with pytest.raises(InvalidName):
        denial("Not a node")


def test_only_an_authority_in_force_is_believed() -> None:
    stranger = Authority.create("home", NOW)
    theirs = revoke(stranger, "node-7", NOW)
    cases = {
        "signed by nobody who is believed": theirs,
        "does not carry the signature": replace(theirs, authority=AUTHORITY.fingerprint),
        "clocks of the two nodes differ": denial(at=NOW + timedelta(minutes=6)),
    }
    for words, entry in cases.items():
        with pytest.raises(UntrustedRevocation, match=words):
            entry.verify(TRUST, NOW)
    merged = known(denial("node-1")).merge([*cases.values(), denial("node-2")], TRUST, NOW)
    assert [entry.node_id for entry in merged.added] == ["node-2"]
    assert len(merged.refused) == 3
    assert len(merged.revocations) == 2


def test_every_word_of_a_revocation_is_signed() -> None:
    entry = denial(serial=7, reason="stolen")
    for other in (
        replace(entry, node_id="node-8"),
        replace(entry, serial=8),
        replace(entry, serial=None),
        replace(entry, since=entry.since - DAY),
        replace(entry, until=entry.until + DAY),
        replace(entry, reason="lost"),
        replace(entry, revision=9),
        replace(entry, signature=entry.signature[:-1]),
    ):
        with pytest.raises(UntrustedRevocation):
            other.verify(TRUST, NOW)


def test_the_set_says_what_the_mesh_must_refuse() -> None:
    later = NOW + timedelta(minutes=1)
    found = known(denial("node-1"), denial("node-2", serial=22), denial("node-1", later))
    assert found.denied_nodes == {"node-1": later}
    assert found.denied_serials == {22}
    assert found.earliest_start("node-2") is None
    denied_by = found.find("node-2", serial=22, not_before=later)
    assert denied_by is not None
    assert denied_by.serial == 22
    assert found.find("node-1", serial=1, not_before=NOW) is not None
    assert found.find("node-1", serial=1, not_before=later) is None
    assert [entry.node_id for entry in found] == ["node-2", "node-1"]


def test_a_revocation_is_forgotten_when_its_certificates_have_ended() -> None:
    short, long = denial("node-1", lifetime_days=365), denial("node-2")
    found = known(short, long)
    assert long.until == AUTHORITY.certificate.not_valid_after_utc
    assert len(found.pruned(NOW + 366 * DAY)) == 2
    later = NOW + 367 * DAY
    assert [entry.node_id for entry in found.pruned(later)] == ["node-2"]
    assert found.merge([short], TRUST, later).added == ()  # nor does it come back


def test_what_is_known_costs_no_look_at_a_signature() -> None:
    entry = denial()
    spoiled = replace(entry, signature=b"")
    assert known(entry).merge([spoiled], TRUST, NOW).refused == ()


def test_a_denial_that_is_signed_again_has_another_digest_so_that_it_spreads() -> None:
    entry = denial()
    again = entry.signed_by(Authority.create("home", NOW), entry.revision + 1)
    assert again.id != entry.id
    assert Revocations([again]).digest != Revocations([entry]).digest


def test_the_whole_set_can_be_written_and_read() -> None:
    found = known(denial("node-1"), denial("node-2", serial=22))
    again = Revocations(decode_revocations(found.encode()))
    assert again == found
    assert again.digest == found.digest
    for data in (b"", b"\x92\x01\x91\xc4\x01\x00", b"\x92\x02\x90"):
        with pytest.raises(MalformedTrust):
            decode_revocations(data)


def test_a_full_set_says_so_and_drops_what_ends_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revocations, "REVOCATIONS_MAX", 2)
    first, second, third = (denial(f"node-{days}", lifetime_days=days) for days in (1, 2, 3))
    full = known(first, third)
    assert full.is_full
    merged = full.merge([second], TRUST, NOW)
    assert [entry.node_id for entry in merged.revocations] == ["node-2", "node-3"]
    assert [entry.node_id for entry in merged.dropped] == ["node-1"]
    assert (
        merged.revocations
        == known(second, third, first)
        == known(second, first).merge([third], TRUST, NOW).revocations
    )


def test_a_change_of_authorities_does_not_let_anybody_back_in() -> None:
    successor = Authority.create("home", NOW)
    announced = announce(TRUST, successor, [AUTHORITY])
    switched = switch(announced, [AUTHORITY, successor])
    retired = retire(switched, [AUTHORITY, successor])
    before = known(denial("node-1"), denial("node-2", serial=22))
    after = before.resigned(successor, switched.revision)
    assert Revocations().merge(before, retired, NOW).added == ()
    assert len(Revocations().merge(after, retired, NOW).added) == 2
    assert before.merge(after, switched, NOW).revocations == after
    assert after.resigned(successor, 99) == after


_WORLD = [
    denial(f"node-{node}", NOW + timedelta(seconds=second), serial=serial, lifetime_days=days)
    for node in range(2)
    for second in (0, 1)
    for serial in (None, 1, 2)
    for days in (1, 400)
]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(_WORLD), max_size=6), min_size=3, max_size=3))
def test_nodes_agree_whatever_they_hear_in_whatever_order(heard: list[Sequence[Revocation]]) -> None:
    a, b, c = (known(*each) for each in heard)

    def join(one: Revocations, other: Revocations) -> Revocations:
        return one.merge(other, TRUST, NOW).revocations

    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == a
    assert join(join(a, b), b) == join(a, b)
