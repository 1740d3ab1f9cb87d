"""What the written pages name exists: files, functions, links, commands, and nothing of a machine."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest

from caxton_node.cli.main import caxton
from caxton_node.cli.node import program
from caxton_node.fipa import FailureReason

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
PROGRAMS: dict[str, click.Command] = {"caxton": caxton, "caxton-node": program}

_CODE = re.compile(r"`([^`\n]+)`")
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"^(?:caxton_node|swim|transport|certs|proto|sdk|systemd|tests|docs|\.ci)/[\w./-]*$")


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def prose_of(page: Path) -> str:
    return _FENCE.sub("", page.read_text())


def named_places(page: Path) -> Iterator[tuple[str, str]]:
    for code in _CODE.findall(prose_of(page)):
        path, _, symbol = code.partition("::")
        if _PATH.match(path):
            yield path, symbol


@cache
def symbols_of(path: Path) -> frozenset[str]:
    """Return every function, class and method of a file, methods as `Class.method`."""
    found: set[str] = set()

    def collect(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                found.add(prefix + node.name)
                collect(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.Assign):
                found.update(prefix + target.id for target in node.targets if isinstance(target, ast.Name))

    collect(ast.parse(path.read_text()).body, "")
    return frozenset(found)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_and_function_that_a_page_names_exists(page: Path) -> None:
    missing = [path for path, _ in named_places(page) if not (ROOT / path).exists()]
    missing += [
        f"{path}::{symbol}"
        for path, symbol in named_places(page)
        if symbol and (ROOT / path).exists() and symbol not in symbols_of(ROOT / path)
    ]
    assert missing == []


def test_the_tour_names_many_places() -> None:
    assert len([symbol for _, symbol in named_places(ROOT / "docs" / "tour.md") if symbol]) > 40


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_to_a_file(page: Path) -> None:
    targets = [link.partition("#")[0] for link in _LINK.findall(prose_of(page)) if "://" not in link]
    assert [target for target in targets if target and not (page.parent / target).exists()] == []


def test_every_page_is_reached_from_the_navigation() -> None:
    nav = (ROOT / ".ci" / "mkdocs.yml").read_text()
    docs = ROOT / "docs"
    pages = [str(page.relative_to(docs)) for page in PAGES if page.is_relative_to(docs)]
    assert [page for page in pages if f"- {page}\n" not in nav] == []


# -- command lines ------------------------------------------------------------------------------------------


def command_lines(page: Path) -> Iterator[str]:
    """Yield every `caxton` command of a page: in shell blocks, behind `$`, and in running text."""
    for language, block in _FENCE.findall(page.read_text()):
        for line in block.replace("\\\n", " ").splitlines():
            if language == "sh":
                yield from commands_in(line)
            elif line.lstrip().startswith("$ "):
                yield from commands_in(line.lstrip()[2:].replace('{"hello": "n3"}', "CONTENT"))
    for code in _CODE.findall(prose_of(page)):
        yield from commands_in(code)


def commands_in(line: str) -> Iterator[str]:
    inner = re.findall(r"\$\(([^)]*)\)", line)
    line = re.sub(r'"?\$\([^)]*\)"?', "WORD", line)
    for part in [*re.split(r"&&|;|\|(?!\|)|(?<!\d)&(?!\d)", line), *inner]:
        words = part.strip().removeprefix("runuser -u caxton -- ").removeprefix("/opt/caxton/bin/")
        if words.startswith(("caxton ", "caxton-node ")):
            yield words


def parse(line: str) -> None:
    """Follow the command tree and parse the options; raises click.UsageError, as the command would."""
    words = [word for word in shlex.split(line, comments=True) if not re.match(r"^\d?>", word)]
    command = PROGRAMS[words[0]]
    context, rest = click.Context(command, info_name=words[0]), words[1:]
    while isinstance(command, click.Group):
        _, rest, _ = command.make_parser(context).parse_args(rest)
        if not rest:
            return
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        context = click.Context(command, parent=context, info_name=name)
    if rest:  # a bare mention, such as `caxton agent deploy`, needs no arguments
        command.make_parser(context).parse_args(rest)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_line_on_a_page_parses(page: Path) -> None:
    wrong = []
    for line in command_lines(page):
        try:
            parse(re.sub(r"\s2$|\s2>.*$", "", line.replace("...", "WORD")))
        except (click.UsageError, ValueError) as err:
            wrong.append(f"{line}: {err}")
    assert wrong == []


def test_command_lines_are_found_and_wrong_ones_are_told() -> None:
    assert len(list(command_lines(ROOT / "README.md"))) > 15
    with pytest.raises(click.UsageError):
        parse("caxton agent fly")
    with pytest.raises(click.UsageError):
        parse("caxton agent list --colour")


# -- what must be said, and what must not -------------------------------------------------------------------


def test_every_reason_of_a_failure_is_explained() -> None:
    text = (ROOT / "docs" / "messages.md").read_text()
    assert [reason.value for reason in FailureReason if f"| `{reason}` |" not in text] == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_names_no_place_of_one_machine(page: Path) -> None:
    assert re.findall(r"(?<![\w/])/(?:tmp|work|root|home)/\S*", page.read_text()) == []
