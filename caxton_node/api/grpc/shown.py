"""The certificate that new connections see; gRPC asks for it on threads of its own."""

from __future__ import annotations

import grpc


class Shown:
    """One certificate, replaced while the server runs; each listening port takes it through a `Taker`.

    Args:
        key_pem: Private key of the node.
        chain_pem: Certificate of the node and those of the CAs.
        ca_pem: The CAs that sign certificates of clients.
    """

    def __init__(self, key_pem: bytes, chain_pem: bytes, ca_pem: bytes = b"") -> None:
        self._held = (key_pem, chain_pem, ca_pem)

    @property
    def held(self) -> tuple[bytes, bytes, bytes]:
        """Return key, chain and CAs in force."""
        return self._held

    def replace(self, key_pem: bytes, chain_pem: bytes, ca_pem: bytes = b"") -> None:
        """Show another one from the next connection on."""
        self._held = (key_pem, chain_pem, ca_pem)  # one reference: a reader sees the old ones or the new

    def server_credentials(self, *, asks_clients: bool = False) -> grpc.ServerCredentials:
        """Return what a port is opened with.

        Args:
            asks_clients: Clients must show a certificate of the CA; else none is asked for.
        """
        taker = _Taker(self, asks_clients=asks_clients)
        return grpc.dynamic_ssl_server_credentials(taker.take(), taker.take_new, asks_clients)  # type: ignore[arg-type]  # None says that nothing is new; the stubs forget it


class _Taker:
    """Remembers what its port has been given."""

    def __init__(self, shown: Shown, *, asks_clients: bool) -> None:
        self._shown = shown
        self._asks_clients = asks_clients
        self._taken: tuple[bytes, bytes, bytes] | None = None

    def take(self) -> grpc.ServerCertificateConfiguration:
        """Return the certificate in force."""
        key_pem, chain_pem, ca_pem = self._taken = self._shown.held
        roots = ca_pem if self._asks_clients else None
        return grpc.ssl_server_certificate_configuration([(key_pem, chain_pem)], roots)

    def take_new(self) -> grpc.ServerCertificateConfiguration | None:
        """Return the one in force if it is another than was taken last, else None: go on with that."""
        return None if self._taken is self._shown.held else self.take()
