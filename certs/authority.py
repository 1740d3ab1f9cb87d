"""The cluster's certificate authority: makes itself once, then signs node certificates.

A cluster has one authority and no intermediates: a node certificate is signed by the CA itself, so who checks
one needs the CA certificate and nothing else. The CA certificate carries the cluster's name as a SPIFFE trust
domain. While the authority is being changed there are two (`rotation.py`). Both have the same name, because
that is the cluster's; key ids and fingerprints tell them apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from certs import names, pem
from certs.endorsement import Endorsement, Purpose, sign_statement
from certs.errors import AuthorityEnded, AuthorityMismatch, InvalidName
from certs.request import open_request

AUTHORITY_LIFETIME = timedelta(days=3650)
CLOCK_SKEW = timedelta(minutes=5)
LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")
HOSTS_MAX = 16
HOST_CHARS_MAX = 253
_EVER = datetime.min.replace(tzinfo=UTC)


class Authority:
    """A CA certificate with its private key.

    Attributes:
        cluster: Name of the cluster it signs for.
        certificate: The same as `certificate_pem`, parsed.
        certificate_pem: Public; every node has it as `ca.crt`.
        key_pem: Secret; only on nodes that sign.
        fingerprint: SHA-256 of the certificate (DER) in hex; join tokens carry it.
    """

    def __init__(self, cluster: str, certificate: x509.Certificate, key: pem.NodeKey) -> None:
        self.cluster = cluster
        self.certificate = certificate
        self._key = key
        self.certificate_pem = pem.dump_certificate(certificate)
        self.key_pem = pem.dump_key(key)
        self.fingerprint = pem.fingerprint(certificate)

    @classmethod
    def create(cls, cluster: str, now: datetime) -> Authority:
        """Make a new authority, valid for ten years: the first of a cluster, or a successor.

        Args:
            cluster: Name of the cluster; goes into every certificate. A successor has the same.
            now: The present, with a time zone.

        Raises:
            InvalidName: `cluster` cannot be a SPIFFE trust domain.
        """
        key = pem.new_key()
        return cls(names.check_cluster(cluster), _sign_itself(cluster, key, now), key)

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: bytes) -> Authority:
        """Open an authority that was made before.

        Args:
            certificate_pem: One or more CA certificates; the one of the key is taken.
            key_pem: The CA key.

        Raises:
            UnreadableFile: One of the two is no PEM of its kind.
            AuthorityMismatch: They do not belong together, or the certificate is no cluster's CA.
        """
        certificates = pem.load_certificates(certificate_pem, "the CA certificate")
        key = pem.load_key(key_pem, "the CA key")
        for certificate in certificates:
            if pem.same_key(certificate, key):
                return cls(cluster_of(certificate), certificate, key)
        raise AuthorityMismatch("the CA certificate and the CA key do not belong together")

    def sign(
        self,
        csr_pem: bytes,
        node_id: str,
        hosts: Sequence[str],
        now: datetime,
        lifetime_days: float = 365,
        *,
        not_before: datetime | None = None,
    ) -> bytes:
        """Sign a node's certificate.

        The certificate says who the node is (common name, `<id>.mesh`, SPIFFE id) and under which hosts its
        API may be reached; it serves both ends of a mesh link and gRPC over TLS.

        Args:
            csr_pem: The node's signing request.
            node_id: Identity to certify; the request must name the same.
            hosts: IP addresses and DNS names of the node, at most 16; the loopback ones are always added.
                That no other node is reached under them is for the caller to know.
            now: The present, with a time zone.
            lifetime_days: How long it is valid; cut at the end of the authority's own life.
            not_before: It begins no earlier than this, for a node that was revoked and is let in again: its
                certificates from before stay refused. It begins five minutes ago otherwise.

        Returns:
            The certificate as PEM.

        Raises:
            AuthorityEnded: The authority is outside its own dates.
            InvalidRequest: The request's fault; nothing was signed.
            InvalidName: `node_id` or one of `hosts` cannot stand in a certificate.
        """
        key = open_request(csr_pem, names.check_node_id(node_id))
        since, until = self._span(now, lifetime_days, not_before)
        return pem.dump_certificate(self._sign_node(key, node_id, hosts, since, until))

    def sign_client(
        self, name: str, key: ec.EllipticCurvePublicKey, now: datetime, lifetime_days: float = 90
    ) -> bytes:
        """Sign the certificate of a client of the API, which is no node: no node lets it into the mesh.

        Args:
            name: Whose it is, a DNS label; `spiffe://<cluster>/client/<name>` is the only thing it says.
            key: Its public key.
            now: The present, with a time zone.
            lifetime_days: How long it is valid; cut at the end of the authority's own life.

        Returns:
            The certificate as PEM.

        Raises:
            AuthorityEnded: The authority is outside its own dates.
            InvalidName: `name` is no DNS label.
        """
        uri = x509.UniformResourceIdentifier(names.client_id(self.cluster, names.check_node_id(name)))
        since, until = self._span(now, lifetime_days)
        builder = self._leaf(name, key, since, until, [ExtendedKeyUsageOID.CLIENT_AUTH])
        builder = builder.add_extension(x509.SubjectAlternativeName([uri]), critical=False)
        return pem.dump_certificate(builder.sign(self._key, hashes.SHA256()))

    def endorse(self, purpose: Purpose, statement: bytes) -> Endorsement:
        """Sign a statement about trust."""
        return Endorsement(self.fingerprint, sign_statement(self._key, purpose, statement))

    def _span(
        self, now: datetime, lifetime_days: float, not_before: datetime | None = None
    ) -> tuple[datetime, datetime]:
        own = self.certificate
        since = max(now - CLOCK_SKEW, own.not_valid_before_utc, not_before or _EVER)
        until = min(now + timedelta(days=lifetime_days), own.not_valid_after_utc)
        if since >= until:
            raise AuthorityEnded(
                f"the CA certificate is good from {own.not_valid_before_utc.isoformat()}"
                f" until {own.not_valid_after_utc.isoformat()}, and it is {now.isoformat()}"
            )
        return since, until

    def _sign_node(
        self,
        key: ec.EllipticCurvePublicKey,
        node_id: str,
        hosts: Sequence[str],
        since: datetime,
        until: datetime,
    ) -> x509.Certificate:
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = self._leaf(node_id, key, since, until, usages)
        builder = builder.add_extension(_node_names(self.cluster, node_id, hosts), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def _leaf(
        self,
        common_name: str,
        key: ec.EllipticCurvePublicKey,
        since: datetime,
        until: datetime,
        usages: Sequence[x509.ObjectIdentifier],
    ) -> x509.CertificateBuilder:
        own = self.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        return (
            _builder(common_name, self.certificate.subject, key, since, until)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own), critical=False
            )
        )


def _sign_itself(cluster: str, key: pem.NodeKey, now: datetime) -> x509.Certificate:
    common_name = f"{cluster[:50]} cluster CA"
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    domain = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(names.trust_domain(cluster))])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = _builder(common_name, subject, key.public_key(), now - CLOCK_SKEW, now + AUTHORITY_LIFETIME)
    return (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(domain, critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, hashes.SHA256())
    )


def _builder(
    common_name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, since: datetime, until: datetime
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _node_names(cluster: str, node_id: str, hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    check_hosts(hosts)
    # dict.fromkeys keeps the order and drops what the caller gave twice
    wanted = dict.fromkeys([*LOCAL_HOSTS, *hosts])
    return x509.SubjectAlternativeName(
        [
            x509.UniformResourceIdentifier(names.spiffe_id(cluster, node_id)),
            x509.DNSName(names.dns_name(node_id)),
            *[_host_name(host) for host in wanted],
        ]
    )


def check_newcomer(csr_pem: bytes, node_id: str, hosts: Sequence[str]) -> None:
    """Check what `Authority.sign` would refuse for the asker's fault, before the asking costs anything.

    Raises:
        InvalidRequest: The request is malformed, or another node's.
        InvalidName: `node_id` or one of `hosts` cannot stand in a certificate.
    """
    open_request(csr_pem, names.check_node_id(node_id))
    check_hosts(hosts)


def check_hosts(hosts: Sequence[str]) -> None:
    """Refuse hosts that no node is to be certified for: patterns, names of the mesh, and too many.

    Raises:
        InvalidName: One of them.
    """
    if len(dict.fromkeys(hosts)) > HOSTS_MAX:
        raise InvalidName(f"a certificate is for {HOSTS_MAX} hosts at most, and {len(hosts)} are asked for")
    for host in hosts:
        _host_name(host)


def _host_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        pass
    if not host or len(host) > HOST_CHARS_MAX:
        raise InvalidName(f"a host name has 1 to {HOST_CHARS_MAX} characters, and {host[:40]!r} has not")
    if "*" in host or host.lower().rstrip(".").endswith(f".{names.MESH_DOMAIN}"):
        raise InvalidName(f"{host!r} is a pattern, or a name of the mesh, which is not given for the asking")
    try:
        return x509.DNSName(host)
    except ValueError as err:
        raise InvalidName(f"{host!r} is neither an IP address nor a DNS name in ASCII") from err


def cluster_of(certificate: x509.Certificate) -> str:
    """Return the name of the cluster whose authority this is.

    Raises:
        AuthorityMismatch: It is no authority, or not that of a cluster.
    """
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound as err:
        raise AuthorityMismatch("the CA certificate is not that of a cluster") from err
    domains = alternative.get_values_for_type(x509.UniformResourceIdentifier)
    if not constraints.ca or len(domains) != 1 or not domains[0].startswith("spiffe://"):
        raise AuthorityMismatch("the CA certificate is not that of a cluster")
    return names.check_cluster(domains[0].removeprefix("spiffe://"))
