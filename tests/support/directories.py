"""A directory over a registry, with everything real between them."""

from __future__ import annotations

import random
from collections.abc import Callable

from caxton_node.fipa import Envelope
from caxton_node.messaging.directory import Bounds, Directory, Registrar
from caxton_node.messaging.write_pace import WritePace
from caxton_node.registry import CapabilityRecord, Registry
from caxton_node.registry.discovery.finder import Finder, Liveness
from caxton_node.registry.discovery.watches import Watches
from tests.support.clock import HandClock


class Everybody:
    """A cluster in which every node is alive."""

    def __init__(self, node_id: str) -> None:
        self.node_id = node_id

    def is_alive(self, _node: str) -> bool:
        return True


def allow(_record: CapabilityRecord) -> None:
    """Let everybody register everything."""


def finder_of(registry: Registry, node: str, cluster: Liveness | None = None) -> Finder:
    """Open the searches of a node."""
    return Finder(registry.offers, cluster or Everybody(node), lambda _node: None, random.Random(1))


def directory_of(
    registry: Registry,
    node: str,
    submit: Callable[[Envelope], object],
    *,
    check: Callable[[CapabilityRecord], None] = allow,
    bounds: Bounds | None = None,
    cluster: Liveness | None = None,
    pace: WritePace | None = None,
) -> Directory:
    """Open the `df` of a node."""
    finder = finder_of(registry, node, cluster)
    registrar = Registrar(
        node_id=node,
        registry=registry,
        count=lambda: len(registry.offers.on_node(node)),
        check=check,
        bounds=bounds or Bounds(),
        pace=pace or WritePace(HandClock()),
    )
    directory = Directory(registrar, finder, Watches(finder), submit)
    registry.subscribe(directory.handle_agents)
    return directory
