"""Options that several verbs of `caxton agent` share, and what was given by them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from caxton_node.cli.types import Count, Duration, KeyValue, Size
from caxton_node.core.errors import InvalidArgument

CPU = ("metered", "deadline", "both")
KEEPING = ("auto", "image", "off")
BATCHING = ("adaptive", "throughput", "latency", "single")
PROTOCOLS = ("enforce", "warn", "off")
ON_CONFLICT = ("stop", "keep")

F = TypeVar("F", bound=Callable[..., object])
Options = Mapping[str, Any]

settings_file = click.Path(exists=True, dir_okay=False, path_type=Path)


def _positive(_ctx: click.Context, param: click.Parameter, value: float | None) -> float | None:
    """Refuse 0 where the schema takes it for absence, so that it is never silently another number."""
    if value == 0:
        raise click.BadParameter("it must be more than 0", param=param)
    return value


_LIMITS: tuple[tuple[str, str, click.ParamType[Any], str], ...] = (
    ("--memory", "memory_bytes", Size(), "Linear memory, such as 10MiB."),
    ("--fuel", "fuel_per_message", Count(2**50), "Fuel for each message."),
    ("--wall-time", "wall_time_s", Duration(), "Time for each message, such as 5s."),
    ("--message-size", "message_bytes_max", Size(), "Content of one message, such as 1MiB."),
    ("--mailbox", "mailbox_depth", Count(), "Messages that may wait."),
    ("--batch", "batch_max", Count(), "Messages in one guest call, 1 to 256."),
    ("--host-calls", "host_calls_per_s", Count(), "Calls of the node's functions, per second."),
    ("--log-lines", "log_lines_per_s", Count(), "Lines of its log, per second."),
    ("--messages-rate", "messages_per_s", Count(), "Messages that it may send, per second; 0: no bound."),
    ("--table", "table_elements", Count(), "Elements of a table."),
    ("--checkpoint-size", "checkpoint_bytes_max", Size(), "State that it may leave, such as 1MiB."),
)
_ZERO_HAS_A_MEANING = {"log_lines_per_s", "messages_per_s", "table_elements", "checkpoint_bytes_max"}


def _limit(name: str, key: str, kind: click.ParamType[Any], text: str) -> Callable[[F], F]:
    check = None if key in _ZERO_HAS_A_MEANING else _positive
    return click.option(name, key, type=kind, default=None, callback=check, help=text)


def _stacked(*options: Callable[[F], F]) -> Callable[[F], F]:
    """Make one decorator of several, shown in this order."""

    def decorate(function: F) -> F:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


limit_options: Callable[[F], F] = _stacked(*(_limit(*row) for row in _LIMITS))
engine_options: Callable[[F], F] = _stacked(
    click.option("--cpu", type=click.Choice(CPU), help="How its processor time is bounded."),
    click.option(
        "--wasm-feature",
        "wasm_features",
        multiple=True,
        help="Feature beyond MVP WebAssembly to allow, such as simd; repeatable.",
    ),
)
state_options: Callable[[F], F] = _stacked(
    click.option("--keep", type=click.Choice(KEEPING), help="What it leaves for its successor."),
    click.option(
        "--checkpoint-every",
        type=Duration(),
        default=None,
        help="How often it is asked for that, such as 10s; 0: when it ends.",
    ),
    click.option(
        "--on-conflict",
        type=click.Choice(ON_CONFLICT),
        help="What it does when an agent deployed beyond a partition gets its name: stop, or keep running.",
    ),
)
message_options: Callable[[F], F] = _stacked(
    click.option(
        "--batching",
        type=click.Choice(BATCHING),
        help="How many messages it gets in one call: for throughput, for short waits, one.",
    ),
    click.option(
        "--protocols",
        type=click.Choice(PROTOCOLS),
        help="What becomes of acts that their protocol does not allow.",
    ),
)
config_options: Callable[[F], F] = _stacked(
    click.option(
        "--config", "pairs", type=KeyValue(), multiple=True, help="Setting for the guest; repeatable."
    ),
    click.option("--config-file", type=settings_file, help="Settings as JSON or YAML."),
)


def terms_of(options: Options) -> dict[str, Any]:
    """Return what the shared options say of a new agent, as the client's arguments."""
    return {
        "limits": limits_of(options),
        "config": config_of(options),
        "cpu": options["cpu"] or "",
        "wasm_features": options["wasm_features"],
        "keeping": options["keep"] or "",
        "checkpoint_every_s": options["checkpoint_every"] or 0.0,
        "batching": options["batching"] or "",
        "protocols": options["protocols"] or "",
        "on_conflict": options["on_conflict"] or "",
    }


def limits_of(options: Options) -> dict[str, int | None]:
    """Return the limits that were given, by the names of the schema."""
    limits = {key: options[key] for _, key, _, _ in _LIMITS}
    seconds = limits.pop("wall_time_s")
    # A time below a millisecond is too short; 0 would be taken for none at all.
    limits["wall_time_ms"] = None if seconds is None else max(1, round(seconds * 1000))
    return limits


def config_of(options: Options, before: Mapping[str, object] | None = None) -> dict[str, object]:
    """Return the settings that were given: single ones change those of the file, or those of before."""
    file: Path | None = options["config_file"]
    base = dict(before or {}) if file is None else _read_config(file)
    return {**base, **dict(options["pairs"])}


def _read_config(file: Path) -> dict[str, object]:
    import yaml

    try:
        found = yaml.safe_load(file.read_text())
    except (ValueError, yaml.YAMLError) as err:
        raise InvalidArgument(f"{file} cannot be read", why=str(err), hint="write JSON or YAML") from err
    if not isinstance(found, dict):
        raise InvalidArgument(f"{file} holds no settings", why="it must be a map of names and values")
    return {str(key): value for key, value in found.items()}
