"""Write the reference pages from the tables that the product itself runs on.

    python -m docs.reference.generate      what `make reference` does

One page for each table: `PAGES`. A test compares the pages in the repository with what this prints, so a
setting, metric, operation, error or option cannot be added without its page.
"""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from importlib import import_module
from pathlib import Path
from typing import Any

import click

import caxton_node
from caxton_node.agents import lifecycle
from caxton_node.api.messages import FAILURES
from caxton_node.api.operations import OPERATIONS, Operation, Place
from caxton_node.api.rest.refusals import status_of
from caxton_node.cli.main import caxton
from caxton_node.cli.node import program
from caxton_node.cli.session import shared_options
from caxton_node.config.schema import SECTIONS, SETTINGS
from caxton_node.config.setting import Kind as SettingKind
from caxton_node.config.setting import Setting
from caxton_node.core.errors import SURFACES, CaxtonError
from caxton_node.core.machine import draw
from caxton_node.fipa.protocols import PROTOCOLS, Protocol, Stage
from caxton_node.observability.instruments import INSTRUMENTS
from caxton_node.security import Permission, Role
from caxton_node.security.rbac import ROLES
from caxton_node.tasks import lifecycle as tasks
from docs.reference import protos, schema, swim_scenarios
from docs.reference.markdown import note, page, table

HERE = Path(__file__).resolve().parent
BYTES_KIND, SECONDS_KIND = SettingKind.SIZE, SettingKind.DURATION
_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))


def first_sentence(thing: object) -> str:
    """Return the first line of a docstring."""
    return (inspect.getdoc(thing) or "").partition("\n")[0]


# -- operations ---------------------------------------------------------------------------------------------

_PLACES = {
    Place.HERE: "the node that is asked",
    Place.NODE: "the node in the request's `node`, else the one that is asked",
    Place.AGENT: "the node in `node`, else the one that runs the agent in `name`",
}


def operations() -> str:
    """Return the page of operations and roles."""
    services = list(dict.fromkeys(operation.service for operation in OPERATIONS))
    return page(
        "# Operations",
        note("`caxton_node/api/operations.py`"),
        "Every management call, served over gRPC as package `caxton.v1`: TLS on `grpc.host:grpc.port` with a "
        "token, or the node's own Unix socket without one. The schema is `proto/caxton/v1/`; the server "
        "also speaks reflection and `grpc.health.v1`. Any node takes any call and forwards what another node "
        "must do.",
        *(part for service in services for part in _service(service)),
        "## Who may do what",
        "A role that is not ticked is refused. The Unix socket counts as `admin`.",
        table(
            ["permission", *Role],
            [[f"`{each}`", *("yes" if each in ROLES[role] else "" for role in Role)] for each in Permission],
        ),
    )


def _service(service: str) -> Iterator[str]:
    yield f"## {service}"
    rows = [operation for operation in OPERATIONS if operation.service == service]
    yield table(
        ["method", "what it does", "permission", "done by", "audited"],
        [
            [
                f"`{row.name}`" + (" (stream)" if row.streams else ""),
                first_sentence(row.handler),
                f"`{row.permission}`" if row.permission else "a join token",
                _PLACES[row.place],
                "yes" if row.audited else "",
            ]
            for row in rows
        ],
    )
    yield table(
        ["method", "request", "response"],
        [[f"`{row.name}`", _fields(row.request), _fields(row.response)] for row in rows],
    )


def _fields(message: Any) -> str:  # noqa: ANN401  a class that protobuf makes at run time
    names = [f"`{field.name}`" for field in message.DESCRIPTOR.fields]
    return ", ".join(names) or "nothing"


def undocumented_operations() -> list[Operation]:
    """Return operations whose handler says nothing."""
    return [operation for operation in OPERATIONS if not first_sentence(operation.handler)]


# -- settings -----------------------------------------------------------------------------------------------


def settings() -> str:
    """Return the page of settings."""
    return page(
        "# Settings",
        note("`caxton_node/config/schema.py`"),
        "A value comes from the first of these that has it: `--set section.name=value`; the environment, "
        "`CAXTON_<SECTION>__<NAME>`; the file (`--config`, else `CAXTON_CONFIG_PATH`, else "
        "`/etc/caxton/config.yaml`); the default. The file is YAML, one map for each section, and may hold "
        "`${VAR:-default}`. An unknown key or a value that does not fit stops the node before it opens "
        "anything, with file, line and what was probably meant. `caxton server config` shows what is in "
        "force.",
        "Sizes are written as `10MiB`, durations as `500ms`, `5s`, `1h`. A node reads its configuration when "
        "it starts; *reloadable* marks what is safe to change while it runs.",
        *(part for section in SECTIONS for part in _section(section)),
    )


def _section(section: str) -> Iterator[str]:
    yield f"## {section}"
    yield first_sentence(SECTIONS[section])
    rows = [setting for setting in SETTINGS if setting.key.startswith(f"{section}.")]
    yield table(
        ["setting", "type", "default", "reloadable", "what it does"],
        [
            [
                f"`{row.key}`",
                _type(row),
                _default(row),
                "yes" if row.reloadable else "",
                row.help,
            ]
            for row in rows
        ],
    )


def _type(setting: Setting) -> str:
    if setting.choices:
        return " or ".join(f"`{choice}`" for choice in setting.choices)
    low, high = setting.minimum, setting.maximum
    if low is None and high is None:
        return str(setting.kind)
    bounds = [f"from {_amount(setting, low)}"] if low is not None else []
    bounds += [f"to {_amount(setting, high)}"] if high is not None else []
    return f"{setting.kind}, {' '.join(bounds)}"


def _default(setting: Setting) -> str:
    value = setting.default
    if value is None:
        return "unset"
    if value == "":
        return "empty"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{_amount(setting, value) if isinstance(value, int | float) else value}`"


def _amount(setting: Setting, value: float) -> str:
    if setting.kind is BYTES_KIND and value:
        for size, unit in _UNITS:
            if not value % size:
                return f"{value // size:g}{unit}"
    if setting.kind is SECONDS_KIND:
        return f"{value:g}s"
    return f"{value:,.0f}" if value >= 10_000 and setting.kind is not SettingKind.PORT else f"{value:g}"


# -- metrics ------------------------------------------------------------------------------------------------


def metrics() -> str:
    """Return the page of metrics."""
    rows = [
        [
            f"`{row.name}`",
            str(row.kind),
            ", ".join(f"`{label}`" for label in row.labels),
            row.unit,
            row.help,
        ]
        for row in INSTRUMENTS
    ]
    return page(
        "# Metrics",
        note("`caxton_node/observability/instruments.py`"),
        "Served in Prometheus' text form at `http://<metrics.host>:<metrics.port>/metrics` (default "
        "`127.0.0.1:9090`), beside `/health` and `/ready`. Names are in base units. Labels have few values: "
        "never a conversation, a message or an agent.",
        table(["metric", "kind", "labels", "unit", "what it counts"], rows),
    )


# -- errors -------------------------------------------------------------------------------------------------


def error_classes() -> list[type[CaxtonError]]:
    """Return every error class of the product, parents before children, in the order of definition."""
    for module in pkgutil.walk_packages(caxton_node.__path__, "caxton_node."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    return list(_walk_errors(CaxtonError))


def _walk_errors(kind: type[CaxtonError]) -> Iterator[type[CaxtonError]]:
    yield kind
    children = [child for child in kind.__subclasses__() if child.__module__.startswith("caxton_node.")]
    # The order of import is an accident; the core's own classes keep their drawn order.
    core = [child for child in children if child.__module__ == CaxtonError.__module__]
    others = sorted((child for child in children if child not in core), key=lambda child: child.__name__)
    for child in (*core, *others):
        yield from _walk_errors(child)


def errors() -> str:
    """Return the page of errors."""
    classes = error_classes()
    rows = [
        [
            f"`{kind.code}`",
            first_sentence(kind),
            SURFACES[kind.category].grpc,
            str(status_of(kind)),
            str(SURFACES[kind.category].exit_code),
            "yes" if kind.retryable else "",
        ]
        for kind in classes
        if "code" in vars(kind) and kind is not CaxtonError
    ]
    failures = [[f"`{reason}`", f"`{kind.code}`", hint] for reason, (kind, hint) in FAILURES.items()]
    return page(
        "# Errors",
        note("`caxton_node/core/errors.py`"),
        "An error says what happened, why, and what to do next, and carries a code that never changes. Over "
        "gRPC these travel as `caxton.v1.ErrorDetail` in the status details; the commands print them and "
        "leave an exit code: 0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable.",
        "```text\n" + "\n".join(_drawn(CaxtonError)) + "\n```",
        table(
            ["code", "what happened and what became of state", "gRPC", "HTTP", "exit", "try again"],
            rows,
        ),
        "## When a message fails",
        "An agent learns it as a FAILURE from `ams` whose content has a `reason`; a client of the API as the "
        "error beside it. [Messages](../messages.md#failure) explains each reason.",
        table(["reason in FAILURE", "error of a client", "what to do"], failures),
    )


def _drawn(kind: type[CaxtonError], depth: int = 0) -> Iterator[str]:
    yield f"{'    ' * depth}{kind.__name__:{max(1, 36 - 4 * depth)}}{kind.code}"
    classes = [each for each in _walk_errors(kind) if kind in each.__bases__]
    for child in classes:
        yield from _drawn(child, depth + 1)


# -- states -------------------------------------------------------------------------------------------------


def states() -> str:
    """Return the page of state machines."""
    return page(
        "# State machines",
        note("the transition tables"),
        "Each machine is one table, and nothing else decides what is legal. The diagrams are drawn from the "
        "tables (`caxton_node/core/machine.py`, `draw`); what is not in a table is refused with the moves "
        "that would have been possible.",
        *_machine(
            "Agent instance", "caxton_node/agents/lifecycle.py", lifecycle.__doc__, lifecycle.TRANSITIONS
        ),
        *_machine("Task", "caxton_node/tasks/lifecycle.py", tasks.__doc__, tasks.TRANSITIONS),
        "## Interaction protocols",
        "Each is the talk of an initiator with one participant; with a hundred participants there are a "
        "hundred of these. [Interaction protocols](../protocols.md) says in words how they go. A picture is "
        "what FIPA's specification draws. The table below it is the whole: *not-understood* and *failure* at "
        "any point, and *cancel* with all that may cross it. In a final state the talk is over, and only "
        "what was under way is still taken. *timeout* is said by nobody: a machine that waits steps it.",
        *(part for protocol in PROTOCOLS.values() for part in _protocol(protocol)),
    )


def _machine(name: str, source: str, text: str | None, transitions: Mapping[Any, Any]) -> Iterator[str]:
    yield f"## {name}"
    about = (text or "").strip().partition("\n")[0]
    yield f"{about} Table: `{source}`."
    yield f"```mermaid\n{_readable(draw(transitions))}\n```"
    grouped: dict[StrEnum, list[str]] = {}
    for (state, event), after in transitions.items():
        grouped.setdefault(state, []).append(f"{event} → {after}")
    yield table(
        ["state", "event → next state"], [[str(state), ", ".join(moves)] for state, moves in grouped.items()]
    )


def _protocol(protocol: Protocol[Any, Any]) -> Iterator[str]:
    module = protocol.name.removeprefix("fipa-").replace("-", "_")
    yield f"### {protocol.name}"
    yield f"{protocol.title}, {protocol.source}. Table: `caxton_node/fipa/protocols/{module}.py`."
    reached = {protocol.start, *protocol.diagram.values()}
    drawn = {move: after for move, after in protocol.diagram.items() if move[0] in reached}
    yield f"```mermaid\n{_readable(draw(drawn))}\n```"
    yield table(
        ["state", "the initiator may say", "the participant may say"],
        [_stage(protocol.stage(state)) for state in type(protocol.start)],
    )


def _stage(stage: Stage) -> list[str]:
    moves = [
        ", ".join(f"{act.word} → {after.name}" for act, after in side.items())
        for side in (stage.initiator, stage.participant)
    ]
    return [f"{stage.name} (final)" if stage.is_final else stage.name, *moves]


def _readable(drawing: str) -> str:
    """Rename states that have a hyphen, which Mermaid does not take in a name."""
    head, *moves = drawing.splitlines()
    parts = [move.partition(": ") for move in moves]
    renamed = [
        f"{arrow.replace(' --> ', ' > ').replace('-', '_').replace(' > ', ' --> ')}: {event}"
        for arrow, _, event in parts
    ]
    return "\n".join([head, *renamed])


# -- command lines ------------------------------------------------------------------------------------------


def cli() -> str:
    """Return the page of the two command lines."""
    return page(
        "# Command lines",
        note("the command trees in `caxton_node/cli/`"),
        "`caxton` talks to a node, `caxton-node` is one. An unknown word gets a suggestion. Exit codes: "
        "0 ok, 1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable.",
        "These options stand before the noun or after the verb of every `caxton` command:",
        _options(shared_options(), click.Context(caxton)),
        *_command("caxton", caxton, None),
        *_command("caxton-node", program, None),
    )


def walk_commands(
    path: str, command: click.Command, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command of a tree with its full path."""
    context = click.Context(command, parent=parent, info_name=path.rpartition(" ")[2])
    yield path, command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, f"{path} lists {name}"
            yield from walk_commands(f"{path} {name}", child, context)


def _command(path: str, command: click.Command, parent: click.Context | None) -> Iterator[str]:
    shared = {param.name for param in shared_options()} if path == "caxton" else set()
    for full, each, context in walk_commands(path, command, parent):
        if isinstance(each, click.Group):
            yield f"## {full}"
            yield _help(each)
            continue
        yield f"### {full}"
        arguments = [f"{param.make_metavar(context)}" for param in each.params if _is_argument(param)]
        own = [param for param in each.params if param.name not in shared]
        usage = " ".join([full, *(["[OPTIONS]"] if any(map(_is_option, own)) else []), *arguments])
        yield f"```text\n{usage}\n```"
        yield _help(each)
        options = [param for param in own if _is_option(param)]
        if options:
            yield _options(options, context)


def _help(command: click.Command) -> str:
    return inspect.cleandoc(command.help or "").replace("\b\n", "").replace("\x08", "")


def _is_argument(param: click.Parameter) -> bool:
    return isinstance(param, click.Argument)


def _is_option(param: click.Parameter) -> bool:
    return isinstance(param, click.Option)


def _options(params: Iterable[click.Parameter], context: click.Context) -> str:
    records = [record for param in params if (record := param.get_help_record(context)) is not None]
    return table(["option", "meaning"], [[f"`{name}`", text] for name, text in records])


PAGES: Mapping[str, Callable[[], str]] = {
    "operations.md": operations,
    "protos.md": protos.protos,
    "settings.md": settings,
    "metrics.md": metrics,
    "errors.md": errors,
    "states.md": states,
    "cli.md": cli,
    "schema.md": schema.schema,
    "swim-scenarios.md": swim_scenarios.scenarios,
}


def main() -> None:
    """Write every page."""
    for name, write in PAGES.items():
        (HERE / name).write_text(write())


if __name__ == "__main__":
    main()
