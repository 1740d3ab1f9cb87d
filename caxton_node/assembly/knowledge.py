"""Who runs where and who can do what; before messages, whose routes come from it."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Self

from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.store import Store
from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.registry import Registry
from caxton_node.registry import Settings as RegistrySettings
from caxton_node.registry.conflict_book import ConflictBook
from caxton_node.registry.discovery.finder import Finder
from caxton_node.registry.discovery.watches import Watches
from caxton_node.registry.shared_tokens import SharedTokens
from caxton_node.security import ApiKeys


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The registry and who asks it.

    Attributes:
        registry: Of this node.
        finder: Finds who can do something.
        watches: Tells of changes in that.
        conflicts: What was overruled.
        api_keys: Those of the cluster, which travel in the registry.
    """

    registry: Registry
    finder: Finder
    watches: Watches
    conflicts: ConflictBook
    api_keys: ApiKeys

    @classmethod
    async def open(cls, ground: Ground, store: Store, company: Company) -> Self:
        """Load the registry and let other nodes compare with it."""
        cluster, stack = company.cluster, ground.stack
        registry = Registry(
            cluster=cluster,
            database=store.database,
            clock=ground.clock,
            settings=RegistrySettings(sync_interval_s=ground.config.registry.sync_interval_s),
            rng=random.Random(),  # noqa: S311  a choice of neighbours
        )
        await registry.open()
        stack.push_async_callback(registry.close)
        ground.board.collect_from(registry.collect)
        finder = Finder(
            registry.offers,
            cluster,
            cluster.membership.distance_s,
            random.Random(),  # noqa: S311  a choice among equals
        )
        watches = Watches(finder)
        ground.bus.subscribe(MemberChanged, lambda changed: watches.handle_node(changed.member.node_id))
        conflicts = ConflictBook(store.database, ground.clock)
        stack.push_async_callback(conflicts.close)
        registry.on_overruled(conflicts.note)
        ground.board.collect_from(conflicts.readings)
        cluster.sides.count_conflicts = conflicts.count
        api_keys = ApiKeys(
            store.database,
            ground.clock,
            SharedTokens(registry, ground.node_id),
            node_id=ground.node_id,
            env=ground.config.node.env,
        )
        await api_keys.open()
        stack.push_async_callback(api_keys.close)
        return cls(registry, finder, watches, conflicts, api_keys)

    def handle_member(self, changed: MemberChanged) -> None:
        """Show or hide what a node has published."""
        if changed.change is Change.JOINED:
            self.registry.handle_member_joined(changed.member.node_id)
        elif changed.change in {Change.DIED, Change.LEFT}:
            self.registry.handle_member_gone(changed.member.node_id)
