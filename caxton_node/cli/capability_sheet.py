"""How offers are shown."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from caxton_node.cli.output import Column, cell, column

if TYPE_CHECKING:
    from caxton_node.pb.capabilities_pb2 import CapabilityEvent, CapabilityOffer

LOADS = ("low", "moderate", "high", "full")


def shown(offer: CapabilityOffer) -> dict[str, Any]:
    """Return an offer as plain values, its schemas as what they say."""
    from caxton_node.client.plain import plain

    values = plain(offer)
    for side in ("input", "output"):
        text = values.pop(f"{side}_schema_json")
        values[f"{side}_schema"] = json.loads(text) if text else None
    return values


def lines_of(row: Mapping[str, Any]) -> list[tuple[str, object]]:
    """Return all that is known of an offer, by title."""
    return [
        ("Capability", row["name"]),
        ("Version", row["version"]),
        ("Agent", row["agent"]),
        ("Node", row["node"]),
        ("State", "ready" if row["ready"] else "not ready"),
        ("Load", load_of(row)),
        ("Distance", distance_of(row)),
        ("Description", row["description"] or "-"),
        ("Acts", row["performatives"] or "-"),
        ("Protocols", row["protocols"] or "-"),
        ("Cost", pairs_of(row, "cost") or "-"),
        ("Attributes", pairs_of(row, "attributes") or "-"),
        ("Input", _schema(row["input_schema"])),
        ("Output", _schema(row["output_schema"])),
    ]


def spoken(event: CapabilityEvent) -> str:
    """Return an event as a line for people."""
    offer = event.offer
    lost = f" ({event.dropped} events were lost before)" if event.dropped else ""
    return cell(f"{event.change:8} {offer.name} {offer.version} of {offer.agent} on {offer.node}{lost}")


def load_of(row: Mapping[str, Any]) -> str:
    """Return how loaded an agent is, in a word."""
    load = int(row["load"])
    return LOADS[load] if load < len(LOADS) else str(load)


def distance_of(row: Mapping[str, Any]) -> str:
    """Return how far a node is."""
    distance_ms = row.get("distance_ms")
    if distance_ms is None:
        return "unknown"
    return f"{distance_ms:.1f} ms" if distance_ms else "here"


def pairs_of(row: Mapping[str, Any], key: str) -> str:
    """Return a map of a row as `key=value` pairs."""
    return ", ".join(f"{name}={_number(value)}" for name, value in row[key].items())


def _number(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value


def _schema(schema: object) -> str:
    return "-" if schema is None else json.dumps(schema, ensure_ascii=False)


OFFER_COLUMNS = (
    column("CAPABILITY", "name"),
    column("VERSION", "version"),
    column("AGENT", "agent"),
    column("NODE", "node"),
    Column("STATE", lambda row: "ready" if row["ready"] else "not ready"),
    Column("LOAD", load_of),
    Column("DISTANCE", distance_of, right=True),
    Column("COST", lambda row: pairs_of(row, "cost"), wide=True),
    column("ACTS", "performatives", wide=True),
    column("PROTOCOLS", "protocols", wide=True),
    Column("ATTRIBUTES", lambda row: pairs_of(row, "attributes"), wide=True),
    column("DESCRIPTION", "description", wide=True),
)
