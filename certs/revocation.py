"""One denial: a node's certificates are worth nothing any more, although they are inside their dates.

It names either one certificate, by its serial number, or every certificate of a node that begins before
`since`. The second is what "revoke node-7" means: nobody need know which certificates node-7 has been given,
and it can be let in again on purpose, by a certificate that begins later. So there is no way to take a denial
back, and none is needed.

An authority signs it, so a node that holds no CA key cannot shut others out by itself.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec

from certs.authority import CLOCK_SKEW, Authority
from certs.endorsement import SIGNATURE_BYTES_MAX, Purpose, is_signed_by
from certs.errors import InvalidName, MalformedTrust, UntrustedRevocation
from certs.names import check_node_id
from certs.trust_list import TrustList

VERSION = 1
REASON_BYTES_MAX = 200
_SERIAL_BYTES = 20
_FINGERPRINT_BYTES = 32
_Second = Annotated[int, msgspec.Meta(ge=0, le=253_402_300_799)]


class _Statement(msgspec.Struct, array_like=True, frozen=True):
    """What is signed."""

    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    node_id: str
    serial: Annotated[bytes, msgspec.Meta(min_length=1, max_length=_SERIAL_BYTES)] | None
    since_unix_s: _Second
    until_unix_s: _Second
    reason: Annotated[str, msgspec.Meta(max_length=REASON_BYTES_MAX)]
    revision: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    authority: Annotated[bytes, msgspec.Meta(min_length=_FINGERPRINT_BYTES, max_length=_FINGERPRINT_BYTES)]


class _Written(msgspec.Struct, array_like=True, frozen=True):
    """A denial as it travels."""

    statement: _Statement
    signature: Annotated[bytes, msgspec.Meta(max_length=SIGNATURE_BYTES_MAX)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Written).decode


@dataclass(frozen=True, slots=True)
class Revocation:
    """A denial of certificates.

    Attributes:
        node_id: Whose they are.
        serial: The certificate; None for all of the node that begin before `since`.
        since: When it was denied; whole seconds, as in certificates.
        until: When the last certificate that it denies has ended anyway, so that it can be forgotten.
        reason: For people; at most 200 bytes.
        revision: Of the trust list in force when it was signed.
        authority: Fingerprint of who signed it.
        signature: By that authority.
    """

    node_id: str
    serial: int | None
    since: datetime
    until: datetime
    reason: str
    revision: int
    authority: str
    signature: bytes

    @property
    def statement(self) -> bytes:
        """Return what its authority signs."""
        return _encode(self._contents())

    @property
    def id(self) -> str:
        """Return a short name for it; the same denial signed by another authority has another."""
        return hashlib.sha256(self.statement).hexdigest()[:16]

    @property
    def rank(self) -> tuple[datetime, datetime, int, bytes]:
        """Return by what it is compared with others about the same certificates: the larger one holds."""
        return self.since, self.until, self.revision, self.statement

    def denies(self, node_id: str, *, serial: int, not_before: datetime) -> bool:
        """Say whether a certificate is denied by this."""
        if self.serial is not None:
            return serial == self.serial
        return node_id == self.node_id and not_before < self.since

    def verify(self, trust: TrustList, now: datetime) -> None:
        """Check that it is to be believed.

        Raises:
            UntrustedRevocation: Its authority is not in force, has not signed it, or it begins later than
                clocks may differ: it would deny certificates that are yet to be made.
        """
        authority = trust.find(self.authority)
        if authority is None:
            raise UntrustedRevocation(f"revocation {self.id} is signed by nobody who is believed")
        if not is_signed_by(
            authority, Purpose.REVOCATION, statement=self.statement, signature=self.signature
        ):
            raise UntrustedRevocation(f"revocation {self.id} does not carry the signature that it names")
        if self.since > now + CLOCK_SKEW:
            raise UntrustedRevocation(
                f"revocation {self.id} begins {self.since.isoformat()}, and it is {now.isoformat()} here:"
                " the clocks of the two nodes differ"
            )

    def signed_by(self, authority: Authority, revision: int) -> Revocation:
        """Return the same denial, signed by another authority at a later revision."""
        unsigned = replace(self, authority=authority.fingerprint, revision=revision)
        signature = authority.endorse(Purpose.REVOCATION, unsigned.statement).signature
        return replace(unsigned, signature=signature)

    def encode(self) -> bytes:
        """Write it as it travels: at most 512 bytes, so one fits into a gossip datagram."""
        return _encode(_Written(self._contents(), self.signature))

    def _contents(self) -> _Statement:
        return _Statement(
            VERSION,
            self.node_id,
            None if self.serial is None else self.serial.to_bytes(_SERIAL_BYTES, "big"),
            int(self.since.timestamp()),
            int(self.until.timestamp()),
            self.reason,
            self.revision,
            bytes.fromhex(self.authority),
        )


def revoke(
    authority: Authority,
    node_id: str,
    now: datetime,
    *,
    serial: int | None = None,
    reason: str = "",
    revision: int = 0,
    lifetime_days: float | None = None,
    until: datetime | None = None,
) -> Revocation:
    """Deny a node's certificates, or one of them.

    Args:
        authority: Signs the denial; the one that signs node certificates now.
        node_id: Whose certificates.
        now: The present, with a time zone; rounded up to whole seconds, since certificates have no others.
        serial: Only this certificate.
        reason: For people; cut to 200 bytes, unprintable characters are dropped.
        revision: Of the trust list in force.
        lifetime_days: The longest that certificates live; the denial is forgotten after that.
        until: When it can be forgotten, where that is known. Without either, when the authority itself ends,
            which no certificate of it outlives.

    Raises:
        InvalidName: `node_id` is not a node id.
    """
    since = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1 if now.microsecond else 0)
    if until is None:
        # a day more, because who signed may have had a clock ahead of this one
        until = (
            authority.certificate.not_valid_after_utc
            if lifetime_days is None
            else since + timedelta(days=lifetime_days + 1)
        )
    until = until.astimezone(UTC).replace(microsecond=0)
    unsigned = Revocation(
        check_node_id(node_id), serial, since, until, _printable(reason), revision, authority.fingerprint, b""
    )
    return unsigned.signed_by(authority, revision)


def decode_revocation(data: bytes) -> Revocation:
    """Read one denial; whether it is to be believed is for `Revocation.verify` to say.

    Raises:
        MalformedTrust: It is none, or of a later version.
    """
    try:
        written = _decode(data)
        said = written.statement
        return Revocation(
            check_node_id(said.node_id),
            None if said.serial is None else int.from_bytes(said.serial, "big"),
            datetime.fromtimestamp(said.since_unix_s, UTC),
            datetime.fromtimestamp(said.until_unix_s, UTC),
            said.reason,
            said.revision,
            said.authority.hex(),
            written.signature,
        )
    except (msgspec.DecodeError, UnicodeDecodeError, InvalidName) as err:
        raise MalformedTrust(f"a revocation cannot be read: {err}") from err


def _printable(reason: str) -> str:
    kept = "".join(character for character in reason if character.isprintable())
    return kept.encode()[:REASON_BYTES_MAX].decode(errors="ignore")
