"""The conditions of a search for capabilities, as options of the command line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from caxton_node.pb.capabilities_pb2 import CapabilityQuery

F = TypeVar("F", bound=Callable[..., object])

_OPTIONS = (
    click.option("--version", default="", metavar="RANGE", help="Versions such as ^1.2, ~1.2.3, '>=1 <2'."),
    click.option("--text", default="", help="Words that occur in name, description or attributes."),
    click.option("--attribute", "-a", multiple=True, metavar="KEY=VALUE", help="An attribute; repeatable."),
    click.option("--performative", default="", help="An act that it takes, such as request."),
    click.option("--protocol", default="", help="A protocol that it speaks, such as fipa-request."),
    click.option("--agent", default="", help="Only of this agent."),
    click.option("--node", "on_node", default="", help="Only on this node."),
    click.option("--here", is_flag=True, help="Only on the node that is asked."),
    click.option("--sends", default="", metavar="JSON|@FILE", help="JSON Schema of what will be sent."),
    click.option("--sample", default="", metavar="JSON|@FILE", help="A value that will be sent."),
)


def query_options(function: F) -> F:
    """Give a verb the options of a search."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def query_of(name: str, **conditions: Any) -> CapabilityQuery:  # noqa: ANN401  click gives what was typed
    """Return the search that the options ask for; without any condition, one for all capabilities."""
    from caxton_node.client.capabilities import write_query

    pairs = [_pair(text) for text in conditions["attribute"]]
    locality = "here" if conditions["here"] else "near" if conditions.get("near") else ""
    words = {
        word: conditions[word] for word in ("version", "text", "performative", "protocol", "agent", "on_node")
    }
    is_blank = not (name or pairs or any(words.values()))
    return write_query(
        "*" if is_blank else name,
        **words,
        attributes=dict(pairs),
        locality=locality,
        within_ms=conditions.get("within_ms", 0.0),
        sends_schema_json=_json(conditions["sends"]),
        sample_json=_json(conditions["sample"]),
    )


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise click.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--attribute")
    return key, value


def _json(text: str) -> str:
    if not text.startswith("@"):
        return text
    with click.open_file(text[1:], encoding="utf-8") as file:
        return str(file.read())
