"""Handlers about limits of calls."""

from __future__ import annotations

from math import ceil, isfinite

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument, NotFound, ResourceLimit
from caxton_node.pb import limits_pb2 as pb
from caxton_node.registry.shared_limits import SetLimit
from caxton_node.resilience import Allowance, Rate
from caxton_node.resilience.limit_book import SEPARATOR

LIMITS_MAX = 1_000
CLIENT_CHARS_MAX = 256
_FIXED = ("node", "client", "anonymous")
_OF_CLIENTS = ("client", *Rate)


class LimitNotSet(NotFound):
    """Nobody has set such a limit; that of the configuration is in force."""

    code = "LIMIT_NOT_SET"


async def list_limits(
    services: Services, _request: pb.ListLimitsRequest, _call: Call
) -> pb.ListLimitsResponse:
    """List the limits in force."""
    shared = services.shared_limits.read()
    found: dict[str, pb.Limit] = {key: _set(key, limit) for key, limit in shared.items()}
    for scope, allowance in services.limits.settings.allowances.items():
        found.setdefault(scope, _configured(scope, allowance))
    return pb.ListLimitsResponse(
        limits=[limit for _, limit in sorted(found.items())],
        calls_under_way=services.limits.occupancy.total,
        loop_lag_s=services.limits.shedder.lag_s,
    )


async def set_limit(services: Services, request: pb.SetLimitRequest, call: Call) -> pb.SetLimitResponse:
    """Set a limit on every node."""
    key = _key(request.scope, request.client)
    shared = services.shared_limits.read()
    if key not in shared and len(shared) >= LIMITS_MAX:
        raise ResourceLimit(
            f"{LIMITS_MAX} limits are set already",
            hint="caxton limit list, and reset some of them",
        )
    limit = SetLimit(
        calls=_number("calls", request.calls, 1e6),
        per_s=_number("per_s", request.per_s, 86_400.0) or 1.0,
        burst=min(request.burst or max(1, ceil(request.calls)), 10_000_000),
        by=call.principal.name,
        at_unix_ms=services.clock.unix_us() // 1000,
    )
    services.shared_limits.put(key, limit)
    return pb.SetLimitResponse(limit=_set(key, limit))


async def reset_limit(
    services: Services, request: pb.ResetLimitRequest, _call: Call
) -> pb.ResetLimitResponse:
    """Go back to what the configuration says."""
    key = _key(request.scope, request.client)
    if key not in services.shared_limits.read():
        raise LimitNotSet(f"no limit {_written(key)} was set", hint="caxton limit list")
    services.shared_limits.remove(key)
    allowance = services.limits.settings.allowances.get(key)
    return pb.ResetLimitResponse(limit=None if allowance is None else _configured(key, allowance))


def _key(scope: str, client: str) -> str:
    """Return the key of a limit: operations are written with a dot outside, with a slash within."""
    from caxton_node.api.operations import BY_METHOD  # noqa: PLC0415  the table imports its handlers

    method = scope.replace(".", "/")
    if scope not in _FIXED and scope not in _OF_CLIENTS and method not in BY_METHOD:
        raise InvalidArgument(
            f"there is no limit {scope[:64]!r}",
            why="local cannot be set while the node runs" if scope == "local" else "",
            hint=f"one of {', '.join((*_FIXED, *Rate))}, or an operation such as CaxtonManagement.ListAgents",
        )
    if not client:
        return method
    if scope in {"node", "anonymous"} or len(client) > CLIENT_CHARS_MAX or ":" not in client:
        raise InvalidArgument(
            f"the limit {scope} cannot be set for {client[:64]!r}",
            hint="client, a class or an operation, for kind:name as caxton security whoami shows it",
        )
    return f"{method}{SEPARATOR}{client}"


def _number(name: str, value: float, most: float) -> float:
    if not (isfinite(value) and 0 <= value <= most):
        raise InvalidArgument(f"{name} is {value}", hint=f"from 0 to {most:g}")
    return value


def _written(key: str) -> str:
    scope, at, client = key.partition(SEPARATOR)
    return f"{scope.replace('/', '.')}{at}{client}"


def _set(key: str, limit: SetLimit) -> pb.Limit:
    scope, _, client = key.partition(SEPARATOR)
    return pb.Limit(
        scope=scope.replace("/", "."),
        client=client,
        calls=limit.calls,
        per_s=limit.per_s,
        burst=limit.burst,
        source="set",
        set_by=limit.by,
        set_unix_ms=limit.at_unix_ms,
    )


def _configured(scope: str, allowance: Allowance) -> pb.Limit:
    return pb.Limit(
        scope=scope, calls=allowance.calls, per_s=allowance.per_s, burst=allowance.burst, source="config"
    )
