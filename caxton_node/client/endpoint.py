"""Where a node is and what to show at its door.

Three ways in, the first that is given wins: an explicit endpoint, `CAXTON_ENDPOINT`, the Unix socket of the
data directory. The socket needs no token: who may open the file is the user that runs the node.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from caxton_node.core.errors import InvalidArgument

SOCKET_NAME = "caxton.sock"
SYSTEM_DATA_DIR = Path("/var/lib/caxton")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One door of one node.

    Attributes:
        target: `host:port`, or `unix:<path>`.
        token: API token; not needed on the Unix socket.
        ca_pem: Certificate of the cluster's CA; None trusts the CAs of the system.
    """

    target: str
    token: str = ""
    ca_pem: bytes | None = None

    @property
    def socket_path(self) -> Path | None:
        """Return the path of the Unix socket, or None for a network endpoint."""
        prefix, _, path = self.target.partition("unix:")
        return Path(path) if not prefix and path else None


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return `CAXTON_DATA_DIR`, else /var/lib/caxton for root, else the user's own data directory."""
    if chosen := environ.get("CAXTON_DATA_DIR"):
        return Path(chosen)
    if os.geteuid() == 0:
        return SYSTEM_DATA_DIR
    base = environ.get("XDG_DATA_HOME") or str(
        Path(environ.get("HOME", "~")).expanduser() / ".local" / "share"
    )
    return Path(base) / "caxton"


def config_path(environ: Mapping[str, str]) -> Path:
    """Return the file of contexts: `$XDG_CONFIG_HOME/caxton/config.yaml`, or the same below ~/.config."""
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".config")
    return Path(base) / "caxton" / "config.yaml"


def choose_endpoint(
    environ: Mapping[str, str], *, endpoint: str = "", token: str = "", ca: str = "", data_dir: str = ""
) -> Endpoint:
    """Choose the endpoint from what the caller gave and the environment.

    Args:
        environ: The process environment; CAXTON_ENDPOINT, CAXTON_TOKEN, CAXTON_CA and CAXTON_DATA_DIR are
            read.
        endpoint: `host:port` or `unix:<path>`; empty looks further.
        token: API token; empty looks further.
        ca: File with the CA certificate; empty looks further, then at `<data dir>/certs/ca.crt` if it is
            there.
        data_dir: Data directory of a local node; empty looks further.

    Raises:
        InvalidArgument: The endpoint is not of either form, or the CA file cannot be read.
    """
    folder = Path(data_dir) if data_dir else default_data_dir(environ)
    # A data directory that was named on the command line is meant, whatever the environment says.
    target = endpoint or ("" if data_dir else environ.get("CAXTON_ENDPOINT", ""))
    if not target:
        return Endpoint(f"unix:{folder.absolute() / SOCKET_NAME}")
    if target.startswith("unix:"):
        return Endpoint(target)
    _check_host_port(target)
    token = token or environ.get("CAXTON_TOKEN", "")
    return Endpoint(target, token, _read_ca(ca or environ.get("CAXTON_CA", ""), folder))


def _check_host_port(target: str) -> None:
    host, colon, port = target.rpartition(":")
    if ":" in host and not (host.startswith("[") and host.endswith("]")):
        raise InvalidArgument(
            f"{target!r} is not an endpoint",
            why="an IPv6 address stands in brackets before the port",
            hint="for example --endpoint '[::1]:50051'",
        )
    if not (colon and host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise InvalidArgument(
            f"{target!r} is not an endpoint",
            why="an endpoint is host:port of a node's gRPC, or unix: and the path of its socket",
            hint="for example --endpoint 127.0.0.1:50051",
        )


def _read_ca(path: str, folder: Path) -> bytes | None:
    found = Path(path) if path else folder / "certs" / "ca.crt"
    try:
        return found.read_bytes()
    except OSError as err:
        if not path:
            return None
        raise InvalidArgument(
            f"the CA certificate {path} cannot be read",
            why=err.strerror or str(err),
            hint="give the ca.crt of the cluster with --ca or CAXTON_CA",
        ) from err
