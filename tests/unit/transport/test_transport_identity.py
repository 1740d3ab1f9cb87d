from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.certificates import Pki, serial_of
from transport import Credentials, EndReason, InvalidCredentials, PeerRefused
from transport.identity import Identity, judge, recheck
from transport.trust import trust_of

pytestmark = pytest.mark.story("022")


@pytest.fixture(scope="module")
def pki() -> Pki:
    return Pki("home")


def ask(
    shown: Credentials,
    trusting: Credentials,
    *,
    expected: str | None = None,
    later: float = 0,
    dialled: bool = True,
) -> Identity:
    certificate = x509.load_pem_x509_certificate(shown.certificate_pem)
    now = datetime.now(UTC) + timedelta(days=later)
    return judge(certificate, trust_of(trusting), now, peer_dialled=dialled, expected=expected)


def refusal(shown: Credentials, trusting: Credentials, **how: object) -> PeerRefused:
    with pytest.raises(PeerRefused) as caught:
        ask(shown, trusting, **how)  # type: ignore[arg-type]  # keywords of ask
    return caught.value


def test_a_good_certificate_proves_its_node(pki: Pki) -> None:
    shown = pki.credentials("node-x")
    identity = ask(shown, pki.credentials("node-a"), expected="node-x")
    assert (identity.node_id, identity.serial_number) == ("node-x", serial_of(shown))
    assert ask(shown, pki.credentials("node-a"), dialled=False).node_id == "node-x"


def test_dates_are_judged_by_the_time_that_is_given(pki: Pki) -> None:
    shown, trusting = pki.credentials("node-x"), pki.credentials("node-a")
    assert refusal(shown, trusting, later=400).reason is EndReason.EXPIRED
    assert refusal(shown, trusting, later=-1).reason is EndReason.NOT_YET_VALID


def test_each_broken_rule_has_its_own_word(pki: Pki) -> None:
    trusting = pki.credentials("node-a")
    server_only = pki.odd_credentials("node-x", usages=[ExtendedKeyUsageOID.SERVER_AUTH])
    cases = {
        EndReason.UNKNOWN_AUTHORITY: pki.foreign_credentials("node-x"),
        EndReason.OTHER_CLUSTER: pki.other_cluster_credentials("node-x"),
        EndReason.BAD_IDENTITY: pki.odd_credentials("node-x", common_name="node-y"),
        EndReason.WRONG_USAGE: server_only,
    }
    for reason, shown in cases.items():
        assert refusal(shown, trusting).reason is reason
    assert ask(server_only, trusting, dialled=False).node_id == "node-x"


@pytest.mark.parametrize(
    "uri",
    ["spiffe://home/node/", "spiffe://home/workload/node-x", "https://home/node/node-x", "spiffe://node-x"],
)
def test_a_uri_of_another_form_is_no_identity(pki: Pki, uri: str) -> None:
    shown = pki.odd_credentials("node-x", uri=uri)
    assert refusal(shown, pki.credentials("node-a")).reason in {
        EndReason.BAD_IDENTITY,
        EndReason.OTHER_CLUSTER,
    }


@pytest.mark.parametrize("dialled", [True, False])
def test_the_certificate_of_a_client_of_the_api_opens_no_link(pki: Pki, *, dialled: bool) -> None:
    made = pki.authority.sign_client(
        "node-x", ec.generate_private_key(ec.SECP256R1()).public_key(), datetime.now(UTC)
    )
    shown = replace(pki.credentials("node-x"), certificate_pem=made)
    reason = refusal(shown, pki.credentials("node-a"), dialled=dialled).reason
    assert reason is (EndReason.BAD_IDENTITY if dialled else EndReason.WRONG_USAGE)


def test_a_denied_serial_is_refused(pki: Pki) -> None:
    shown = pki.credentials("node-x")
    trusting = pki.credentials("node-a", denied_serials=frozenset({serial_of(shown)}))
    assert refusal(shown, trusting).reason is EndReason.REVOKED
    assert ask(pki.credentials("node-x"), trusting)


def test_the_node_that_was_dialled_must_be_there(pki: Pki) -> None:
    error = refusal(pki.credentials("node-x"), pki.credentials("node-a"), expected="node-y")
    assert (error.reason, error.detail) == (EndReason.WRONG_NODE, "found node-x, expected node-y")


def test_the_authority_itself_is_no_node(pki: Pki) -> None:
    own = replace(pki.credentials("node-a"), certificate_pem=pki.authority.certificate_pem)
    assert refusal(own, pki.credentials("node-a")).reason is EndReason.WRONG_USAGE


def test_while_authorities_change_both_are_trusted(pki: Pki) -> None:
    other = Pki("home")
    both = replace(
        pki.credentials("node-a"), ca_pem=other.authority.certificate_pem + pki.authority.certificate_pem
    )
    assert ask(other.credentials("node-x"), both).node_id == "node-x"
    assert ask(pki.credentials("node-x"), both).node_id == "node-x"


def test_trust_without_an_authority_is_refused(pki: Pki) -> None:
    with pytest.raises(InvalidCredentials):
        trust_of(replace(pki.credentials("node-a"), ca_pem=b"garbage"))


def test_every_refusal_has_words_for_people() -> None:
    for reason in EndReason:
        assert "-" not in reason.sentence
    assert EndReason.EXPIRED.is_refusal
    assert not EndReason.DOUBLE_DIAL.is_refusal


def test_a_node_that_is_denied_is_refused_until_it_has_a_later_certificate(pki: Pki) -> None:
    shown, now = pki.credentials("node-x"), datetime.now(UTC)
    trusting = pki.credentials("node-a")
    began = ask(shown, trusting).not_before
    for since, refused in ((began, False), (began + timedelta(seconds=1), True), (now, True)):
        denying = replace(trusting, denied_nodes={"node-x": since, "node-z": now})
        if refused:
            assert refusal(shown, denying).reason is EndReason.REVOKED
        else:
            assert ask(shown, denying).node_id == "node-x"
    assert ask(shown, replace(trusting, denied_nodes={"node-y": now})).node_id == "node-x"


def test_weak_keys_and_signatures_are_refused(pki: Pki) -> None:
    trusting = pki.credentials("node-a")
    for key, words in (
        (rsa.generate_private_key(public_exponent=65537, key_size=1024), "an RSA key of 1024 bits"),
        (ec.generate_private_key(ec.SECP192R1()), "a key on a curve of 192 bits"),
        (ec.generate_private_key(ec.SECP224R1()), "a key on a curve of 224 bits"),
    ):
        error = refusal(pki.odd_credentials("node-x", key=key), trusting)
        assert (error.reason, error.detail) == (EndReason.WEAK_KEY, words)
    error = refusal(pki.sha1_credentials("node-x"), trusting)
    assert (error.reason, error.detail) == (EndReason.WEAK_KEY, "a signature over sha1")


def test_strong_keys_of_other_kinds_are_taken(pki: Pki) -> None:
    for key in (
        rsa.generate_private_key(public_exponent=65537, key_size=2048),
        ec.generate_private_key(ec.SECP384R1()),
    ):
        assert ask(pki.odd_credentials("node-x", key=key), pki.credentials("node-a")).node_id == "node-x"


def test_a_certificate_of_an_authority_that_has_ended_is_refused(pki: Pki) -> None:
    shown = pki.odd_credentials("node-x", until_days=5000)
    error = refusal(shown, pki.credentials("node-a"), later=4000)
    assert error.reason is EndReason.EXPIRED
    assert error.detail.startswith("the authority ended ")


@pytest.mark.parametrize(
    ("since_s", "until_s", "reason"),
    [(40, 9999, EndReason.NOT_YET_VALID), (-9999, -40, EndReason.EXPIRED)],
)
def test_a_near_miss_is_said_to_be_about_clocks(
    pki: Pki, since_s: int, until_s: int, reason: EndReason
) -> None:
    day = 86400
    near = pki.odd_credentials("node-x", since_days=since_s / day, until_days=until_s / day)
    error = refusal(near, pki.credentials("node-a"))
    assert error.reason is reason
    assert "the clocks of the two nodes may differ" in error.detail
    assert "clocks" not in refusal(pki.expired_credentials("node-x"), pki.credentials("node-a")).detail


def test_a_certificate_says_who_signed_it_among_authorities_of_one_name(pki: Pki) -> None:
    other = Pki("home")
    both = replace(
        pki.credentials("node-a"), ca_pem=other.authority.certificate_pem + pki.authority.certificate_pem
    )
    for signer in (pki, other):
        assert ask(signer.credentials("node-x"), both).authority == signer.authority.fingerprint


def test_a_live_peer_is_asked_again_when_trust_changes(pki: Pki) -> None:
    shown, now = pki.credentials("node-x"), datetime.now(UTC)
    trusting = pki.credentials("node-a")
    identity = ask(shown, trusting)
    later = now + timedelta(days=400)
    cases = {
        None: (trusting, now),
        EndReason.EXPIRED: (trusting, later),
        EndReason.NOT_YET_VALID: (trusting, now - timedelta(days=1)),
        EndReason.UNKNOWN_AUTHORITY: (Pki("home").credentials("node-a"), now),
        EndReason.REVOKED: (replace(trusting, denied_serials=frozenset({serial_of(shown)})), now),
    }
    for reason, (credentials, at) in cases.items():
        error = recheck(identity, trust_of(credentials), at)
        assert (error and error.reason) is reason
    denied = recheck(identity, trust_of(replace(trusting, denied_nodes={"node-x": now})), now)
    assert denied is not None
    assert denied.reason is EndReason.REVOKED
