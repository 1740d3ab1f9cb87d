"""Searching capabilities among 10,000 agents on 20 nodes: by name, version, words, attributes, schema.

`search_10k` is a mix of all kinds; its baseline asks every offer in turn, as a search without an index
does. The other lines are the kinds alone, and the worst cases: everybody offers what is asked for, and the
best is wanted; every agent has a schema of its own, with patterns, and none takes what is sent. Such a
search asks no more than `work.SEARCH_UNITS_MAX` allows.
"""

from __future__ import annotations

import gc
import random
import time
from collections.abc import Callable, Sequence

from caxton_node.registry.discovery.finder import Finder
from caxton_node.registry.discovery.offers import OfferIndex
from caxton_node.registry.discovery.query import Pick, Query
from caxton_node.registry.records import CapabilityRecord, InstanceRecord
from tests.bench.report import Reporter, percentile
from tests.support.directories import Everybody

AGENTS, NODES, NAMES, DOMAINS = 10_000, 20, 200, 10
SHARED = "status"
DISTINCT = "form"
SEED = 5
LANGUAGES = ("en", "de", "fr")

Ask = Callable[[random.Random], Query]


def _name(number: int) -> str:
    return f"domain{number % DOMAINS}.skill{number % NAMES}"


def _schema(length_max: int) -> dict[str, object]:
    return {
        "type": "object",
        "required": ["text"],
        "properties": {"text": {"type": "string", "maxLength": length_max}},
    }


KINDS: dict[str, Ask] = {
    "name": lambda rng: Query(name=_name(rng.randrange(NAMES)), version="^2", pick=Pick.BEST),
    "namespace": lambda rng: Query(name=f"domain{rng.randrange(DOMAINS)}.*"),
    "words": lambda rng: Query(text=f"thing {rng.randrange(500)}"),
    "attributes": lambda rng: Query(
        name=f"domain{rng.randrange(DOMAINS)}.*",
        attributes={"lang": rng.choice(LANGUAGES)},
        performative="request",
    ),
    "sends": lambda rng: Query(name=f"domain{rng.randrange(DOMAINS)}.*", sends=_schema(rng.randrange(1, 40))),
    "sample": lambda rng: Query(
        name=f"domain{rng.randrange(DOMAINS)}.*", sample={"text": "x" * rng.randrange(40)}
    ),
    "any": lambda rng: Query(name=_name(rng.randrange(NAMES)), pick=Pick.ANY),
}


def run(reporter: Reporter) -> None:
    """Search among 10,000 agents."""
    index, rng = build(AGENTS), random.Random(SEED)
    finder = Finder(index, Everybody("n0"), lambda node: int(node[1:]) / 1000, rng)
    gc.collect()
    count = 200 if reporter.options.quick else 2_000
    mixed = [rng.choice(list(KINDS.values()))(rng) for _ in range(count)]
    baseline_ms = percentile(measure(mixed[:50], lambda query: ask_all(index, query)), 0.99)
    _emit(reporter, "search_10k", measure(mixed, finder.search), f"mix of {len(KINDS)} kinds", baseline_ms)
    for kind, ask in KINDS.items():
        queries = [ask(rng) for _ in range(count // 2)]
        _emit(reporter, f"search_10k_{kind}", measure(queries, finder.search), "")
    best = [Query(name=SHARED, pick=Pick.BEST)] * (count // 5)
    _emit(
        reporter, "search_10k_of_all", measure(best, finder.search), "all 10,000 offer it, the best is wanted"
    )
    _distinct(reporter, count // 20)


def _distinct(reporter: Reporter, count: int) -> None:
    """Search among agents of which no two take the same."""
    index = build_distinct(AGENTS)
    finder = Finder(index, Everybody("n0"), lambda node: int(node[1:]) / 1000, random.Random(SEED))
    gc.collect()
    kinds = {
        "sample": [Query(name=f"{DISTINCT}.*", sample={"no": n}, node="n0") for n in range(count)],
        "sends": [
            Query(name=f"{DISTINCT}.*", sends={"type": "object", "title": str(n)}, node="n0")
            for n in range(count)
        ],
        "sample_everywhere": [Query(name=f"{DISTINCT}.*", sample={"no": n}) for n in range(count)],
    }
    for kind, queries in kinds.items():
        _emit(reporter, f"search_10k_distinct_{kind}", measure(queries, finder.search), "10,000 schemas")


def build_distinct(agents: int) -> OfferIndex:
    """Return an index in which every agent takes something else, with six patterns."""
    index = OfferIndex()
    for number in range(agents):
        agent, node = f"default/agent{number}", f"n{number % NODES}"
        fields = {f"f{number}_{n}": {"type": "string", "pattern": "^[a-z]+$"} for n in range(6)}
        schema = {"type": "object", "required": [f"f{number}_0"], "properties": fields}
        index.put_instance(InstanceRecord(agent, "1.0.0", 1, node, "Running"))
        index.put(CapabilityRecord(f"{DISTINCT}.of{number}", "1.0", agent, node, schema=schema))
    return index


def build(agents: int) -> OfferIndex:
    """Return an index in which every agent offers two capabilities and runs."""
    index, rng = OfferIndex(), random.Random(SEED)
    for number in range(agents):
        agent, node = f"default/agent{number}", f"n{number % NODES}"
        index.put_instance(InstanceRecord(agent, "1.0.0", 1, node, "Running", load=rng.randrange(4)))
        index.put(
            CapabilityRecord(
                name=_name(number),
                version=f"{number % 3 + 1}.{number % 7}.0",
                agent=agent,
                node=node,
                schema=_schema(number % 50 + 1),
                performatives=("request",),
                cost={"price": float(number % 17)},
                attributes={"lang": LANGUAGES[number % 3]},
                description=f"does thing number {number % 500} quickly",
            )
        )
        index.put(CapabilityRecord(SHARED, "1.0", agent, node))
    return index


def ask_all(index: OfferIndex, query: Query) -> list[str]:
    """Ask every offer in turn."""
    return sorted(offer.key for offer in index.all() if offer.ready and offer.fits(query))


def measure(queries: Sequence[Query], search: Callable[[Query], object]) -> list[float]:
    """Return how long each search took, milliseconds, sorted."""
    times_ms = []
    for query in queries:
        began = time.perf_counter()
        search(query)
        times_ms.append((time.perf_counter() - began) * 1000)
    return sorted(times_ms)


def _emit(
    reporter: Reporter, metric: str, times_ms: list[float], note: str, baseline_ms: float | None = None
) -> None:
    p50, p99 = percentile(times_ms, 0.5), percentile(times_ms, 0.99)
    reporter.emit(
        metric, p99, "ms", baseline=baseline_ms, n=len(times_ms), p50=p50, p99=p99, note=note or None
    )
