"""The errors of the mesh in the words of the node: whose fault it was, and what can be done."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from caxton_node.core.errors import (
    DeadlineExceeded,
    DeliveryFailed,
    InvalidConfig,
    LocalError,
    PortInUse,
    ResourceLimit,
    Unavailable,
)
from transport import BacklogFull, RequestRefused, RequestTimeout, TransportError
from transport import PortInUse as MeshPortInUse


class MeshUnusable(LocalError):
    """The mesh fails its start-up test or cannot be opened; the node does not start."""

    code = "MESH_UNUSABLE"


@contextmanager
def opening(host: str, port: int) -> Iterator[None]:
    """Translate what keeps the mesh from opening.

    Raises:
        PortInUse: Another process holds it.
        InvalidConfig: The host is no IP address of this machine, or the port is not for this user.
        MeshUnusable: A bad certificate got in, or the good one did not.
    """
    try:
        yield
    except MeshPortInUse as err:
        raise PortInUse(
            f"the mesh cannot listen on {host}:{port}",
            why=str(err),
            hint="stop the other process, or choose another port with --set mesh.port=N",
        ) from err
    except (OSError, ValueError) as err:
        raise InvalidConfig(
            f"the mesh cannot listen on {host}:{port}",
            why=str(err),
            hint="mesh.host is an IP address of this machine, 0.0.0.0 or :: for all of them",
        ) from err
    except TransportError as err:
        hint = "reinstall the pinned dependencies; if that does not help, report it"
        raise MeshUnusable("the mesh cannot be opened", why=str(err), hint=hint) from err


@contextmanager
def sending(node: str) -> Iterator[None]:
    """Translate what keeps envelopes from a backlog.

    Raises:
        DeliveryFailed: No such member, or an envelope is too large.
        ResourceLimit: The bounded backlog to that node is full.
    """
    try:
        yield
    except BacklogFull as err:
        raise ResourceLimit(f"the backlog to node {node} is full", why=str(err)) from err
    except TransportError as err:
        raise DeliveryFailed(f"node {node} cannot be sent to", why=str(err)) from err


@contextmanager
def requesting(node: str, method: str, timeout_s: float) -> Iterator[None]:
    """Translate what keeps an answer away.

    Raises:
        DeadlineExceeded: No answer in time; the other side may still act on the request.
        Unavailable: The node is unknown or the link broke.
        DeliveryFailed: The other side refused; its words are in `why`.
    """
    try:
        yield
    except RequestTimeout as err:
        raise DeadlineExceeded(f"node {node} did not answer {method} within {timeout_s:g} s") from err
    except RequestRefused as err:
        raise DeliveryFailed(f"node {node} refused {method}", why=str(err)) from err
    except TransportError as err:
        raise Unavailable(f"node {node} cannot be reached", why=str(err)) from err
