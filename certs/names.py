"""What a node certificate calls its node: common name, DNS name, SPIFFE id.

The three say the same thing to three readers: people read the common name, TLS libraries check the DNS name
(a certificate with only a URI fails their host check), and the URI binds the node to its cluster.
"""

from __future__ import annotations

import re

from certs.errors import InvalidName

MESH_DOMAIN = "mesh"
_NODE = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\Z")
_CLUSTER = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,61}[a-z0-9])?\Z")


def check_node_id(node_id: str) -> str:
    """Return the node id if it is a DNS label in lower case, else raise InvalidName."""
    if not _NODE.match(node_id):
        raise InvalidName(f"{node_id!r} is not a node id: it must be 1 to 63 of a-z, 0-9 and inner hyphens")
    return node_id


def check_cluster(cluster: str) -> str:
    """Return the cluster name if it can be a SPIFFE trust domain, else raise InvalidName."""
    if not _CLUSTER.match(cluster):
        raise InvalidName(
            f"{cluster!r} is not a cluster name: it must be 1 to 63 of a-z, 0-9, dot, _ and hyphen"
        )
    return cluster


def dns_name(node_id: str) -> str:
    """Return the DNS name that TLS checks when a peer dials this node."""
    return f"{node_id}.{MESH_DOMAIN}"


def spiffe_id(cluster: str, node_id: str) -> str:
    """Return the URI that binds a node to its cluster."""
    return f"spiffe://{cluster}/node/{node_id}"


def client_id(cluster: str, name: str) -> str:
    """Return the URI of a client of the API, which can be taken for no node."""
    return f"spiffe://{cluster}/client/{name}"


def trust_domain(cluster: str) -> str:
    """Return the URI that a CA certificate carries: the SPIFFE trust domain alone."""
    return f"spiffe://{cluster}"
