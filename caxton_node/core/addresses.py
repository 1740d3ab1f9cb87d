"""How an address is written, so that whoever reads it can use it."""

from __future__ import annotations


def host_port(host: str, port: int) -> str:
    """Write host and port as one word; IPv6 in brackets, or its last group would be taken for the port."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
