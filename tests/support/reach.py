"""Which operations a verb can reach: followed through its source, from its function to the client's methods.

Nothing is run. A verb's function and what it calls of the command line are read; where they say
`client.<noun>.<method>`, that method of the client is read for the operations that it calls.
"""

from __future__ import annotations

import ast
import functools
import inspect
import sys
import textwrap
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import FunctionType
from typing import Any

from caxton_node.client.client import NOUNS, noun_class

FOLLOWED = ("caxton_node.cli.", "caxton_node.cluster.joining")


def operations_of(function: Callable[..., Any]) -> set[str]:
    """Return the operations, as `Service/Method`, that a function of the command line may call."""
    found: set[str] = set()
    seen: set[object] = set()
    waiting: list[Any] = [inspect.unwrap(function)]
    while waiting:
        here = waiting.pop()
        if here not in seen:
            seen.add(here)
            operations, others = _read(here)
            found |= operations
            waiting.extend(others)
    return found


@functools.cache
def _read(function: FunctionType) -> tuple[frozenset[str], tuple[FunctionType, ...]]:
    """Return what a function calls of the client, and which others of the command line it names."""
    tree = _tree(function)
    calls = [
        _operations_of_method(node.value.attr, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Attribute)
        and node.value.attr in NOUNS
    ]
    return frozenset().union(*calls), tuple(_named(tree, function.__globals__))


def _named(tree: ast.AST, names: Mapping[str, Any]) -> Iterator[FunctionType]:
    """Yield the functions of the command line, and the methods of its classes, that are named in a tree."""
    names = {**names, **_imported(tree)}
    for node in ast.walk(tree):
        thing = names.get(node.id) if isinstance(node, ast.Name) else None
        thing = inspect.unwrap(thing) if callable(thing) else None
        if str(getattr(thing, "__module__", "")).startswith(FOLLOWED):
            parts = vars(thing).values() if inspect.isclass(thing) else [thing]
            yield from (part for part in map(_function_in, parts) if part is not None)


def _imported(tree: ast.AST) -> dict[str, Any]:
    """Return what is imported inside of a function."""
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith(FOLLOWED):
            module = import_module(str(node.module))
            found |= {each.asname or each.name: getattr(module, each.name) for each in node.names}
    return found


def _function_in(thing: Any) -> FunctionType | None:
    """Return the function of a method or property; what a dataclass has generated has no source."""
    function = getattr(thing, "fget", None) or getattr(thing, "__func__", thing)
    if not isinstance(function, FunctionType):
        return None
    written = function.__code__.co_filename == getattr(sys.modules[function.__module__], "__file__", "")
    return function if written else None


def _operations_of_method(noun: str, method: str) -> frozenset[str]:
    kind = noun_class(noun)
    function = getattr(kind, method, None)
    return _operations_in(function, kind) if isinstance(function, FunctionType) else frozenset()


@functools.cache
def _operations_in(function: FunctionType, kind: type[Any]) -> frozenset[str]:
    """Return what a function of the client calls, itself or by others of its class or package."""
    found: set[str] = set()
    for node in ast.walk(_tree(function)):
        if not isinstance(node, ast.Call):
            continue
        first = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else ""
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in {"_call", "_stream", "_call_plain"} and first:
            found.add(f"{kind.service}/{first}")
        elif isinstance(called, ast.Attribute) and called.attr in {"call", "stream", "upload"} and first:
            found.add(str(first))
        elif other := _of_the_client(called, function, kind):
            found |= _operations_in(other, kind)
    return frozenset(found)


def _of_the_client(called: ast.expr, function: FunctionType, kind: type[Any]) -> FunctionType | None:
    other = None
    if isinstance(called, ast.Name):
        other = function.__globals__.get(called.id)
    elif (
        isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self"
    ):
        other = getattr(kind, called.attr, None)
    is_ours = isinstance(other, FunctionType) and other.__module__.startswith("caxton_node.client.")
    return other if is_ours and other is not function else None


@functools.cache
def _tree(function: FunctionType) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))
