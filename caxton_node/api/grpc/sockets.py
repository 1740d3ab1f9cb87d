"""What has to be right about ports and files before gRPC may have them.

gRPC reports a failure to bind as a bare RuntimeError, shares a port with whoever allows it, and unlinks
whatever socket file is in its way, even one that a running node listens on. So each is tried here first.
"""

from __future__ import annotations

import os
import socket
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from errno import EADDRINUSE, EADDRNOTAVAIL
from pathlib import Path

from caxton_node.core.errors import InvalidConfig, PortInUse

PATH_BYTES_MAX = 107  # sun_path of Linux holds 108 with the closing zero
_TRY_S = 1.0
_SURFACES = {"grpc": "gRPC", "rest": "REST"}


def check_port(host: str, port: int, section: str = "grpc") -> None:
    """Make sure that an address can be listened on.

    Args:
        host: Address.
        port: Port.
        section: Of the settings that say so.

    Raises:
        PortInUse: Another process listens there.
        InvalidConfig: The address is not one of this machine.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with closing(socket.socket(family, kind, protocol)) as probe:
            # As a server would: what the last run of this node left in TIME_WAIT is no obstacle.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as err:
        raise translate(host, port, err, section) from err


def translate(
    host: str, port: int, err: OSError | RuntimeError, section: str = "grpc"
) -> PortInUse | InvalidConfig:
    """Return the error to raise when a port cannot be had."""
    what = f"{_SURFACES[section]} cannot listen on {host}:{port}"
    if isinstance(err, OSError) and err.errno not in {EADDRINUSE, None}:
        why = "the address is not one of this machine" if err.errno == EADDRNOTAVAIL else str(err)
        return InvalidConfig(
            what, why=why, hint=f"set {section}.host and {section}.port to an address of yours"
        )
    return PortInUse(
        what,
        why="another process listens there",
        hint=f"find it with `ss -ltnp sport = :{port}`, or choose another port with --set {section}.port=N",
    )


def check_socket(path: Path, folder_mode: int = 0o700) -> None:
    """Make sure that a Unix socket can be made here; the file of a node that has died is removed.

    Args:
        path: Where it shall be.
        folder_mode: Of its folder, if that is made now.

    Raises:
        PortInUse: A running node listens on it.
        InvalidConfig: The path is too long for a socket, or something else is there.
    """
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise InvalidConfig(
            f"the path of a socket is too long: {path}",
            why=f"a Unix socket may have a path of {PATH_BYTES_MAX} bytes",
            hint="choose a shorter --data-dir, or rest.shared_socket",
        )
    try:
        path.parent.mkdir(mode=folder_mode, parents=True, exist_ok=True)
        found = path.lstat() if os.path.lexists(path) else None
    except OSError as err:
        raise InvalidConfig(f"no socket can be made at {path}", why=err.strerror or str(err)) from err
    if found is None:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise InvalidConfig(
            f"no socket can be made at {path}",
            why="something that is no socket is there, and it is not ours to remove",
            hint="move it, or choose another path",
        )
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(_TRY_S)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:  # of a node that has died
            path.unlink()
            return
        except OSError:  # somebody is there, and busy
            pass
    raise PortInUse(
        f"a node listens on {path} already",
        why="another node runs with this data directory",
        hint="stop it, or choose another --data-dir",
    )


@contextmanager
def private_files() -> Iterator[None]:
    """Create files that only this user can open; gRPC makes the socket with the mask of the process."""
    before = os.umask(0o177)
    try:
        yield
    finally:
        os.umask(before)
