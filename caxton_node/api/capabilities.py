"""Handlers about capabilities: who can do what."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence

import msgspec

from caxton_node.api.agent_answers import short
from caxton_node.api.call import Call
from caxton_node.api.feed import Feed
from caxton_node.api.services import Services
from caxton_node.core.bounds import nests_deeper
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.core.ids import Address, check_node_id, full_name
from caxton_node.core.shown import show
from caxton_node.messaging.directory.acts import SENDS_BYTES_MAX, read_sample
from caxton_node.pb import capabilities_pb2 as pb
from caxton_node.registry.discovery.finder import Found, refuse_blank
from caxton_node.registry.discovery.query import LIMIT, NEAR_MS, NOTHING, Locality, Pick, Query
from caxton_node.registry.discovery.registration import SCHEMA_DEPTH_MAX
from caxton_node.registry.discovery.schemas import check_schema
from caxton_node.registry.discovery.watches import Change, News
from caxton_node.registry.records import CapabilityRecord

WATCH_DEPTH = 10_000

_PICKS: Mapping[int, Pick] = {
    pb.CAPABILITY_PICK_UNSPECIFIED: Pick.ALL,
    pb.CAPABILITY_PICK_ALL: Pick.ALL,
    pb.CAPABILITY_PICK_BEST: Pick.BEST,
    pb.CAPABILITY_PICK_ANY: Pick.ANY,
}
_LOCALITIES: Mapping[int, Locality] = {
    pb.CAPABILITY_LOCALITY_UNSPECIFIED: Locality.ANYWHERE,
    pb.CAPABILITY_LOCALITY_ANYWHERE: Locality.ANYWHERE,
    pb.CAPABILITY_LOCALITY_NEAR: Locality.NEAR,
    pb.CAPABILITY_LOCALITY_HERE: Locality.HERE,
}


class NoSuchCapability(NotFound):
    """The named agent offers no capability of this name."""

    code = "CAPABILITY_NOT_FOUND"


async def find_capabilities(
    services: Services, request: pb.FindCapabilitiesRequest, call: Call
) -> pb.FindCapabilitiesResponse:
    """Search what agents offer."""
    if request.pick not in _PICKS:
        raise InvalidArgument(f"{request.pick} is no way to pick", hint="use all, best or any")
    query = _query_of(
        request.query,
        pick=_PICKS[request.pick],
        limit=request.limit or LIMIT,
        unready=request.include_unready,
        tenants=call.tenants,
    )
    answer = services.finder.search(refuse_blank(query))
    return pb.FindCapabilitiesResponse(offers=map(_offer_of, answer.found), more=answer.more)


async def get_capability(
    services: Services, request: pb.GetCapabilityRequest, _call: Call
) -> pb.GetCapabilityResponse:
    """Tell everything about one capability of one agent."""
    node = check_node_id(request.on_node) if request.on_node else ""
    agent = full_name(request.agent)
    found = services.finder.get(request.name, agent, node)
    if not found:
        raise NoSuchCapability(
            f"{Address(agent)} offers no {show(request.name)}" + (f" on {node}" if node else ""),
            hint="caxton capability list shows what there is",
        )
    return pb.GetCapabilityResponse(offers=map(_offer_of, found))


async def watch_capabilities(
    services: Services, request: pb.WatchCapabilitiesRequest, _call: Call
) -> AsyncIterator[pb.CapabilityEvent]:
    """Send what is there, then each change."""
    feed: Feed[News] = Feed(WATCH_DEPTH)

    def offer(news: Sequence[News]) -> None:
        for each in news:
            feed.offer(each)

    watch, present = services.watches.begin(refuse_blank(_query_of(request.query)), offer)
    try:
        for record in present:
            yield _event(services, News(Change.PRESENT, record))
        while True:
            news, dropped = await feed.take()
            yield _event(services, news, dropped)
    finally:
        services.watches.end(watch)


def _query_of(
    query: pb.CapabilityQuery,
    *,
    pick: Pick = Pick.ALL,
    limit: int = LIMIT,
    unready: bool = False,
    tenants: frozenset[str] | None = None,
) -> Query:
    """Read a search.

    Raises:
        InvalidArgument: A condition is malformed.
    """
    if query.locality not in _LOCALITIES:
        raise InvalidArgument(f"{query.locality} is no locality", hint="use anywhere, near or here")
    return Query(
        name=query.name,
        version=query.version,
        text=query.text,
        attributes=dict(query.attributes),
        performative=query.performative,
        protocol=query.protocol,
        agent=full_name(query.agent) if query.agent else "",
        node=check_node_id(query.on_node) if query.on_node else "",
        locality=_LOCALITIES[query.locality],
        within_ms=query.within_ms or NEAR_MS,
        sends=_schema_of(query.sends_schema_json) if query.sends_schema_json else None,
        sample=read_sample(query.sample_json.encode()) if query.sample_json else NOTHING,
        pick=pick,
        limit=limit,
        unready=unready,
        tenants=tenants,
    )


def _schema_of(text: str) -> dict[str, object]:
    if len(text) > SENDS_BYTES_MAX:
        raise InvalidArgument("the schema of what is sent is too long", why=f"{SENDS_BYTES_MAX:,} are taken")
    try:
        schema = msgspec.json.decode(text, type=dict[str, object])
    except (msgspec.DecodeError, RecursionError) as err:
        raise InvalidArgument("what is sent is no JSON Schema", why=show(str(err))) from err
    if nests_deeper(schema, SCHEMA_DEPTH_MAX):
        raise InvalidArgument(f"the schema of what is sent nests deeper than {SCHEMA_DEPTH_MAX}")
    check_schema(schema, "what is sent")
    return schema


def _offer_of(found: Found) -> pb.CapabilityOffer:
    offer = _offer_of_record(found.record)
    offer.load, offer.ready = found.load, found.ready
    if found.distance_ms is not None:
        offer.distance_ms = found.distance_ms
    return offer


def _offer_of_record(record: CapabilityRecord) -> pb.CapabilityOffer:
    return pb.CapabilityOffer(
        name=record.name,
        version=record.version,
        agent=short(record.agent),
        node=record.node,
        input_schema_json=_json_of(record.schema),
        output_schema_json=_json_of(record.output),
        performatives=record.performatives,
        protocols=record.protocols,
        cost=record.cost,
        attributes=record.attributes,
        description=record.description,
    )


def _json_of(schema: Mapping[str, object] | None) -> str:
    return "" if schema is None else msgspec.json.encode(schema).decode()


def _event(services: Services, news: News, dropped: int = 0) -> pb.CapabilityEvent:
    offer = _offer_of_record(news.record)
    offer.ready = news.change is not Change.GONE
    return pb.CapabilityEvent(
        change=news.change.value, offer=offer, at_unix_ms=services.clock.unix_us() // 1000, dropped=dropped
    )
