"""Under which hosts a node certificate may be used: what a renewal takes over."""

from __future__ import annotations

from cryptography import x509

from certs.authority import LOCAL_HOSTS
from certs.bundle import node_id_of
from certs.names import dns_name
from certs.pem import load_certificates


def hosts_of(certificate_pem: bytes) -> list[str]:
    """List the hosts that were asked for when a certificate was made, in its order.

    Raises:
        CertificateError: It is no certificate.
    """
    certificate = load_certificates(certificate_pem, "the certificate")[0]
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    own = {dns_name(node_id_of(certificate)), *LOCAL_HOSTS}
    found = [*names.get_values_for_type(x509.DNSName), *map(str, names.get_values_for_type(x509.IPAddress))]
    return [host for host in found if host not in own]
