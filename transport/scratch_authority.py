"""An authority for the self-test alone: its key is at hand, so it can sign what must be refused."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from transport.credentials import Credentials
from transport.identity import dns_name

BOTH_USAGES = (ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH)


class ScratchAuthority:
    """Signs certificates for one run of the self-test.

    Args:
        cluster: Whose name its certificates carry.
    """

    def __init__(self, cluster: str) -> None:
        self._cluster = cluster
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "self-test")])
        self._now = datetime.now(UTC)
        builder = self._builder(self._name, self._key.public_key(), days=1)
        self._certificate = builder.add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        ).sign(self._key, hashes.SHA256())

    def credentials(
        self,
        node_id: str,
        *,
        expired: bool = False,
        shown: str | None = None,
        usages: Sequence[x509.ObjectIdentifier] = BOTH_USAGES,
    ) -> Credentials:
        """Return credentials for a node that trusts this authority.

        Args:
            node_id: The node.
            expired: The certificate ended yesterday.
            shown: Another id for the names beside the common name.
            usages: What the certificate says it is for.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node_id)])
        named = shown or node_id
        names: list[x509.GeneralName] = [
            x509.UniformResourceIdentifier(f"spiffe://{self._cluster}/node/{named}"),
            x509.DNSName(dns_name(named)),
        ]
        certificate = (
            self._builder(subject, key.public_key(), days=-1 if expired else 1)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage(list(usages)), critical=False)
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
