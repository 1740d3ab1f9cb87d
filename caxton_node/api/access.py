"""Handlers about roles and what is assigned by name, and about whether somebody may do something."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from caxton_node.api.call import Call
from caxton_node.api.permission_names import permission_of
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument, NotFound, StateError
from caxton_node.core.ids import DEFAULT_TENANT, full_name
from caxton_node.core.shown import show
from caxton_node.pb import access_pb2 as pb
from caxton_node.security import EVERYWHERE, CustomRole, Grant, Holder, Kind, Permission, Principal
from caxton_node.security.principal import parse_grants
from caxton_node.security.rbac import ROLES
from caxton_node.security.role_book import check_role_name, read_holder, read_permissions

NOTE_CHARS_MAX = 200
TOKEN_CHARS_MAX = 9
LIST_THEM = "caxton security roles list shows what there is"
GOOD_KEYS = frozenset({"active", "replaced"})
PAGE_SIZE, PAGE_SIZE_MAX = 1_000, 10_000


class NoSuchRole(NotFound):
    """The named role is not known to this cluster."""

    code = "ROLE_NOT_FOUND"


class NoSuchAssignment(NotFound):
    """The role is not assigned to this caller there."""

    code = "ASSIGNMENT_NOT_FOUND"


class RoleInUse(StateError):
    """Somebody has the role; nothing was changed."""

    code = "ROLE_IN_USE"


async def can(services: Services, request: pb.CanRequest, call: Call) -> pb.CanResponse:
    """Tell whether somebody may do something, and why."""
    tenant = _tenant_of(request.tenant)
    permission, is_open = permission_of(request.what)
    who = await _principal_of(services, request, call)
    able = [role for role, granted in services.roles.book.roles().items() if permission in granted]
    allowed = permission is None or services.access.allows(who, permission, tenant)
    grants = _shown(services, call, who)
    return pb.CanResponse(
        allowed=allowed,
        permission=permission or "",
        why=is_open or _why(services, grants, permission, tenant, allowed=allowed),
        grants=map(str, grants),
        roles=able if permission else (),
    )


async def list_roles(services: Services, _request: pb.ListRolesRequest, _call: Call) -> pb.ListRolesResponse:
    """List the roles."""
    return pb.ListRolesResponse(roles=[_role_of(services, role) for role in services.roles.book.roles()])


async def get_role(services: Services, request: pb.GetRoleRequest, call: Call) -> pb.GetRoleResponse:
    """Tell everything about one role."""
    _check_known(services, request.role)
    held = [
        pair
        for pair in services.roles.book.holders(request.role)
        if call.tenants is None or pair[1].tenant in call.tenants
    ]
    assignments = [_assignment_of(services, *pair) for pair in held]
    return pb.GetRoleResponse(role=_role_of(services, request.role), assignments=assignments)


async def put_role(services: Services, request: pb.PutRoleRequest, call: Call) -> pb.PutRoleResponse:
    """Make a role, or change what it allows."""
    book, name = services.roles.book, check_role_name(request.role)
    permissions = read_permissions(request.permissions)
    if len(request.note) > NOTE_CHARS_MAX:
        raise InvalidArgument("the note is too long", why=f"it may have {NOTE_CHARS_MAX} characters")
    # Who has the role may have it everywhere; and what it allowed so far is taken from somebody.
    services.access.check_holds(call.principal, permissions | book.permissions(name), EVERYWHERE)
    created = not book.is_known(name)
    services.roles.put_role(CustomRole(name, permissions, call.principal.name, request.note))
    return pb.PutRoleResponse(role=_role_of(services, name), created=created)


async def delete_role(services: Services, request: pb.DeleteRoleRequest, call: Call) -> pb.DeleteRoleResponse:
    """Let a role go that is not built in."""
    name = check_role_name(request.role)
    _check_known(services, name)
    services.access.check_holds(call.principal, services.roles.book.permissions(name), EVERYWHERE)
    holders = [_assignment_of(services, *pair) for pair in services.roles.book.holders(name)]
    if not request.force:
        _check_unused(
            name, [*(f"{each.kind} {each.principal}" for each in holders), *await _keys_with(services, name)]
        )
    services.roles.delete_role(name)
    return pb.DeleteRoleResponse(assignments=holders)


async def list_assignments(
    services: Services, request: pb.ListAssignmentsRequest, _call: Call
) -> pb.ListAssignmentsResponse:
    """List what is assigned by name."""
    first = _read_page_token(request.page_token)
    size = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
    found = services.roles.book.assignments(request.principal, request.role, request.tenant)
    following = str(first + size) if len(found) > first + size else ""
    page = [_assignment_of(services, *pair) for pair in found[first : first + size]]
    return pb.ListAssignmentsResponse(assignments=page, next_page_token=following)


async def assign_role(services: Services, request: pb.AssignRoleRequest, call: Call) -> pb.AssignRoleResponse:
    """Give a role to callers of a name."""
    holder, grant = _read_assignment(request)
    _check_known(services, grant.role)
    _check_may_give(services, call, grant)
    services.roles.assign(holder, grant, by=call.principal.name)
    return pb.AssignRoleResponse(assignment=_assignment_of(services, holder, grant))


async def unassign_role(
    services: Services, request: pb.UnassignRoleRequest, call: Call
) -> pb.UnassignRoleResponse:
    """Take a role that was assigned."""
    holder, grant = _read_assignment(request)
    if grant not in services.roles.book.assigned(holder):
        raise NoSuchAssignment(
            f"{grant} is not assigned to {holder.kind} {show(holder.name)}",
            hint="caxton security roles assignments lists what is",
        )
    _check_may_give(services, call, grant)
    services.roles.unassign(holder, grant)
    return pb.UnassignRoleResponse()


def _check_unused(role: str, users: Sequence[str]) -> None:
    if users:
        raise RoleInUse(
            f"the role {role} is assigned to {users[0]}"
            + (f" and {len(users) - 1:,} more" if len(users) > 1 else ""),
            why="they would have nothing by it from now on",
            hint="take it from them first, or say --force",
        )


async def _keys_with(services: Services, role: str) -> list[str]:
    """Return the API keys that bring a role and are good."""
    keys = services.api_keys
    return [
        f"the API key {record.id} of {record.name}"
        for record in await keys.records()
        if keys.state_of(record) in GOOD_KEYS
        and any(grant.role == role for grant in parse_grants(record.role))
    ]


def _check_may_give(services: Services, call: Call, grant: Grant) -> None:
    permissions = services.roles.book.permissions(grant.role)
    services.access.check_holds(call.principal, permissions, grant.tenant)


def _check_known(services: Services, role: str) -> None:
    if not services.roles.book.is_known(role):
        raise NoSuchRole(f"there is no role {show(role)}", hint=LIST_THEM)


async def _principal_of(services: Services, request: pb.CanRequest, call: Call) -> Principal:
    """Return whom the question is about, with what this node can know that it has."""
    if not request.principal:
        return call.principal
    services.access.check(call.principal, Permission.SECURITY_READ, _tenant_of(request.tenant))
    holder = read_holder(request.kind or Kind.API_KEY, request.principal)
    if holder.kind is not Kind.API_KEY:
        return Principal(holder.name, (), holder.kind)
    keys = services.api_keys
    good = [
        record
        for record in await keys.records()
        if record.name == holder.name and keys.state_of(record) in GOOD_KEYS
    ]
    grants = dict.fromkeys(grant for record in good for grant in parse_grants(record.role))
    return Principal(holder.name, tuple(grants), holder.kind)


def _shown(services: Services, call: Call, who: Principal) -> Sequence[Grant]:
    """Return the grants that the caller may know of: its own, and others where it may read about them."""
    access, grants = services.access, services.access.grants(who)
    if who is call.principal:
        return grants
    return [each for each in grants if access.allows(call.principal, Permission.SECURITY_READ, each.tenant)]


def _why(
    services: Services, grants: Iterable[Grant], permission: Permission | None, tenant: str, *, allowed: bool
) -> str:
    """Say it by these grants alone, which need not be all."""
    if permission is None:
        return "it needs no permission"
    book, where = services.roles.book, "everywhere" if tenant == EVERYWHERE else f"in {tenant}"
    for grant in grants:
        if permission in book.permissions(grant.role) and grant.tenant in {EVERYWHERE, tenant}:
            return f"{grant} has {permission}"
    if allowed:
        return f"a grant for more tenants than you may read about has {permission}"
    has = [grant for grant in grants if permission in book.permissions(grant.role)]
    if has:
        return f"it needs {permission} {where}, and {has[0]} has it in {has[0].tenant} alone"
    return f"it needs {permission} {where}, and no grant has that"


def _read_assignment(request: pb.AssignRoleRequest | pb.UnassignRoleRequest) -> tuple[Holder, Grant]:
    holder = read_holder(request.kind or Kind.API_KEY, request.principal)
    grant = Grant(request.role, _tenant_of(request.tenant))
    if not grant.is_sound or not grant.role:
        raise InvalidArgument(f"{show(request.role)} is not the name of a role", hint=LIST_THEM)
    return holder, grant


def _tenant_of(text: str) -> str:
    """Read a tenant; empty and `*` both mean all.

    Raises:
        InvalidArgument: It cannot be the name of a tenant.
    """
    if text in {"", EVERYWHERE}:
        return EVERYWHERE
    return full_name(f"{text}/{DEFAULT_TENANT}").partition("/")[0]


def _role_of(services: Services, name: str) -> pb.Role:
    book = services.roles.book
    custom = book.find_custom(name)
    return pb.Role(
        role=name,
        permissions=sorted(book.permissions(name)),
        built_in=name in ROLES,
        note=custom.note if custom else "",
        by=custom.by if custom else "",
    )


def _assignments_of(services: Services, role: str) -> list[pb.Assignment]:
    return [_assignment_of(services, *pair) for pair in services.roles.book.holders(role)]


def _assignment_of(services: Services, holder: Holder, grant: Grant) -> pb.Assignment:
    return pb.Assignment(
        kind=holder.kind,
        principal=holder.name,
        role=grant.role,
        tenant="" if grant.tenant == EVERYWHERE else grant.tenant,
        unknown_role=not services.roles.book.is_known(grant.role),
    )


def _read_page_token(text: str) -> int:
    if text and not (text.isascii() and text.isdecimal() and len(text) <= TOKEN_CHARS_MAX):
        raise InvalidArgument(
            "the page token is none of this list", hint="take next_page_token of the page before"
        )
    return int(text or 0)
