"""What can be wrong with certificates and trust, and whose fault it is.

CertificateError
+-- LocalError             this node's own files or arguments
|   +-- InvalidName            a cluster name or node id that cannot stand in a certificate
|   +-- AuthorityMismatch      CA certificate and CA key do not belong together, or it is no CA
|   +-- AuthorityEnded         the CA certificate is outside its dates, so it can sign nothing
|   +-- NotASigner             the CA keys at hand may not change the trust that is in force
|   +-- WrongStage             this step of a change of authorities does not follow on the last one
|   +-- BrokenBundle           node certificate, key and CA do not belong together
|   +-- MissingFile            a file of the bundle is not there
|   +-- UnreadableFile         a file is there but may not be read, or does not hold what it should
+-- RemoteError            another node's fault
    +-- InvalidRequest         the signing request is malformed or asks for another identity
    +-- MalformedTrust         a trust list or a revocation cannot be read
    +-- UntrustedList          a trust list that no authority in force has signed
    +-- UntrustedRevocation    a revocation that no authority in force has signed
"""

from __future__ import annotations


class CertificateError(Exception):
    """Base of everything this package raises; nothing was written or signed."""


class LocalError(CertificateError):
    """This node's own files or arguments are wrong."""


class RemoteError(CertificateError):
    """Another node did something wrong."""


class InvalidName(LocalError):
    """A cluster name or node id has characters or a length that a certificate cannot carry."""


class AuthorityMismatch(LocalError):
    """The CA certificate and the CA key do not belong together, or the certificate is no CA of a cluster."""


class AuthorityEnded(LocalError):
    """The CA certificate is not valid yet or any more; the cluster needs another authority, or a clock."""


class NotASigner(LocalError):
    """None of the CA keys at hand is one that the trust in force believes."""


class WrongStage(LocalError):
    """A step of a change of authorities was asked for that does not follow on the last one."""


class BrokenBundle(LocalError):
    """Node certificate, node key and CA certificate do not belong together."""


class MissingFile(LocalError):
    """A file of the bundle or of the authority is not there."""


class UnreadableFile(LocalError):
    """A file is there but this user may not read it, or it does not hold what it should."""


class InvalidRequest(RemoteError):
    """A signing request is malformed, badly signed, of another key type, or names another node."""


class MalformedTrust(RemoteError):
    """A trust list or a revocation that came from elsewhere cannot be read; nothing was changed."""


class UntrustedList(RemoteError):
    """A trust list does not follow from the one in force: no authority in force has signed it."""


class UntrustedRevocation(RemoteError):
    """A revocation is not believed: no authority in force has signed it, or it is from the future."""
