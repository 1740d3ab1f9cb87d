"""Proves at start-up, over real loopback sockets, that bad certificates do not get in.

The mutual TLS of QUIC rests on a hook into aioquic, that of TCP on OpenSSL and its settings. A node that runs
with either of them not working would look healthy and be open to anyone. So before it joins it tries: against
its own credentials, a stranger without a certificate and one with another authority's; against a throw-away
authority, whose key it has, an expired certificate, a wrong node id, a certificate for servers only and a
node that was revoked. It takes less than a second.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from transport import tls
from transport.credentials import Credentials
from transport.errors import LinkFailed, PeerRefused, SelfTestFailed
from transport.faults import EndReason
from transport.frames import CONTROL_LANE, Frame, FrameType, encode_frame
from transport.links.contract import CONTROL, Address, Link
from transport.links.sockets import OpenPort, open_sockets
from transport.scratch_authority import BOTH_USAGES, ScratchAuthority
from transport.settings import Settings

_HOST = "127.0.0.1"
_TIMEOUT_S = 15.0  # it takes 0.3 s of one core; a machine that is starting may have eight times that to do
_STRANGER = "self-test-stranger"
_REVOKED = "self-test-revoked"


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
    scratch = ScratchAuthority(credentials.cluster)
    denied = {_REVOKED: datetime.now(UTC) + timedelta(days=1)}
    throwaway = replace(scratch.credentials(credentials.node_id), denied_nodes=denied)
    own = [_Attempt("good", credentials, None), *_bad_at_own(credentials, scratch)]
    other = [_Attempt("good", scratch.credentials(_STRANGER), None), *_bad_at_scratch(scratch)]
    tls.build(credentials)  # complains before anything is open
    try:
        async with asyncio.timeout(_TIMEOUT_S):
            groups = await asyncio.gather(
                _try_all(credentials, own, settings),
                _try_all(throwaway, other, settings),
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


def _bad_at_own(credentials: Credentials, scratch: ScratchAuthority) -> list[_Attempt]:
    stranger = replace(scratch.credentials(_STRANGER), ca_pem=credentials.ca_pem)
    return [
        _Attempt("no certificate", replace(credentials, certificate_pem=b""), EndReason.NO_CERTIFICATE),
        _Attempt("another authority", stranger, EndReason.UNKNOWN_AUTHORITY),
    ]


def _bad_at_scratch(scratch: ScratchAuthority) -> list[_Attempt]:
    for_servers = scratch.credentials(_STRANGER, usages=BOTH_USAGES[:1])
    other_names = scratch.credentials(_STRANGER, shown="someone-else")
    return [
        _Attempt("expired", scratch.credentials(_STRANGER, expired=True), EndReason.EXPIRED),
        _Attempt("wrong node id", other_names, EndReason.BAD_IDENTITY),
        _Attempt("for servers only", for_servers, EndReason.WRONG_USAGE),
        _Attempt("revoked", scratch.credentials(_REVOKED), EndReason.REVOKED),
    ]


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
