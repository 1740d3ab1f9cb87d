"""Where this node is reached, and where its seeds are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from ipaddress import ip_address

from caxton_node.core.errors import InvalidConfig
from caxton_node.observability.logs import get_logger
from swim import Address

MESH_PORT = 7946
"""Where a seed that names no port is looked for."""

# TEST-NET-1 (RFC 5737): never a real host; connecting a UDP socket to it sends nothing and asks the routing
# table which of our addresses faces the world.
_FAR_AWAY = ("192.0.2.1", 9)

_log = get_logger("cluster")


def split_host_port(text: str, default_port: int) -> Address:
    """Read `host`, `host:port` or `[v6]:port`.

    Raises:
        InvalidConfig: The port is not a number.
    """
    if text.count(":") > 1 and not text.startswith("["):
        return text, default_port
    host, colon, port = text.rpartition(":")
    if not colon or port.endswith("]"):
        return text.strip("[]"), default_port
    if not port.isdigit():
        raise InvalidConfig(f"{text!r} is not host:port", why=f"{port!r} is not a number")
    return host.strip("[]"), int(port)


def advertised_address(host: str, port: int, advertise: str) -> Address:
    """Return the address that peers shall use.

    Args:
        host: What the mesh listens on.
        port: The port it got.
        advertise: `mesh.advertise`, looked up if it is a name; empty means: find it out.

    Raises:
        InvalidConfig: The name cannot be looked up.
    """
    if advertise:
        return _look_up(split_host_port(advertise, port))
    if not ip_address(host).is_unspecified:
        return host, port
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(_FAR_AWAY)
            return sock.getsockname()[0], port
        except OSError:
            return "127.0.0.1", port  # no network at all: a node by itself


def _look_up(address: Address) -> Address:
    """Return the IP address behind a name: members are told addresses, so that nobody looks up names."""
    host, port = address
    try:
        (_, _, _, _, found), *_ = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    except OSError as err:
        raise InvalidConfig(
            f"mesh.advertise: {host!r} cannot be looked up",
            why=str(err),
            hint="give the IP address at which other nodes reach this one",
        ) from err
    return str(found[0]), port


async def resolve(seeds: Sequence[str]) -> list[Address]:
    """Look up seeds; one that cannot be found is logged and left out, since others may do."""
    loop = asyncio.get_running_loop()
    found: list[Address] = []
    for seed in seeds:
        host, port = split_host_port(seed, MESH_PORT)
        try:
            (_, _, _, _, address), *_ = await loop.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
        except OSError as err:
            _log.warning("a seed cannot be looked up", seed=seed, reason=str(err))
            continue
        found.append((str(address[0]), int(address[1])))
    return found
