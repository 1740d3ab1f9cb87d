"""What gRPC knows of whoever calls: metadata and the connection, each read once for a call."""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any

import grpc

from caxton_node.api.call import Caller
from caxton_node.core.errors import Unauthorized
from caxton_node.security import Credentials, UnixPeer, read_api_key, read_bearer

TLS_VERSION = b"TLSv1.3"
SOCKET = "socket"
SURFACE = "grpc"

THIS_USER = UnixPeer(os.getpid(), os.geteuid(), os.getegid())
"""Whoever opens the socket: its mode lets nobody else in, and gRPC does not tell who it was."""

ON_SOCKET = Credentials(peer=THIS_USER, source=THIS_USER.source)

Context = grpc.aio.ServicerContext[Any, Any]


def caller_of(context: Context) -> Caller:
    """Return what gRPC knows of whoever calls.

    Raises:
        Unauthorized: The connection uses a TLS before 1.3; gRPC itself has no setting for it.
    """
    peer = context.peer()
    bearer, api_key = _shown(context)
    if peer.startswith("unix:"):
        # Who shows something is judged by it, whoever has opened the socket.
        shown = replace(ON_SOCKET, bearer=bearer, api_key=api_key) if bearer or api_key else ON_SOCKET
        return Caller(shown, SURFACE, SOCKET, _remaining(context))
    connection = context.auth_context()
    check_tls(connection)
    credentials = Credentials(
        bearer=bearer,
        api_key=api_key,
        certificate_der=_certificate(connection.get("x509_pem_cert", ())),
        source=peer.rpartition(":")[0],
    )
    return Caller(credentials, SURFACE, peer, _remaining(context))


def check_tls(connection: Mapping[str, Any]) -> None:
    """Refuse TLS before 1.3.

    Raises:
        Unauthorized: The connection uses an older TLS.
    """
    versions = connection.get("ssl_tls_version")
    if versions and TLS_VERSION not in versions:
        raise Unauthorized(
            "TLS 1.3 is needed",
            why=f"the connection uses {next(iter(versions)).decode()}",
            hint="update the client",
        )


def _shown(context: Context) -> tuple[str, str]:
    """Return bearer and API key; several of one kind are joined as HTTP does it, and then are none."""
    bearers, api_keys = [], []
    for key, value in context.invocation_metadata() or ():
        if key == "authorization":
            bearers.append(read_bearer(_text(value)))
        elif key == "x-api-key":
            api_keys.append(read_api_key(_text(value)))
    return ", ".join(bearers), ", ".join(api_keys)


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _remaining(context: Context) -> float | None:
    """Return how long the caller waits; without a deadline gRPC says None, or more than any call takes."""
    return context.time_remaining()


def _certificate(found: Iterable[bytes]) -> bytes:
    pem = next(iter(found), None)
    return _to_der(pem) if pem else b""


@lru_cache(maxsize=1024)
def _to_der(pem: bytes) -> bytes:
    return ssl.PEM_cert_to_DER_cert(pem.decode())
