"""Real certificates for tests: good ones by `certs`, and the bad ones that no authority of ours would sign.

`Pki("home")` makes an authority; `pki.credentials("node-a")` is what a good node has. The `*_credentials`
methods break exactly one property each.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from OpenSSL import crypto

from certs import Authority, make_request
from certs.pem import dump_certificate, load_certificates, new_key
from transport import Credentials

AnyKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
BOTH_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class Pki:
    """One cluster's authority, and whatever certificates a test needs from it."""

    def __init__(self, cluster: str = "home") -> None:
        self.cluster = cluster
        self.authority = Authority.create(cluster, datetime.now(UTC))

    def credentials(self, node_id: str, denied_serials: frozenset[int] = frozenset()) -> Credentials:
        """Return what a good node of this cluster has."""
        key_pem, request = make_request(node_id)
        certificate = self.authority.sign(request, node_id, ("127.0.0.1",), datetime.now(UTC))
        return self._pack(node_id, certificate, key_pem, denied_serials)

    def expired_credentials(self, node_id: str) -> Credentials:
        """Return credentials whose certificate ended yesterday."""
        return self.odd_credentials(node_id, since_days=-10, until_days=-1)

    def future_credentials(self, node_id: str) -> Credentials:
        """Return credentials whose certificate begins tomorrow."""
        return self.odd_credentials(node_id, since_days=1, until_days=10)

    def foreign_credentials(self, node_id: str) -> Credentials:
        """Return a certificate with the right names from another authority; it trusts ours."""
        stranger = Pki(self.cluster).credentials(node_id)
        return replace(stranger, ca_pem=self.authority.certificate_pem)

    def other_cluster_credentials(self, node_id: str, cluster: str = "elsewhere") -> Credentials:
        """Return a certificate signed by our authority that names another cluster."""
        return self.odd_credentials(node_id, uri=f"spiffe://{cluster}/node/{node_id}")

    def own_credentials(self, node_id: str) -> Credentials:
        """Return a certificate that the node signed itself; it trusts our authority."""
        return self.odd_credentials(node_id, signed_by_itself=True)

    def bare_credentials(self, node_id: str) -> Credentials:
        """Return a certificate without alternative names."""
        return self.odd_credentials(node_id, named=False)

    def authority_credentials(self, node_id: str) -> Credentials:
        """Return a certificate with which a node could sign others."""
        return self.odd_credentials(node_id, is_authority=True)

    def weak_credentials(self, node_id: str, key: AnyKey | None = None) -> Credentials:
        """Return a certificate about a key that is too short."""
        weak = key or rsa.generate_private_key(public_exponent=65537, key_size=1024)
        return self.odd_credentials(node_id, key=weak)

    def sha1_credentials(self, node_id: str) -> Credentials:
        """Return a certificate that our authority signed over SHA-1, which only OpenSSL still does."""
        good = self.odd_credentials(node_id)
        certificate = crypto.X509.from_cryptography(load_certificates(good.certificate_pem, "certificate")[0])
        key = crypto.load_privatekey(crypto.FILETYPE_PEM, self.authority.key_pem)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            certificate.sign(key, "sha1")
        return replace(good, certificate_pem=crypto.dump_certificate(crypto.FILETYPE_PEM, certificate))

    def odd_credentials(
        self,
        node_id: str,
        *,
        since_days: float = -1,
        until_days: float = 30,
        uri: str | None = None,
        dns: str | None = None,
        named: bool = True,
        usages: Sequence[ObjectIdentifier] = BOTH_USAGES,
        common_name: str | None = None,
        key: AnyKey | None = None,
        is_authority: bool = False,
        signed_by_itself: bool = False,
    ) -> Credentials:
        """Return a certificate signed by our authority with whatever is asked for."""
        now, key = datetime.now(UTC), key or new_key()
        ca_key = load_pem_private_key(self.authority.key_pem, None)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or node_id)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if signed_by_itself else self.authority.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=since_days))
            .not_valid_after(now + timedelta(days=until_days))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
        )
        if named:
            names = [
                x509.UniformResourceIdentifier(uri or f"spiffe://{self.cluster}/node/{node_id}"),
                x509.DNSName(dns or f"{node_id}.mesh"),
            ]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        signer = key if signed_by_itself else ca_key
        certificate = builder.sign(signer, hashes.SHA256())  # type: ignore[arg-type]  # P-256 or RSA
        return self._pack(node_id, dump_certificate(certificate), dump_any_key(key), frozenset())

    def _pack(
        self, node_id: str, certificate_pem: bytes, key_pem: bytes, denied_serials: frozenset[int]
    ) -> Credentials:
        return Credentials(
            node_id=node_id,
            cluster=self.cluster,
            certificate_pem=certificate_pem,
            key_pem=key_pem,
            ca_pem=self.authority.certificate_pem,
            denied_serials=denied_serials,
        )


def dump_any_key(key: AnyKey) -> bytes:
    """Write a private key of any kind, as `certs` would not."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def serial_of(credentials: Credentials) -> int:
    """Return the serial number by which a certificate can be denied."""
    return load_certificates(credentials.certificate_pem, "certificate")[0].serial_number
