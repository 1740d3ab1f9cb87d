"""The bridge from an old authority to its successor: the new one's name and key, signed by the old one.

Whoever trusts only the old authority follows it to certificates that the new one has signed: clients with an
old `ca.crt`, newcomers with a token that was printed before, nodes that were away. Both authorities have one
name, so the bridge is self-issued and the path length of the old one, which forbids intermediates, does not
count it.

Source: RFC 4210, section 4.4 ("NewWithOld"); RFC 5280, section 6.1.4 (l).
"""

from __future__ import annotations

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes

from certs import pem
from certs.authority import Authority
from certs.errors import AuthorityMismatch


def bridge(old: Authority, new_certificate: x509.Certificate) -> x509.Certificate:
    """Let an authority vouch for its successor.

    Args:
        old: The authority that is trusted already.
        new_certificate: Of the successor, signed by itself.

    Raises:
        AuthorityMismatch: The successor has another name, so nobody would follow the bridge.
    """
    certificate = pem.load_certificates(old.certificate_pem, "the CA certificate")[0]
    if certificate.subject != new_certificate.subject:
        raise AuthorityMismatch("the successor of an authority must have the same name")
    builder = (
        x509.CertificateBuilder()
        .subject_name(new_certificate.subject)
        .issuer_name(certificate.subject)
        .public_key(new_certificate.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(new_certificate.not_valid_before_utc)
        .not_valid_after(min(certificate.not_valid_after_utc, new_certificate.not_valid_after_utc))
    )
    for extension in new_certificate.extensions:
        if not isinstance(extension.value, x509.AuthorityKeyIdentifier):
            builder = builder.add_extension(extension.value, critical=extension.critical)
    own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    identifier = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
    key = pem.load_key(old.key_pem, "the CA key")
    return builder.add_extension(identifier, critical=False).sign(key, hashes.SHA256())


def leads_from(bridge_certificate: x509.Certificate, old: x509.Certificate) -> bool:
    """Tell whether a certificate is a bridge that starts at an authority."""
    try:
        constraints = bridge_certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        bridge_certificate.verify_directly_issued_by(old)
    except (x509.ExtensionNotFound, ValueError, TypeError, InvalidSignature):
        return False
    return constraints.ca and bridge_certificate.subject == old.subject
