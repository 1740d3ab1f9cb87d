"""Under which names a browser may call: an end for DNS rebinding.

A page of evil.example can let its own name point at 127.0.0.1 and thus read what listens there as if it were
its own. It cannot choose the `Host` that the browser sends, which is its own name then.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection

from caxton_node.api.rest.refusals import Misdirected, Refusal

LOCAL = "localhost"
_NAME = re.compile(r"[a-z0-9._-]{1,255}")


def check_host(host: str, names: Collection[str]) -> None:
    """Let requests pass that are meant for this node.

    Args:
        host: The header `Host`.
        names: In lower case; besides them, addresses and localhost are taken.

    Raises:
        Refusal: There is no such header, or it is none.
        Misdirected: It names another host.
    """
    name = _name_of(host)
    if not name:
        raise Refusal("the request names no host", why=f"Host is {host[:200]!r}", hint="send one Host header")
    if name == LOCAL or name.endswith(f".{LOCAL}") or name in names or _is_address(name):
        return
    raise Misdirected(
        f"{name[:200]} is not served here",
        why="its name is not in this node's certificate, nor in the setting rest.names",
        hint="use an address of the node, or add the name to rest.names",
    )


def _name_of(host: str) -> str:
    if host.startswith("["):
        inside, bracket, port = host[1:].partition("]")
        return inside if bracket and _is_port(port) else ""
    name, colon, port = host.lower().partition(":")
    return name.rstrip(".") if _NAME.fullmatch(name) and _is_port(colon + port) else ""


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isdecimal() and len(text) <= len(":65535"))


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
