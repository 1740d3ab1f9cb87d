"""Proves at start-up, over real loopback sockets, that bad certificates do not get in.

The mutual TLS of QUIC rests on a hook into aioquic, that of TCP on OpenSSL and its settings. A node that runs
with either of them not working would look healthy and be open to anyone. So before it joins it tries: against
its own credentials, a stranger without a certificate and one with another authority's; against a throw-away
authority, whose key it has, an expired certificate and a wrong node id. It takes less than a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from transport import tls
from transport.credentials import Credentials
from transport.errors import LinkFailed, PeerRefused, SelfTestFailed
from transport.faults import EndReason
from transport.frames import CONTROL_LANE, Frame, FrameType, encode_frame
from transport.identity import dns_name
from transport.links.contract import CONTROL, Address, Link
from transport.links.sockets import OpenPort, open_sockets
from transport.settings import Settings

_HOST = "127.0.0.1"
_TIMEOUT_S = 5.0
_STRANGER = "self-test-stranger"


@dataclass(frozen=True, slots=True)
class Check:
    """One attempt and what came of it.

    Attributes:
        kind: `quic` or `tcp`.
        name: Who tried to get in.
        outcome: The reason of the refusal, or None when it got in.
        passed: Whether that is as it must be.
    """

    kind: str
    name: str
    outcome: EndReason | None
    passed: bool


async def check(credentials: Credentials, settings: Settings | None = None) -> list[Check]:
    """Try to get into servers of this node with bad certificates and with a good one.

    Args:
        credentials: Those that the node is going to use.
        settings: Timeouts; the defaults suit.

    Returns:
        What was tried, in no order, for the start-up log.

    Raises:
        SelfTestFailed: A bad certificate got in or the good one did not; the node must not start.
        InvalidCredentials: They do not belong together.
    """
    settings = settings or Settings()
    scratch = _Scratch(credentials.cluster)
    refuse_at_own = [
        _Attempt("no certificate", replace(credentials, certificate_pem=b""), EndReason.NO_CERTIFICATE),
        _Attempt(
            "another authority",
            replace(scratch.credentials(_STRANGER), ca_pem=credentials.ca_pem),
            EndReason.UNKNOWN_AUTHORITY,
        ),
    ]
    refuse_at_scratch = [
        _Attempt("expired", scratch.credentials(_STRANGER, expired=True), EndReason.EXPIRED),
        _Attempt(
            "wrong node id", scratch.credentials(_STRANGER, shown="someone-else"), EndReason.BAD_IDENTITY
        ),
    ]
    own = [_Attempt("good", credentials, None), *refuse_at_own]
    other = [_Attempt("good", scratch.credentials(_STRANGER), None), *refuse_at_scratch]
    tls.build(credentials)  # complains before anything is open
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            groups = await asyncio.gather(
                _try_all(credentials, own, settings),
                _try_all(scratch.credentials(credentials.node_id), other, settings),
            )
    except TimeoutError as err:
        raise SelfTestFailed(f"a handshake on loopback did not end within {_TIMEOUT_S:g} s") from err
    checks = [each for group in groups for each in group]
    for each in checks:
        if not each.passed:
            found = "got in" if each.outcome is None else f"ended with {each.outcome.value!r}"
            raise SelfTestFailed(f"{each.name!r} {found} over {each.kind}; the mesh is not safe to open")
    return checks


@dataclass(frozen=True, slots=True)
class _Attempt:
    """Someone who tries to get in, and what must come of it."""

    name: str
    credentials: Credentials
    wanted: EndReason | None


@dataclass(slots=True)
class _Door:
    """The accepting side: answers every frame, so that a dialler knows that it is in."""

    refused: list[EndReason] = field(default_factory=list)

    def handle_accepted(self, link: Link) -> None:
        link.receiver = self

    def handle_refused(self, source: Address, error: PeerRefused | LinkFailed) -> None:  # noqa: ARG002 - Acceptor
        self.refused.append(error.reason)

    def handle_frame(self, link: Link, frame: Frame) -> None:  # noqa: ARG002 - Receiver
        link.write(CONTROL, encode_frame(FrameType.PONG, CONTROL_LANE, b""))

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:
        """Take no notice."""


class _Answer:
    """The dialling side: waits for an answer or the end."""

    def __init__(self) -> None:
        self.came: asyncio.Future[EndReason | None] = asyncio.get_running_loop().create_future()

    def handle_frame(self, link: Link, frame: Frame) -> None:  # noqa: ARG002 - Receiver
        if not self.came.done():
            self.came.set_result(None)

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:  # noqa: ARG002 - Receiver
        if not self.came.done():
            self.came.set_result(reason)


async def _try_all(server: Credentials, attempts: list[_Attempt], settings: Settings) -> list[Check]:
    door = _Door()
    port = await _open(server, settings, door)
    try:
        tries = [_try(port, server, each, kind, settings) for each in attempts for kind in port.carriers]
        return await asyncio.gather(*tries)
    finally:
        await _shut(port)


async def _try(
    target: OpenPort, server: Credentials, attempt: _Attempt, kind: str, settings: Settings
) -> Check:
    port = await _open(attempt.credentials, settings, _Door())
    try:
        outcome = await _dial(port, kind, server.node_id, (_HOST, target.port))
    finally:
        await _shut(port)
    # TCP's alerts are vaguer than our words, so what counts is whether it was refused, not the word
    passed = outcome is None if attempt.wanted is None else outcome is not None and outcome.is_refusal
    return Check(kind, attempt.name, outcome, passed)


async def _dial(port: OpenPort, kind: str, node_id: str, address: Address) -> EndReason | None:
    try:
        link = await port.carriers[kind].dial(node_id, address)
    except (PeerRefused, LinkFailed) as err:
        return err.reason
    answer = _Answer()
    link.receiver = answer
    link.write(CONTROL, encode_frame(FrameType.PING, CONTROL_LANE, b""))
    outcome = await answer.came
    link.close(EndReason.CLOSING)
    return outcome


async def _open(credentials: Credentials, settings: Settings, door: _Door) -> OpenPort:
    return await open_sockets(tls.build(credentials), settings, door, _drop_gossip, host=_HOST, port=0)


async def _shut(port: OpenPort) -> None:
    for carrier in port.carriers.values():
        await carrier.close()
    port.close()


def _drop_gossip(datagram: bytes, source: Address) -> None:
    """Take no notice."""


class _Scratch:
    """An authority that exists for this test alone."""

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self-test")])
        self._now = datetime.now(UTC)
        builder = self._builder(self._name, self._key.public_key(), days=1)
        self._certificate = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        ).sign(self._key, hashes.SHA256())

    def credentials(self, node_id: str, *, expired: bool = False, shown: str | None = None) -> Credentials:
        """Return credentials for a node; `shown` puts another id into the names beside the common name."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node_id)])
        named = shown or node_id
        names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(f"spiffe://{self._cluster}/node/{named}"),
            x509.DNSName(dns_name(named)),
        ]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        certificate = (
            self._builder(subject, key.public_key(), days=-1 if expired else 1)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, hashes.SHA256())
        )
        pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
        return Credentials(
            node_id=node_id,
            cluster=self._cluster,
            certificate_pem=certificate.public_bytes(pem),
            key_pem=key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain),
            ca_pem=self._certificate.public_bytes(pem),
        )

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, days: int
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=2))
            .not_valid_after(self._now + timedelta(days=days))
        )
