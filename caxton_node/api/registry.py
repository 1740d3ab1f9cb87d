"""Handlers about the registry: what a node's copy holds, and the partition report of all nodes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Annotated

import msgspec

from caxton_node.api.asking import ask_others
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show
from caxton_node.pb import registry_pb2 as pb
from caxton_node.registry.conflict_book import PAGE_MAX
from caxton_node.registry.conflict_store import FIRST
from caxton_node.registry.conflicts import Conflict, Version

LIST = "RegistryService/ListConflicts"
AT_MAX = 2**63 - 1
"""Largest number that the store can compare with."""

Place = tuple[int, str, str, str]
_PLACES = msgspec.json.Decoder(tuple[Annotated[int, msgspec.Meta(ge=-AT_MAX, le=AT_MAX)], str, str, str])


async def get_registry(
    services: Services, _request: pb.GetRegistryRequest, _call: Call
) -> pb.GetRegistryResponse:
    """Tell what this node's copy of the registry holds."""
    holding = services.registry.holding()
    return pb.GetRegistryResponse(
        node_id=services.node_id,
        entries=holding.entries,
        tombstones=holding.tombstones,
        root=holding.root,
        conflicts=services.conflicts.count(),
    )


async def list_conflicts(
    services: Services, request: pb.ListConflictsRequest, call: Call
) -> pb.ListConflictsResponse:
    """List what was overruled, as this node and all others that answer have noticed it."""
    size = min(request.page_size or PAGE_MAX, PAGE_MAX)
    after = read_token(request.page_token)
    rows = await services.conflicts.read(since_unix_ms=request.since_unix_ms, after=after, limit=size)
    own = [written(row, services.node_id) for row in rows]
    if request.here_only:
        return pb.ListConflictsResponse(conflicts=own, next_page_token=token_of(own, size))
    answers = await ask_others(
        services.cluster,
        LIST,
        lambda node: pb.ListConflictsRequest(
            node=node,
            since_unix_ms=request.since_unix_ms,
            page_size=size,
            page_token=request.page_token,
            here_only=True,
        ),
        pb.ListConflictsResponse,
        call,
    )
    theirs = (answer.conflicts for answer in answers.by_node.values())
    merged = merge([own, *theirs])[:size]
    return pb.ListConflictsResponse(
        conflicts=merged, next_page_token=token_of(merged, size), silent=answers.silent_nodes()
    )


def merge(lists: Sequence[Iterable[pb.OverruledWrite]]) -> list[pb.OverruledWrite]:
    """Make one list of what several nodes have noticed, each write once, in the order of a report."""
    rows = sorted((row for rows in lists for row in rows), key=place_of)
    return [_united(list(same)) for _, same in groupby(rows, key=place_of)]


def written(conflict: Conflict, node: str) -> pb.OverruledWrite:
    """Write what a node has noticed as the message of the schema."""
    return pb.OverruledWrite(
        kind=conflict.kind,
        key=conflict.key,
        loser=_version(conflict.loser),
        winner=_version(conflict.winner),
        noticed_unix_ms=conflict.noticed_unix_ms,
        noticed_by=[node],
        actions={node: conflict.action} if conflict.action else {},
    )


def place_of(row: pb.OverruledWrite) -> Place:
    """Return the place of a row in a report; see `Conflict.place`."""
    return -row.loser.stamp, row.kind, row.key, row.loser.origin


def token_of(page: Sequence[pb.OverruledWrite], size: int) -> str:
    """Return the token of what follows a page; empty when the page is not full."""
    return msgspec.json.encode(place_of(page[-1])).decode() if page and len(page) >= size else ""


def read_token(token: str) -> Place:
    """Return the place after which a page begins.

    Raises:
        InvalidArgument: It is no token of ours.
    """
    if not token:
        return FIRST
    try:
        return _PLACES.decode(token)
    except (msgspec.DecodeError, ValueError) as err:
        raise InvalidArgument(
            "the page token is none of ours",
            why=show(str(err)),
            hint="pass on the next_page_token of the page before",
        ) from err


def _united(same: Sequence[pb.OverruledWrite]) -> pb.OverruledWrite:
    """Make one row of what several nodes say of one write; the winner is the latest that any of them knew."""
    latest = max(same, key=attrgetter("winner.stamp"))
    return pb.OverruledWrite(
        kind=latest.kind,
        key=latest.key,
        loser=latest.loser,
        winner=latest.winner,
        noticed_unix_ms=min(row.noticed_unix_ms for row in same),
        noticed_by=sorted({node for row in same for node in row.noticed_by}),
        actions=dict(_actions(same)),
    )


def _actions(same: Iterable[pb.OverruledWrite]) -> Iterator[tuple[str, str]]:
    for row in same:
        yield from row.actions.items()


def _version(version: Version) -> pb.EntryVersion:
    return pb.EntryVersion(
        origin=version.origin,
        at_unix_ms=version.unix_ms,
        digest=version.digest,
        summary=version.summary,
        stamp=version.stamp,
    )
