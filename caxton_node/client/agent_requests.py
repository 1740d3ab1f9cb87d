"""Requests about agents, written from words and plain values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct

from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import agents_pb2 as pb


def write_limits(limits: Mapping[str, int | None] | None) -> pb.Limits:
    """Write limits by the names of the schema's Limits; what is None is left out.

    Raises:
        InvalidArgument: There is no limit of such a name, or a value does not fit into its field.
    """
    given = {name: value for name, value in (limits or {}).items() if value is not None}
    try:
        return pb.Limits(**given)
    except (TypeError, ValueError) as err:
        known = ", ".join(pb.Limits.DESCRIPTOR.fields_by_name)
        raise InvalidArgument("the limits cannot be sent", why=str(err), hint=f"these are: {known}") from err


def write_cpu(word: str) -> Any:  # noqa: ANN401  the stubs have a type of their own for enum values
    """Return the value for `metered`, `deadline` or `both`; "" leaves it to the node.

    Raises:
        InvalidArgument: It is no such word.
    """
    return _number(pb.CpuMode, word)


def write_keeping(word: str) -> Any:  # noqa: ANN401  see write_cpu
    """Return the value for `auto`, `image` or `off`; "" leaves it to the node.

    Raises:
        InvalidArgument: It is no such word.
    """
    return _number(pb.Keeping, word)


def write_batching(word: str) -> Any:  # noqa: ANN401  see write_cpu
    """Return the value for `adaptive`, `throughput`, `latency` or `single`; "" leaves it to the node.

    Raises:
        InvalidArgument: It is no such word.
    """
    return _number(pb.Batching, word)


def write_protocols(word: str) -> Any:  # noqa: ANN401  see write_cpu
    """Return the value for `enforce`, `warn` or `off`; "" leaves it to the node.

    Raises:
        InvalidArgument: It is no such word.
    """
    return _number(pb.ProtocolPolicy, word)


def write_on_conflict(word: str) -> Any:  # noqa: ANN401  see write_cpu
    """Return the value for `stop` or `keep`; "" leaves it to the node.

    Raises:
        InvalidArgument: It is no such word.
    """
    return _number(pb.OnConflict, word)


def write_world(seed: int | None, start_unix_us: int) -> pb.Determinism | None:
    """Write the world of a deterministic agent, None without a seed."""
    return None if seed is None else pb.Determinism(seed=seed, start_unix_us=start_unix_us)


def write_names(names: Sequence[str] | None) -> pb.Names | None:
    """Write a list that may be absent."""
    return None if names is None else pb.Names(names=names)


def write_config(config: Mapping[str, object] | None) -> Struct | None:
    """Write a config.

    Raises:
        InvalidArgument: It has a value that JSON does not know.
    """
    if config is None:
        return None
    written = Struct()
    try:
        ParseDict(dict(config), written)
    except (ParseError, TypeError, ValueError, OverflowError) as err:
        raise InvalidArgument(
            "the config is not JSON", why=str(err), hint="use plain JSON values; YAML dates need quotes"
        ) from err
    return written


def _number(enum: Any, word: str) -> Any:  # noqa: ANN401  classes that protobuf makes at run time
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    known = {name.removeprefix(prefix).lower(): number for name, number in enum.items() if number}
    if not word:
        return 0
    if word not in known:
        raise InvalidArgument(f"{word!r} is not one of {', '.join(known)}")
    return known[word]
