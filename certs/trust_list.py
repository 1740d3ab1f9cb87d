"""Which authorities a cluster believes, as a list that only an authority can change.

Every list has a revision. A node takes a later list if an authority that it believes already has signed it.
So a node that holds no CA key cannot change whom others believe, and one that was away catches up in one
step: who makes a list signs it with every CA key at hand, the old one and the new one.

Two signers may make a list of the same revision at once. Then the one with the larger digest holds: everybody
decides the same without asking, and the other signer sees that its change was overtaken.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from certs import pem
from certs.authority import Authority, cluster_of
from certs.endorsement import SIGNATURE_BYTES_MAX, Endorsement, Purpose, is_signed_by
from certs.errors import CertificateError, MalformedTrust, NotASigner, UntrustedList

AUTHORITIES_MAX = 4
VERSION = 1
_FINGERPRINT_BYTES = 32

_Fingerprint = Annotated[bytes, msgspec.Meta(min_length=_FINGERPRINT_BYTES, max_length=_FINGERPRINT_BYTES)]
_Signature = Annotated[bytes, msgspec.Meta(max_length=SIGNATURE_BYTES_MAX)]
_Der = Annotated[bytes, msgspec.Meta(max_length=4096)]


class _Contents(msgspec.Struct, array_like=True, frozen=True):
    """What is signed."""

    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    cluster: str
    revision: Annotated[int, msgspec.Meta(ge=0, le=2**53)]
    authorities: Annotated[list[_Der], msgspec.Meta(min_length=1, max_length=AUTHORITIES_MAX)]
    primary: _Fingerprint


class _Written(msgspec.Struct, array_like=True, frozen=True):
    """A list as it travels."""

    contents: _Contents
    endorsements: Annotated[
        list[tuple[_Fingerprint, _Signature]], msgspec.Meta(max_length=2 * AUTHORITIES_MAX)
    ]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Written).decode


@dataclass(frozen=True, slots=True)
class TrustList:
    """The authorities in force.

    Attributes:
        cluster: Whose they are.
        revision: Counts changes; 0 for what a node has that knows nothing but its `ca.crt`.
        authorities: Their certificates, the oldest first; never empty.
        primary: Fingerprint of the one that signs node certificates now.
        signatures: By whom the list is vouched for; empty at revision 0.
    """

    cluster: str
    revision: int
    authorities: tuple[x509.Certificate, ...]
    primary: str
    signatures: tuple[Endorsement, ...] = ()

    @classmethod
    def initial(cls, ca_pem: bytes) -> TrustList:
        """Return what a node believes that has only CA certificates; the first one signs.

        Raises:
            UnreadableFile: There is not one certificate in it.
            AuthorityMismatch: One is not the CA of a cluster.
        """
        authorities = pem.load_certificates(ca_pem, "the CA certificate")
        return _checked(
            cls(cluster_of(authorities[0]), 0, tuple(authorities), pem.fingerprint(authorities[0]))
        )

    @property
    def fingerprints(self) -> tuple[str, ...]:
        """Return who is believed, in the order of `authorities`."""
        return tuple(pem.fingerprint(authority) for authority in self.authorities)

    @property
    def ca_pem(self) -> bytes:
        """Return the certificates as PEM, the primary's first."""
        ordered = sorted(self.authorities, key=lambda each: pem.fingerprint(each) != self.primary)
        return b"".join(pem.dump_certificate(authority) for authority in ordered)

    @property
    def digest(self) -> str:
        """Return a digest of what the list says, without who signed it."""
        return hashlib.sha256(self._statement()).hexdigest()

    def find(self, fingerprint: str) -> x509.Certificate | None:
        """Return the certificate of an authority in force, or None."""
        return next((each for each in self.authorities if pem.fingerprint(each) == fingerprint), None)

    def endorsed(self, signers: Iterable[Authority]) -> TrustList:
        """Return the list with the signatures of these authorities and no others."""
        statement = self._statement()
        return replace(
            self, signatures=tuple(each.endorse(Purpose.TRUST_LIST, statement) for each in signers)
        )

    def outranks(self, other: TrustList) -> bool:
        """Say whether this list takes the place of another one, if it is to be believed."""
        if self.revision != other.revision:
            return self.revision > other.revision
        return self.revision > 0 and self.digest > other.digest

    def verify(self, trusted: TrustList, now: datetime) -> None:
        """Check that this list follows from one that is believed.

        Raises:
            UntrustedList: It is another cluster's, nobody in `trusted` has signed it, or its signer of node
                certificates is outside its dates.
        """
        if self.cluster != trusted.cluster:
            raise UntrustedList(f"the trust list is of cluster {self.cluster!r}, not of {trusted.cluster!r}")
        if not self._is_endorsed_by(trusted):
            raise UntrustedList(
                f"trust list {self.revision} is signed by none of the authorities"
                f" that are believed at revision {trusted.revision}"
            )
        primary = self.find(self.primary)
        if primary is None or not primary.not_valid_before_utc <= now <= primary.not_valid_after_utc:
            raise UntrustedList(f"the signer in trust list {self.revision} is outside its dates")

    def accept(self, offered: TrustList, now: datetime) -> TrustList:
        """Return the list that holds after another one was offered.

        Raises:
            UntrustedList: The offered one is later but is not to be believed; this one holds.
        """
        if not offered.outranks(self):
            return self
        offered.verify(self, now)
        return offered

    def encode(self) -> bytes:
        """Write the list as it travels and as it lies on disk."""
        signatures = [(bytes.fromhex(each.authority), each.signature) for each in self.signatures]
        return _encode(_Written(self._contents(), signatures))

    def _contents(self) -> _Contents:
        ders = [each.public_bytes(serialization.Encoding.DER) for each in self.authorities]
        return _Contents(VERSION, self.cluster, self.revision, ders, bytes.fromhex(self.primary))

    def _statement(self) -> bytes:
        return _encode(self._contents())

    def _is_endorsed_by(self, trusted: TrustList) -> bool:
        statement = self._statement()
        for each in self.signatures:
            authority = trusted.find(each.authority)
            if authority is not None and is_signed_by(
                authority, Purpose.TRUST_LIST, statement=statement, signature=each.signature
            ):
                return True
        return False


def decode_trust_list(data: bytes) -> TrustList:
    """Read a list; whether it is to be believed is for `TrustList.accept` to say.

    Raises:
        MalformedTrust: It is no list, of a later version, or what it says cannot be.
    """
    try:
        written = _decode(data)
        contents = written.contents
        authorities = tuple(x509.load_der_x509_certificate(der) for der in contents.authorities)
        signatures = tuple(Endorsement(each.hex(), signature) for each, signature in written.endorsements)
        trust = TrustList(
            contents.cluster, contents.revision, authorities, contents.primary.hex(), signatures
        )
        return _checked(trust)
    except (msgspec.DecodeError, *pem.UNREADABLE, CertificateError) as err:
        raise MalformedTrust(f"a trust list cannot be read: {err}") from err


def signer_of(trust: TrustList, authorities: Sequence[Authority]) -> Authority | None:
    """Return the one of these authorities that signs node certificates now, or None."""
    return next((each for each in authorities if each.fingerprint == trust.primary), None)


def check_signers(trust: TrustList, signers: Sequence[Authority]) -> None:
    """Make sure that somebody at hand may change this list.

    Raises:
        NotASigner: Nobody may.
    """
    if not any(each.fingerprint in trust.fingerprints for each in signers):
        raise NotASigner("the key of no authority in force is at hand, so the trust list cannot be changed")


def _checked(trust: TrustList) -> TrustList:
    """Return a list whose parts fit together.

    Raises:
        AuthorityMismatch: An authority is not one of this cluster.
        MalformedTrust: One is there twice, or who signs is not among them.
    """
    if any(cluster_of(authority) != trust.cluster for authority in trust.authorities):
        raise MalformedTrust("an authority of another cluster is in the trust list")
    if len(set(trust.fingerprints)) != len(trust.authorities) or trust.primary not in trust.fingerprints:
        raise MalformedTrust("an authority is in the trust list twice, or its signer is not in it")
    return trust
