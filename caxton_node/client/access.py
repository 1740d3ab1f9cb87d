"""Calls about roles, what is assigned by name, and the audit log."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import access_pb2 as pb

PAGE_SIZE_MAX = 1_000
VERIFY_S = 600.0
"""A log of ninety days may have many gigabytes."""


class Access(Noun):
    """See and change who may do what, and read what was done."""

    service = "AccessService"

    def can(self, what: str, *, tenant: str = "", principal: str = "", kind: str = "") -> pb.CanResponse:
        """Tell whether somebody may do something, and why.

        Args:
            what: A permission or an operation.
            tenant: Where; empty means everywhere.
            principal: Name of another caller; empty means oneself.
            kind: By what that one is known; empty means an API key.
        """
        request = pb.CanRequest(what=what, tenant=tenant, principal=principal, kind=kind)
        return self._call("Can", request, pb.CanResponse)

    def roles(self) -> Sequence[pb.Role]:
        """List the roles: the built-in ones first, then the others by name."""
        return self._call("ListRoles", pb.ListRolesRequest(), pb.ListRolesResponse).roles

    def role(self, name: str) -> pb.GetRoleResponse:
        """Tell everything about a role, and who has it by name."""
        return self._call("GetRole", pb.GetRoleRequest(role=name), pb.GetRoleResponse)

    def put_role(self, name: str, permissions: Sequence[str], *, note: str = "") -> pb.PutRoleResponse:
        """Make a role, or change what it allows.

        Raises:
            Forbidden: It would allow more than the caller has.
        """
        request = pb.PutRoleRequest(role=name, permissions=permissions, note=note)
        return self._call("PutRole", request, pb.PutRoleResponse)

    def delete_role(self, name: str, *, force: bool = False) -> pb.DeleteRoleResponse:
        """Let a role go; with `force` even if somebody has it."""
        return self._call("DeleteRole", pb.DeleteRoleRequest(role=name, force=force), pb.DeleteRoleResponse)

    def assignments(
        self, *, principal: str = "", role: str = "", tenant: str = ""
    ) -> Iterator[pb.Assignment]:
        """Yield what is assigned by name; what is empty is no condition."""
        request = pb.ListAssignmentsRequest(principal=principal, role=role, tenant=tenant)
        while True:
            page = self._call("ListAssignments", request, pb.ListAssignmentsResponse)
            yield from page.assignments
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def assign(self, principal: str, role: str, *, kind: str = "", tenant: str = "") -> pb.Assignment:
        """Give a role to callers of a name; an empty tenant means everywhere."""
        request = pb.AssignRoleRequest(kind=kind, principal=principal, role=role, tenant=tenant)
        return self._call("AssignRole", request, pb.AssignRoleResponse).assignment

    def unassign(self, principal: str, role: str, *, kind: str = "", tenant: str = "") -> None:
        """Take a role that was assigned."""
        request = pb.UnassignRoleRequest(kind=kind, principal=principal, role=role, tenant=tenant)
        self._call("UnassignRole", request, pb.UnassignRoleResponse)

    def audit_records(self, *, limit: int, **conditions: str | int) -> Iterator[pb.AuditRecord]:
        """Yield records of a node's audit log, the latest first.

        Args:
            limit: At most this many.
            conditions: Fields of `ListAuditRecordsRequest`, the node among them.
        """
        request = pb.ListAuditRecordsRequest(**conditions)  # type: ignore[arg-type]  # names are the schema's
        while limit > 0:
            request.page_size = min(limit, PAGE_SIZE_MAX)
            page = self._call("ListAuditRecords", request, pb.ListAuditRecordsResponse)
            yield from page.records
            limit -= len(page.records)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def verify_audit(self, *, node: str = "") -> pb.VerifyAuditResponse:
        """Walk through a node's audit log and tell where it is not as it was written."""
        request = pb.VerifyAuditRequest(node=node)
        return self._call("VerifyAudit", request, pb.VerifyAuditResponse, extra_s=VERIFY_S)
