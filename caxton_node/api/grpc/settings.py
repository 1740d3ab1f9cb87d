"""How the gRPC server of a node is set, and what that means to gRPC."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.config import Config

Option = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where to listen, what to show, and how long connections may live.

    Attributes:
        socket_path: The management socket.
        host: Address of the TLS port; empty opens the socket only.
        port: 0 picks a free one.
        certificate_port: Where clients must show a certificate; None opens no such port, 0 picks a free one.
        key_pem: Private key of the node.
        chain_pem: Certificate of the node and behind it those of the CAs, so that a newcomer can compare
            their fingerprints with the one in the join token before it sends anything.
        ca_pem: The CAs that sign certificates of clients.
        message_bytes_max: Largest request.
        streams_max: Calls and streams of one connection at once.
        keepalive_s: A quiet connection is asked so often whether it still lives.
        keepalive_timeout_s: How long it has to answer.
        connection_age_s: A connection ends in order after so long, and clients connect anew; None: never.
        slow_reader_s: A stream whose reader takes nothing for so long ends.
    """

    socket_path: Path
    host: str = ""
    port: int = 0
    certificate_port: int | None = None
    key_pem: bytes = field(default=b"", repr=False)
    chain_pem: bytes = b""
    ca_pem: bytes = b""
    message_bytes_max: int = 64 * 1024 * 1024
    streams_max: int = 1000
    keepalive_s: float = 60.0
    keepalive_timeout_s: float = 20.0
    connection_age_s: float | None = None
    slow_reader_s: float = 30.0

    def options(self) -> list[Option]:
        """Return the options of the server."""
        options = [
            ("grpc.so_reuseport", 0),  # two nodes on one port would share its calls at random
            ("grpc.max_receive_message_length", self.message_bytes_max),
            ("grpc.max_send_message_length", self.message_bytes_max),
            ("grpc.max_concurrent_streams", self.streams_max),
            ("grpc.keepalive_time_ms", _ms(self.keepalive_s)),
            ("grpc.keepalive_timeout_ms", _ms(self.keepalive_timeout_s)),
            # A client may ask as often as we do, without a call too: it may be watching through a proxy.
            ("grpc.http2.min_ping_interval_without_data_ms", _ms(self.keepalive_s) // 4),
            ("grpc.keepalive_permit_without_calls", 1),
        ]
        if self.connection_age_s is not None:
            options += [
                ("grpc.max_connection_age_ms", _ms(self.connection_age_s)),
                ("grpc.max_connection_age_grace_ms", _ms(self.connection_age_s)),
            ]
        return options


def read_settings(
    config: Config, *, socket_path: Path, key_pem: bytes, chain_pem: bytes, ca_pem: bytes
) -> Settings:
    """Return the settings of this server from the configuration of the node."""
    grpc = config.grpc
    return Settings(
        socket_path=socket_path,
        host=grpc.host if grpc.enabled else "",
        port=grpc.port,
        certificate_port=grpc.certificate_port,
        key_pem=key_pem,
        chain_pem=chain_pem,
        ca_pem=ca_pem,
        message_bytes_max=grpc.message_bytes_max,
        streams_max=grpc.streams_max,
        keepalive_s=grpc.keepalive_s,
        keepalive_timeout_s=grpc.keepalive_timeout_s,
        connection_age_s=grpc.connection_age_s,
        slow_reader_s=config.limits.slow_reader_s,
    )


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
