"""Whether a principal may run an operation with this request: the same question on every node."""

from __future__ import annotations

from typing import Any

from caxton_node.api.operations import Operation
from caxton_node.api.reach import CLUSTER
from caxton_node.security import Access, Principal


def authorise(
    access: Access,
    operation: Operation,
    request: Any,  # noqa: ANN401  any request of the table
    principal: Principal,
) -> frozenset[str] | None:
    """Let a call go on, or not; nothing was looked up before, so a refusal tells nothing of what there is.

    Returns:
        The tenants that the answer must keep to; None: no limit.

    Raises:
        Forbidden: The principal lacks the permission where the request needs it.
    """
    permission, reach = operation.permission, operation.reach
    if permission is None:
        return None
    if reach is CLUSTER:
        access.check(principal, permission)
    elif reach.limited:
        return access.tenants(principal, permission)
    else:
        for tenant in sorted(reach.tenants(request)):
            access.check(principal, permission, tenant)
    return None


def authorise_somewhere(access: Access, operation: Operation, principal: Principal) -> None:
    """Let on whoever may run an operation with some request, before the request is there.

    Raises:
        Forbidden: It would be refused with any.
    """
    permission = operation.permission
    if permission is None:
        return
    if operation.reach is CLUSTER:
        access.check(principal, permission)
    else:
        access.tenants(principal, permission)
