"""Calls about who can do what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from caxton_node.client.noun import Noun
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import capabilities_pb2 as pb

PICKS: Mapping[str, pb.CapabilityPick] = {
    "": pb.CAPABILITY_PICK_UNSPECIFIED,
    "all": pb.CAPABILITY_PICK_ALL,
    "best": pb.CAPABILITY_PICK_BEST,
    "any": pb.CAPABILITY_PICK_ANY,
}
LOCALITIES: Mapping[str, pb.CapabilityLocality] = {
    "": pb.CAPABILITY_LOCALITY_UNSPECIFIED,
    "anywhere": pb.CAPABILITY_LOCALITY_ANYWHERE,
    "near": pb.CAPABILITY_LOCALITY_NEAR,
    "here": pb.CAPABILITY_LOCALITY_HERE,
}


def write_query(
    name: str = "",
    *,
    version: str = "",
    text: str = "",
    attributes: Mapping[str, str] | None = None,
    performative: str = "",
    protocol: str = "",
    agent: str = "",
    on_node: str = "",
    locality: str = "",
    within_ms: float = 0.0,
    sends_schema_json: str = "",
    sample_json: str = "",
) -> pb.CapabilityQuery:
    """Write the conditions of a search; what is empty is no condition.

    Args:
        name: A name; `text.*` for a namespace.
        version: A range of versions, such as ^1.2.
        text: Words that must all occur.
        attributes: Attributes that it must have.
        performative: An act that it takes.
        protocol: A protocol that it speaks.
        agent: Name of the agent.
        on_node: Where it runs.
        locality: anywhere, near or here.
        within_ms: Longest round trip that counts as near, milliseconds.
        sends_schema_json: JSON Schema of what will be sent.
        sample_json: A value that will be sent.

    Raises:
        InvalidArgument: The locality is none.
    """
    if locality not in LOCALITIES:
        raise InvalidArgument(f"{locality!r} is no locality", hint="use anywhere, near or here")
    return pb.CapabilityQuery(
        name=name,
        version=version,
        text=text,
        attributes=attributes or {},
        performative=performative,
        protocol=protocol,
        agent=agent,
        on_node=on_node,
        locality=LOCALITIES[locality],
        within_ms=within_ms,
        sends_schema_json=sends_schema_json,
        sample_json=sample_json,
    )


class Capabilities(Noun):
    """Search what agents offer, and watch it."""

    service = "CapabilityService"

    def find(
        self, query: pb.CapabilityQuery, *, pick: str = "", limit: int = 0, include_unready: bool = False
    ) -> pb.FindCapabilitiesResponse:
        """Search what agents offer.

        Args:
            query: The conditions, of `write_query`.
            pick: all, best or any.
            limit: At most this many; 0 means 100.
            include_unready: Answer also with those that cannot be used now.

        Raises:
            InvalidArgument: A condition is malformed, or there is none.
        """
        if pick not in PICKS:
            raise InvalidArgument(f"{pick!r} is no way to pick", hint="use all, best or any")
        request = pb.FindCapabilitiesRequest(
            query=query, pick=PICKS[pick], limit=limit, include_unready=include_unready
        )
        return self._call("FindCapabilities", request, pb.FindCapabilitiesResponse)

    def get(self, name: str, agent: str, *, on_node: str = "") -> Sequence[pb.CapabilityOffer]:
        """Return one capability of an agent, as it is on each node that runs it.

        Raises:
            NotFound: The agent offers no such thing.
        """
        request = pb.GetCapabilityRequest(name=name, agent=agent, on_node=on_node)
        return self._call("GetCapability", request, pb.GetCapabilityResponse).offers

    def watch(self, query: pb.CapabilityQuery) -> Iterator[pb.CapabilityEvent]:
        """Yield what is there, then each change as it happens."""
        request = pb.WatchCapabilitiesRequest(query=query)
        return self._stream("WatchCapabilities", request, pb.CapabilityEvent)
