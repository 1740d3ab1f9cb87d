"""Where the texts of values come from: a YAML file, the environment, `--set`.

Each source yields `Given(key, text, where)`; nothing here knows which keys exist. YAML is composed but not
constructed: the nodes know their lines, and `version: 1.10` stays the text that was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from caxton_node.core.errors import InvalidConfig

PREFIX = "CAXTON_"
ALIASES = {"CAXTON_DATA_DIR": "data.dir", "CAXTON_LOG_LEVEL": "log.level", "CAXTON_ENV": "node.env"}

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{")


@dataclass(frozen=True, slots=True)
class Given:
    """One value that somebody set.

    Attributes:
        key: `section.name` as it was written, known or not.
        text: The value's text.
        where: `file:line`, the variable's name, or `--set`.
    """

    key: str
    text: str
    where: str


def from_file(path: Path, environ: Mapping[str, str]) -> Iterator[Given]:
    """Yield what a YAML file of sections sets, in its order; `${VAR:-default}` is filled in.

    A key without a value (`host:`) sets nothing.

    Raises:
        InvalidConfig: The file cannot be read, is not YAML, or is not sections of plain values.
    """
    root = _compose(path)
    if root is None:
        return
    for section, node in _pairs(path, root, "sections, each with its settings below it"):
        if _is_empty(node):
            continue
        for name, value in _pairs(
            path, node, f"settings of {section} below it, like `{section}:` and `  name: value`"
        ):
            if not _is_empty(value):
                where = _where(path, value)
                yield Given(f"{section}.{name}", _fill(_scalar(value, where, name), environ, where), where)


def from_environment(environ: Mapping[str, str]) -> Iterator[Given]:
    """Yield what `CAXTON_<SECTION>__<KEY>` and the short names set, short names first.

    Variables with the prefix but without the double underscore are left alone: orchestrators invent such
    names for services (CAXTON_PORT, CAXTON_SERVICE_HOST), and a node must not stumble over them.
    """
    for variable, key in ALIASES.items():
        if environ.get(variable):
            yield Given(key, environ[variable], variable)
    for variable in sorted(environ):
        section, separator, name = variable.removeprefix(PREFIX).partition("__")
        if variable.startswith(PREFIX) and separator:
            yield Given(f"{section.lower()}.{name.lower()}", environ[variable], variable)


def from_overrides(overrides: Sequence[str]) -> Iterator[Given]:
    """Yield what `--set key=value` sets.

    Raises:
        InvalidConfig: One has no equals sign.
    """
    for override in overrides:
        key, equals, text = override.partition("=")
        if not equals:
            raise InvalidConfig(
                f"--set {override} sets nothing", why="expected key=value", hint=f"--set {override}=..."
            )
        yield Given(key.strip(), text, "--set")


def _compose(path: Path) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader)
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidConfig(
            f"{path} cannot be read",
            why=str(err),
            hint="check the path given by --config or CAXTON_CONFIG_PATH",
        ) from err
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        raise InvalidConfig(
            f"{path}{line}: this is not YAML",
            why=str(getattr(err, "problem", err)),
            hint="check the indentation",
        ) from err
    return node


def _pairs(path: Path, node: yaml.Node, expected: str) -> Iterator[tuple[str, yaml.Node]]:
    if not isinstance(node, yaml.MappingNode):
        raise InvalidConfig(
            f"{_where(path, node)}: expected {expected}", hint="see the configuration reference"
        )
    seen: dict[str, str] = {}
    for key, value in node.value:
        where = _where(path, key)
        name = _scalar(key, where, "a key")
        if name in seen:
            raise InvalidConfig(
                f"{where}: {name} is there twice", why=f"first at {seen[name]}", hint="keep one of them"
            )
        seen[name] = where
        yield name, value


def _scalar(node: yaml.Node, where: str, name: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        kind = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        raise InvalidConfig(f"{where}: {name} is {kind}", why="expected a plain value")
    return str(node.value)


def _is_empty(node: yaml.Node) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _where(path: Path, node: yaml.Node) -> str:
    return f"{path}:{node.start_mark.line + 1}"


def _fill(text: str, environ: Mapping[str, str], where: str) -> str:
    def replace(match: re.Match[str]) -> str:
        if match[0] == "$${":
            return "${"
        if match[1] is None:
            raise InvalidConfig(
                f"{where}: {text!r} has an unfinished variable",
                why="expected ${NAME} or ${NAME:-default}",
                hint="write $${ for a plain ${",
            )
        value = environ.get(match[1]) or match[2]
        if value is None:
            raise InvalidConfig(
                f"{where}: the variable {match[1]} is not set",
                why=f"{text!r} needs it",
                hint=f"set it, or write ${{{match[1]}:-default}}",
            )
        return value

    return _VARIABLE.sub(replace, text)
