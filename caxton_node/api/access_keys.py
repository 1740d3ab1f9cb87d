"""Handlers about API keys, and about who calls."""

from __future__ import annotations

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import access_keys_pb2 as pb
from caxton_node.security import Grant, Holder, Kind, TokenRecord
from caxton_node.security.principal import parse_grants

_GOOD = ("active", "replaced")


async def create_api_key(
    services: Services, request: pb.CreateApiKeyRequest, call: Call
) -> pb.CreateApiKeyResponse:
    """Make an API key that may do no more than whoever asks for it."""
    grants = tuple(_grant_of(services, text) for text in request.grants)
    services.access.check_may_issue(call.principal, grants, Holder(Kind.API_KEY, request.name))
    lifetime_s = request.lifetime_s if request.HasField("lifetime_s") else None
    made = await services.api_keys.create(name=request.name, grants=grants, lifetime_s=lifetime_s)
    return pb.CreateApiKeyResponse(key=_key_of(services, made.record), token=made.text)


async def list_api_keys(
    services: Services, request: pb.ListApiKeysRequest, _call: Call
) -> pb.ListApiKeysResponse:
    """List the API keys of the cluster, oldest first."""
    uses = services.api_keys.uses.all()
    keys = [
        _key_of(services, record, uses.get(record.id))
        for record in await services.api_keys.records()
        if not request.name or record.name == request.name
    ]
    return pb.ListApiKeysResponse(keys=[key for key in keys if request.all or key.state in _GOOD])


async def rotate_api_key(
    services: Services, request: pb.RotateApiKeyRequest, call: Call
) -> pb.RotateApiKeyResponse:
    """Make a key that takes the place of another one."""
    old = await services.api_keys.get(request.key_id)
    _check_may_touch(services, call, old)
    lifetime_s = request.lifetime_s if request.HasField("lifetime_s") else None
    made = await services.api_keys.rotate(request.key_id, overlap_s=request.overlap_s, lifetime_s=lifetime_s)
    return pb.RotateApiKeyResponse(
        key=_key_of(services, made.record),
        token=made.text,
        replaced=_key_of(services, await services.api_keys.get(request.key_id)),
    )


async def revoke_api_key(
    services: Services, request: pb.RevokeApiKeyRequest, call: Call
) -> pb.RevokeApiKeyResponse:
    """Make a key void on every node."""
    _check_may_touch(services, call, await services.api_keys.get(request.key_id))
    revoked = await services.api_keys.revoke(request.key_id)
    return pb.RevokeApiKeyResponse(key=_key_of(services, revoked))


async def who_am_i(services: Services, _request: pb.WhoAmIRequest, call: Call) -> pb.WhoAmIResponse:
    """Tell who calls."""
    principal = call.principal
    return pb.WhoAmIResponse(
        name=principal.name,
        kind=principal.kind,
        grants=map(str, services.access.grants(principal)),
        expires_unix_s=principal.expires_unix_s,
        node_id=services.node_id,
    )


def _check_may_touch(services: Services, call: Call, record: TokenRecord) -> None:
    """Let nobody get, or take away, what it does not have itself."""
    holder = Holder(Kind.API_KEY, record.name)
    services.access.check_may_issue(call.principal, parse_grants(record.role), holder)


def _grant_of(services: Services, text: str) -> Grant:
    grant = Grant.parse(text)
    if grant.role not in services.access.book.roles():
        raise InvalidArgument(
            f"there is no role {grant.role[:64]!r}",
            why="a grant is a role, or role@tenant",
            hint="caxton security roles list shows the roles",
        )
    return grant


def _key_of(services: Services, record: TokenRecord, last_used_unix_s: int | None = None) -> pb.ApiKey:
    return pb.ApiKey(
        key_id=record.id,
        name=record.name,
        grants=map(str, parse_grants(record.role)),
        created_unix_s=record.created_unix_s,
        expires_unix_s=record.expires_unix_s,
        revoked_unix_s=record.revoked_unix_s,
        issuer=record.issuer,
        last_used_unix_s=last_used_unix_s,
        state=services.api_keys.state_of(record),
    )
