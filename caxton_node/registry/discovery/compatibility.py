"""Whether an offer takes what somebody will send: a schema of it, or a sample."""

from __future__ import annotations

from caxton_node.registry.discovery.offers import Offer
from caxton_node.registry.discovery.query import NOTHING, Query
from caxton_node.registry.discovery.schemas import NoSchema
from caxton_node.registry.discovery.subschema import narrow_of, takes_all
from caxton_node.registry.discovery.validators import Sample, sample_of, validator_of
from caxton_node.registry.discovery.work import Work

BYTES_WRITTEN_PER_UNIT = 250
"""Of a schema, when it is written as text by which it is compared."""


class Compatibility:
    """The condition on schemas of one search, with a bound on its work.

    An offer that says nothing about its input is not found by it: nobody knows what it takes.

    Args:
        query: The search.
        work: What it may spend; by default as much as one search may.

    Attributes:
        is_exhausted: It has done as much as it may; what it has not seen does not hold.
    """

    def __init__(self, query: Query, work: Work | None = None) -> None:
        self.is_exhausted = False
        self._work = work or Work()
        self._sends = narrow_of(query.sends) if query.sends is not None else None
        self._sample: Sample | None = None if query.sample is NOTHING else sample_of(query.sample)
        self._verdicts: dict[bytes, bool] = {}

    def holds(self, offer: Offer) -> bool:
        """Tell whether an offer takes what will be sent."""
        if self._sends is None and self._sample is None:
            return True
        if offer.record.schema is None:
            return False
        if self._work.is_done:
            self.is_exhausted = True
            return False
        try:
            schema_json = self._written(offer)
        except NoSchema:
            return False
        verdict = self._verdicts.get(schema_json)
        if verdict is None:
            verdict = self._verdicts[schema_json] = self._judge(schema_json)
        return verdict

    def _written(self, offer: Offer) -> bytes:
        """Return the schema of an offer as text; the first to ask pays for the writing."""
        if offer.is_written:
            return offer.schema_json
        schema_json = offer.schema_json
        self._work.spend(2 + len(schema_json) / BYTES_WRITTEN_PER_UNIT)
        return schema_json

    def _judge(self, schema_json: bytes) -> bool:
        self._work.spend(1)
        if self._sends is not None and not takes_all(schema_json, self._sends, self._work):
            return False
        return self._sample is None or validator_of(schema_json, self._work).takes(self._sample, self._work)
