"""What can be wrong with certificates, and whose fault it is.

CertificateError
+-- LocalError             this node's own files or arguments
|   +-- InvalidName            a cluster name or node id that cannot stand in a certificate
|   +-- AuthorityMismatch      CA certificate and CA key do not belong together, or it is no CA
|   +-- BrokenBundle           node certificate, key and CA do not belong together
|   +-- MissingFile            a file of the bundle is not there
|   +-- UnreadableFile         a file is there but may not be read, or is no PEM
+-- RemoteError            the asking node's fault
    +-- InvalidRequest         the signing request is malformed or asks for another identity
"""

from __future__ import annotations


class CertificateError(Exception):
    """Base of everything this package raises; nothing was written or signed."""


class LocalError(CertificateError):
    """This node's own files or arguments are wrong."""


class RemoteError(CertificateError):
    """The node that asked for a certificate did something wrong."""


class InvalidName(LocalError):
    """A cluster name or node id has characters or a length that a certificate cannot carry."""


class AuthorityMismatch(LocalError):
    """The CA certificate and the CA key do not belong together, or the certificate is no CA of a cluster."""


class BrokenBundle(LocalError):
    """Node certificate, node key and CA certificate do not belong together."""


class MissingFile(LocalError):
    """A file of the bundle or of the authority is not there."""


class UnreadableFile(LocalError):
    """A file is there but this user may not read it, or it holds no PEM."""


class InvalidRequest(RemoteError):
    """A signing request is malformed, badly signed, of another key type, or names another node."""
