"""Which test shows which scenario, read from the test files as text, so that nothing has to be imported."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
MARKER = "scenario"


class Showing(NamedTuple):
    """One test and a scenario that it shows.

    Attributes:
        number: Of the scenario.
        path: Test file, from the root of the repository.
        test: Name of the function, with its class if it has one.
    """

    number: int
    path: str
    test: str


def showings() -> list[Showing]:
    """Return every test that shows a scenario, by number, then by file and place in it."""
    found = [
        showing
        for path in sorted((ROOT / "tests").rglob("test_*.py"))
        for showing in showings_in(path.read_text(), str(path.relative_to(ROOT)))
    ]
    return sorted(found, key=lambda showing: (showing.number, showing.path))


def showings_in(source: str, path: str) -> Iterator[Showing]:
    """Yield the marked tests of one file in order."""
    if f"mark.{MARKER}(" not in source:
        return
    for name, function in _functions(ast.parse(source).body, ""):
        for number in sorted(_numbers(function)):
            yield Showing(number, path, name)


def _functions(
    body: list[ast.stmt], prefix: str
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node.body, f"{node.name}.")


def _numbers(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[int]:
    return {
        argument.value
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr == MARKER
        for argument in decorator.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    }
