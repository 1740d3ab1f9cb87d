from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from certs import (
    Authority,
    AuthorityMismatch,
    MalformedTrust,
    NodeBundle,
    NotASigner,
    TrustList,
    UntrustedList,
    WrongStage,
    decode_trust_list,
    make_request,
    signer_of,
)
from certs.rotation import Stage, abandon, announce, retire, stage_of, switch

NOW = datetime(2030, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.story("022")


@pytest.fixture(scope="module")
def old() -> Authority:
    return Authority.create("home", NOW)


@pytest.fixture(scope="module")
def new() -> Authority:
    return Authority.create("home", NOW + timedelta(days=400))


@pytest.fixture
def settled(old: Authority) -> TrustList:
    return TrustList.initial(old.certificate_pem)


@pytest.fixture
def announced(settled: TrustList, old: Authority, new: Authority) -> TrustList:
    return announce(settled, new, [old])


@pytest.fixture
def switched(announced: TrustList, old: Authority, new: Authority) -> TrustList:
    return switch(announced, [old, new])


LATER = NOW + timedelta(days=401)


def test_a_node_with_a_ca_certificate_alone_believes_that_one(settled: TrustList, old: Authority) -> None:
    assert (settled.cluster, settled.revision, settled.primary) == ("home", 0, old.fingerprint)
    assert settled.ca_pem == old.certificate_pem
    assert stage_of(settled) is Stage.SETTLED


def test_a_change_goes_through_its_stages_and_ends_with_the_new_authority_alone(
    settled: TrustList, old: Authority, new: Authority
) -> None:
    keys = [old, new]
    steps = [settled, announce(settled, new, [old])]
    steps += [switch(steps[-1], keys)]
    steps += [retire(steps[-1], keys)]
    assert [step.revision for step in steps] == [0, 1, 2, 3]
    assert [stage_of(step) for step in steps] == [
        Stage.SETTLED,
        Stage.ANNOUNCED,
        Stage.SWITCHED,
        Stage.SETTLED,
    ]
    assert [step.primary for step in steps] == [
        old.fingerprint,
        old.fingerprint,
        new.fingerprint,
        new.fingerprint,
    ]
    assert steps[1].fingerprints == steps[2].fingerprints == (old.fingerprint, new.fingerprint)
    assert steps[3].fingerprints == (new.fingerprint,)
    assert steps[2].ca_pem == new.certificate_pem + old.certificate_pem  # who signs comes first


def test_a_node_follows_step_by_step(settled: TrustList, old: Authority, new: Authority) -> None:
    held = settled
    for step in (announce, None):
        offered = announce(held, new, [old]) if step else switch(held, [old, new])
        held = held.accept(offered, LATER)
        assert held == offered
    assert held.accept(retire(held, [new]), LATER).fingerprints == (new.fingerprint,)


def test_a_node_that_was_away_catches_up_in_one_step(
    settled: TrustList, switched: TrustList, old: Authority, new: Authority
) -> None:
    last = retire(switched, [new, old])
    assert settled.accept(last, LATER) is last
    assert settled.accept(switched, LATER) is switched


def test_a_list_that_only_the_new_authority_signed_is_nothing_to_who_never_heard_of_it(
    settled: TrustList, switched: TrustList, new: Authority
) -> None:
    with pytest.raises(UntrustedList, match="none of the authorities that are believed at revision 0"):
        settled.accept(retire(switched, [new]), LATER)


def test_a_node_without_a_ca_key_cannot_make_a_list(
    settled: TrustList, announced: TrustList, new: Authority
) -> None:
    stranger = Authority.create("home", NOW)
    with pytest.raises(NotASigner):
        announce(settled, new, [stranger])
    with pytest.raises(NotASigner):
        switch(announced, [stranger])
    with pytest.raises(NotASigner):
        announce(settled, new, [])


def test_a_forged_list_is_refused(settled: TrustList, announced: TrustList, old: Authority) -> None:
    stranger = Authority.create("home", NOW)
    mine = replace(announced, authorities=(stranger.certificate,), primary=stranger.fingerprint, revision=9)
    claims = mine.endorsed([stranger]).signatures[0]
    for signatures in (
        (),
        (claims,),  # by someone who is not believed
        (replace(claims, authority=old.fingerprint),),  # in the name of the authority
        announced.signatures,  # of another list
    ):
        with pytest.raises(UntrustedList):
            settled.accept(replace(mine, signatures=signatures), LATER)


def test_a_list_of_another_cluster_is_refused(settled: TrustList) -> None:
    other = Authority.create("away", NOW)
    offered = announce(TrustList.initial(other.certificate_pem), Authority.create("away", NOW), [other])
    with pytest.raises(UntrustedList, match="of cluster 'away', not of 'home'"):
        settled.accept(offered, NOW)


def test_a_list_whose_signer_has_ended_is_refused(announced: TrustList, old: Authority) -> None:
    offered = abandon(announced, [old])
    assert announced.accept(offered, NOW) is offered
    with pytest.raises(UntrustedList, match="outside its dates"):
        announced.accept(offered, NOW + timedelta(days=4000))


def test_the_later_list_holds_whatever_comes_after(announced: TrustList, switched: TrustList) -> None:
    assert switched.accept(announced, LATER) is switched
    assert switched.accept(switched, LATER) is switched


def test_lists_of_nodes_with_a_ca_certificate_alone_never_replace_each_other(
    settled: TrustList, new: Authority
) -> None:
    other = TrustList.initial(new.certificate_pem)
    assert settled.accept(other, NOW) is settled
    assert other.accept(settled, NOW) is other


def test_two_changes_at_once_end_the_same_on_every_node(
    settled: TrustList, old: Authority, new: Authority
) -> None:
    one, other = announce(settled, new, [old]), announce(settled, Authority.create("home", NOW), [old])
    ends = {
        settled.accept(one, NOW).accept(other, NOW).digest,
        settled.accept(other, NOW).accept(one, NOW).digest,
    }
    assert ends == {max(one.digest, other.digest)}


@pytest.mark.parametrize("step", ["switch", "retire", "abandon"])
def test_a_step_that_does_not_follow_is_refused(settled: TrustList, old: Authority, step: str) -> None:
    with pytest.raises(WrongStage, match="the change is at 'settled', revision 0"):
        {"switch": switch, "retire": retire, "abandon": abandon}[step](settled, [old])


def test_only_the_first_step_can_be_taken_back(
    announced: TrustList, switched: TrustList, old: Authority, new: Authority
) -> None:
    assert abandon(announced, [old]).fingerprints == (old.fingerprint,)
    with pytest.raises(WrongStage):
        abandon(switched, [old, new])
    with pytest.raises(WrongStage):
        announce(switched, Authority.create("home", NOW), [old, new])
    with pytest.raises(WrongStage):
        retire(announced, [old, new])


def test_a_successor_must_be_another_authority_of_this_cluster(settled: TrustList, old: Authority) -> None:
    for successor in (old, Authority.create("away", NOW)):
        with pytest.raises(AuthorityMismatch):
            announce(settled, successor, [old])


def test_who_signs_is_the_primary(
    announced: TrustList, switched: TrustList, old: Authority, new: Authority
) -> None:
    assert signer_of(announced, [new, old]) is old
    assert signer_of(switched, [new, old]) is new
    assert signer_of(switched, [old]) is None


def test_certificates_of_both_fit_while_both_are_believed(
    switched: TrustList, old: Authority, new: Authority
) -> None:
    for authority in (old, new):
        key_pem, request = make_request("node-a")
        certificate = authority.sign(request, "node-a", (), LATER, 30)
        bundle = NodeBundle("node-a", certificate, key_pem, switched.ca_pem)
        bundle.check(LATER)
        assert bundle.authority == authority.fingerprint


def test_a_list_can_be_written_and_read_and_is_small(switched: TrustList, settled: TrustList) -> None:
    for trust in (switched, settled):
        assert decode_trust_list(trust.encode()) == trust
    assert len(switched.encode()) < 1500


def test_a_list_in_pieces_is_never_half_a_list(switched: TrustList) -> None:
    data = switched.encode()
    for end in range(len(data)):
        with pytest.raises(MalformedTrust):
            decode_trust_list(data[:end])
    with pytest.raises(MalformedTrust):
        decode_trust_list(data + b"\x00")


def changed(trust: TrustList, place: int, value: object) -> bytes:
    contents, signatures = msgspec.msgpack.decode(trust.encode())
    contents[place] = value
    return msgspec.msgpack.encode([contents, signatures])


def test_what_a_list_says_must_be_possible(switched: TrustList) -> None:
    der = msgspec.msgpack.decode(switched.encode())[0][3]
    for data in (
        changed(switched, 0, 2),  # of a later version
        changed(switched, 1, "away"),  # its authorities are another cluster's
        changed(switched, 2, -1),
        changed(switched, 3, []),  # nobody is believed
        changed(switched, 3, [*der, *der, der[0]]),  # too many
        changed(switched, 3, [der[0], der[0]]),
        changed(switched, 3, [der[0], b"garbage"]),
        changed(switched, 3, [der[0]]),  # who signs is not in it
        changed(switched, 4, b"short"),
        b"",
        b"\xc0",
    ):
        with pytest.raises(MalformedTrust):
            decode_trust_list(data)


def test_a_node_certificate_is_no_authority_of_a_list(switched: TrustList, new: Authority) -> None:
    _, request = make_request("node-a")
    leaf = x509.load_pem_x509_certificate(new.sign(request, "node-a", (), LATER))
    der = msgspec.msgpack.decode(switched.encode())[0][3]
    with pytest.raises(MalformedTrust, match="not that of a cluster"):
        decode_trust_list(changed(switched, 3, [der[0], der[1], leaf.public_bytes(Encoding.DER)]))
