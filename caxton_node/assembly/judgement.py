"""Who may do what and what is written down about it; after the registry, in which roles travel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from caxton_node.assembly.ground import Ground
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.audit import AuditLog
from caxton_node.operations.components import check_audit
from caxton_node.registry.shared_roles import SharedRoles
from caxton_node.security import Access
from caxton_node.settings import audit_settings


@dataclass(frozen=True, slots=True)
class Judgement:
    """Permissions and the audit log.

    Attributes:
        access: Judges callers.
        roles: Custom roles and assignments of the cluster.
        audit: The log of this node.
    """

    access: Access
    roles: SharedRoles
    audit: AuditLog

    @classmethod
    def open(cls, ground: Ground, knowledge: Knowledge) -> Self:
        """Begin to judge and to write; the log closes after the last call has ended."""
        access = Access()
        roles = SharedRoles(knowledge.registry, access.book)
        audit = AuditLog(audit_settings(ground.config, ground.node_id), ground.clock)
        audit.open()
        ground.stack.push_async_callback(audit.close)
        ground.board.collect_from(audit.readings)
        ground.health.add({"audit": check_audit(lambda: audit.trouble)})
        return cls(access, roles, audit)
