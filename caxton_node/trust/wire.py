"""What nodes tell each other about their certificates and whom they trust, always inside mutual TLS."""

from __future__ import annotations

from typing import Annotated, TypeVar

import msgspec

from caxton_node.core.errors import InvalidArgument

Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
T = TypeVar("T")


class Shown(msgspec.Struct, array_like=True, frozen=True):
    """What a node tells of its certificate and its trust; nothing in it is secret.

    Attributes:
        subject: Of its certificate.
        serial: Of its certificate, hexadecimal.
        issuer: Fingerprint of the authority that signed it.
        not_before_s: Begin of its life, seconds since 1970.
        not_after_s: End of its life.
        state: Where it stands in its life: valid, renewal-due, expired, not-yet-valid.
        revision: Of its trust list.
        digest: Of its trust list.
        primary: Fingerprint of the authority that it lets sign.
        authorities: Fingerprints of those that it trusts, the oldest first.
        keys: Fingerprints of those whose key it holds.
        revocations: How many it holds.
        revocations_digest: Of them.
        clock_us: Its wall clock, microseconds since 1970.
        trouble: Why its last renewal failed; empty when it did not.
    """

    subject: str = ""
    serial: str = ""
    issuer: str = ""
    not_before_s: Count = 0
    not_after_s: Count = 0
    state: str = ""
    revision: Count = 0
    digest: str = ""
    primary: str = ""
    authorities: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    revocations: Count = 0
    revocations_digest: str = ""
    clock_us: Count = 0
    trouble: str = ""


class Compared(msgspec.Struct, array_like=True, frozen=True):
    """What a node trusts, to be compared: equal digests need no more words."""

    digest: str = ""
    revision: Count = 0
    revocations_digest: str = ""


class Bundle(msgspec.Struct, array_like=True, frozen=True):
    """What one node lets another take over; an empty part is the same on both, or not asked for.

    Attributes:
        trust: A trust list.
        revocations: All that are in force.
        bridge: From the authority before to the one that signs now, PEM.
    """

    trust: bytes = b""
    revocations: bytes = b""
    bridge: bytes = b""


class RenewalRequest(msgspec.Struct, array_like=True, frozen=True):
    """A request to sign another certificate for the node that asks.

    Attributes:
        csr_pem: For a key of its own.
        certificate_pem: The one that it has: the new one is for the same hosts and no others.
    """

    csr_pem: bytes = b""
    certificate_pem: bytes = b""


class Signed(msgspec.Struct, array_like=True, frozen=True):
    """A node certificate with whom to trust.

    Attributes:
        certificate_pem: Of the node that asked.
        trust: The trust list of who signed, so that the certificate is never older than the trust in it.
    """

    certificate_pem: bytes = b""
    trust: bytes = b""


class RevocationRequest(msgspec.Struct, array_like=True, frozen=True):
    """A wish to have a node's certificates revoked.

    Attributes:
        node: Whose.
        reason: In somebody's words.
        by: Who wishes it.
    """

    node: str = ""
    reason: str = ""
    by: str = ""


class StepRequest(msgspec.Struct, array_like=True, frozen=True):
    """A wish to have the next trust list of a rotation signed.

    Attributes:
        step: Which one.
        digest: The trust list that it is to follow.
        force: Whether the old CA goes even if somebody needs it.
    """

    step: str = ""
    digest: str = ""
    force: bool = False


class KeyRequest(msgspec.Struct, array_like=True, frozen=True):
    """A proof that a node holds the key of an authority, given for the keys that it lacks.

    Attributes:
        authority: Fingerprint of the one whose key it holds.
        signature: By that key.
        wanted: Fingerprint of the one whose key it lacks.
    """

    authority: str = ""
    signature: bytes = b""
    wanted: str = ""


encode = msgspec.msgpack.Encoder().encode


def decode(payload: bytes, kind: type[T]) -> T:
    """Read what another node sent.

    Raises:
        InvalidArgument: It is something else; the peer's fault.
    """
    try:
        return msgspec.msgpack.decode(payload, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise InvalidArgument("what another node says of trust cannot be read", why=str(err)) from err
