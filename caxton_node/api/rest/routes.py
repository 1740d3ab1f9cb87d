"""From a verb and a path to the rule that serves them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from caxton_node.api.rest.refusals import MethodNotAllowed, NoSuchPath
from caxton_node.api.rest.rules import Rule

SHOWN_CHARS_MAX = 200


@dataclass(slots=True)
class _Branch:
    """What may follow a part of a path."""

    words: dict[str, _Branch] = field(default_factory=dict)
    any: _Branch | None = None
    rules: dict[str, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """A rule, and what the path says for its fields."""

    rule: Rule
    values: Mapping[str, str]


class Routes:
    """Finds rules.

    Args:
        rules: All of them; of two that a request could mean, the one with the word goes before the field.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._root = _Branch()
        for rule in rules:
            branch = self._root
            for segment in rule.segments:
                branch = _grow(branch, segment)
            branch.rules.setdefault(rule.verb, rule)
            if rule.verb == "GET" and not rule.operation.streams:
                branch.rules.setdefault("HEAD", rule)

    def match(self, verb: str, path: str) -> Match:
        """Return the rule for a request; HEAD is served as GET.

        Args:
            verb: In capitals; HEAD is served wherever GET is, if that comes to an end.
            path: As it came, percent signs and all. It is compared as it is: no dots are resolved, no
                slashes merged, no case folded.

        Raises:
            NoSuchPath: Nothing is served there.
            MethodNotAllowed: Something is, with other verbs.
        """
        segments = path.split("/")
        branch = _walk(self._root, segments, 1) if segments[0] == "" else None
        if branch is None:
            raise no_such_path(path)
        rule = branch.rules.get(verb)
        if rule is None:
            allowed = ", ".join(allowed_verbs(branch.rules))
            raise MethodNotAllowed(
                f"{path[:SHOWN_CHARS_MAX]} cannot be used with {verb}",
                hint=f"it takes {allowed}",
                headers={"allow": allowed},
            )
        return Match(rule, _values(rule, segments[1:]))

    def verbs(self, path: str) -> list[str]:
        """Return the verbs that a path takes, OPTIONS among them; none if nothing is served there."""
        segments = path.split("/")
        branch = _walk(self._root, segments, 1) if segments[0] == "" else None
        return allowed_verbs(branch.rules) if branch is not None else []


def allowed_verbs(verbs: Iterable[str]) -> list[str]:
    """Return verbs and OPTIONS, in a fixed order."""
    allowed = {*verbs, "OPTIONS"}
    return [verb for verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS") if verb in allowed]


def no_such_path(path: str) -> NoSuchPath:
    """Return the error for a path at which nothing is served."""
    return NoSuchPath(f"nothing is served at {path[:SHOWN_CHARS_MAX]}", hint="look at /docs or /openapi.json")


def _grow(branch: _Branch, segment: str) -> _Branch:
    if segment[0] == "{":
        branch.any = branch.any or _Branch()
        return branch.any
    return branch.words.setdefault(segment, _Branch())


def _walk(branch: _Branch, segments: list[str], index: int) -> _Branch | None:
    if index == len(segments):
        return branch if branch.rules else None
    segment = segments[index]
    word = branch.words.get(segment)
    found = _walk(word, segments, index + 1) if word is not None else None
    if found is None and branch.any is not None and segment:
        return _walk(branch.any, segments, index + 1)
    return found


def _values(rule: Rule, segments: list[str]) -> dict[str, str]:
    pairs = zip(rule.segments, segments, strict=True)
    return {name[1:-1]: _decode(text) for name, text in pairs if name[0] == "{"}


def _decode(text: str) -> str:
    """Decode a segment once; what is still dots, or was never text, names nothing."""
    try:
        value = unquote_to_bytes(text).decode() if "%" in text else text
    except UnicodeDecodeError as err:
        raise no_such_path(text) from err
    if value in {".", ".."} or not value.isprintable():
        raise no_such_path(text)
    return value
