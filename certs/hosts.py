"""Under which hosts a node certificate may be used: what a renewal takes over."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography import x509

from certs.authority import HOSTS_MAX, LOCAL_HOSTS, check_hosts
from certs.bundle import node_id_of
from certs.errors import InvalidName
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


def keep_allowed(hosts: Sequence[str]) -> list[str]:
    """Return the hosts that may still be certified: one from older rules must not stop a renewal."""
    return [host for host in hosts if _is_allowed(host)][:HOSTS_MAX]


def _is_allowed(host: str) -> bool:
    try:
        check_hosts([host])
    except InvalidName:
        return False
    return True
