"""The self-test passes on a sound node and fails as soon as either kind of link lets a bad certificate in."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support.certificates import Pki
from transport import EndReason, InvalidCredentials, PeerRefused, SelfTestFailed, selftest, tls
from transport.identity import Identity
from transport.links import quic_hook, quic_link, tcp_link

pytestmark = pytest.mark.story("022")


async def test_a_sound_node_passes_and_says_what_was_tried() -> None:
    checks = await selftest.check(Pki().credentials("node-a"))
    assert len(checks) == 16
    assert {check.kind for check in checks} == {"quic", "tcp"}
    refused = {check.name: check.outcome for check in checks if check.kind == "quic"}
    assert refused == {
        "good": None,
        "no certificate": EndReason.NO_CERTIFICATE,
        "another authority": EndReason.UNKNOWN_AUTHORITY,
        "expired": EndReason.EXPIRED,
        "wrong node id": EndReason.BAD_IDENTITY,
        "for servers only": EndReason.WRONG_USAGE,
        "revoked": EndReason.REVOKED,
    }


async def test_a_quic_hook_that_does_not_judge_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quic_hook, "judge", judge_nothing)
    with pytest.raises(SelfTestFailed, match="got in over quic"):
        await selftest.check(Pki().credentials("node-a"))


async def test_a_quic_hook_that_is_not_there_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quic_hook._MeshContext, "_server_handle_certificate", bare_certificate)
    with pytest.MonkeyPatch.context() as only_the_hook:
        only_the_hook.setattr(quic_hook._MeshContext, "_server_handle_certificate", bare_certificate)
        await selftest.check(Pki().credentials("node-a"))  # the check after the handshake fails closed
    anyone = anybody(1)
    monkeypatch.setattr(quic_link, "proved_identity", lambda *_: anyone)
    with pytest.raises(SelfTestFailed, match="got in over quic"):
        await selftest.check(Pki().credentials("node-a"))


async def test_a_tls_context_that_asks_for_no_certificate_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = tls.build

    def lax(*args: Any) -> tls.TlsState:
        state = real(*args)
        state.server.verify_mode = ssl.CERT_NONE
        return state

    monkeypatch.setattr(tls, "build", lax)
    with pytest.raises(SelfTestFailed, match="over tcp"):
        await selftest.check(Pki().credentials("node-a"))


async def test_a_tcp_link_that_judges_nobody_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tcp_link, "judge", judge_nothing)
    with pytest.raises(SelfTestFailed, match="got in over tcp"):
        await selftest.check(Pki().credentials("node-a"))


async def test_a_node_that_would_not_let_itself_in_does_not_start() -> None:
    with pytest.raises(SelfTestFailed, match="'good' ended with"):
        await selftest.check(Pki().expired_credentials("node-a"))
    broken = replace(Pki().credentials("node-a"), key_pem=b"garbage")
    with pytest.raises(InvalidCredentials):
        await selftest.check(broken)


async def test_the_hook_fails_closed_when_nobody_was_proved() -> None:
    verdict = quic_hook.Verdict(None, None)  # type: ignore[arg-type]  # not looked at
    with pytest.raises(PeerRefused) as caught:
        quic_hook.proved_identity(type("Connection", (), {"tls": None})(), verdict)
    assert caught.value.reason is EndReason.NO_CERTIFICATE


def anybody(serial_number: int) -> Identity:
    """Return an identity that nothing has proved."""
    now, day = datetime.now(UTC), timedelta(days=1)
    return Identity("anyone", serial_number, now + day, now - day, "")


def judge_nothing(certificate: Any, *_: object, **__: object) -> Identity:
    """Let everybody in."""
    return anybody(certificate.serial_number)


def bare_certificate(self: Any, input_buf: Any) -> None:
    """Do what aioquic does without the hook: let a client without a certificate in."""
    super(quic_hook._MeshContext, self)._server_handle_certificate(input_buf)
