"""The file of the command line: contexts for several clusters, and defaults. What it may say, and reading it.

    current: prod
    output: table
    color: auto
    contexts:
      prod:
        endpoint: node1.example.net:50051
        ca: /etc/ssl/caxton/prod-ca.crt
        token_file: /etc/caxton/prod-token
      local:
        data_dir: /var/lib/caxton

What stands at the top level holds where a context says nothing. The text is read node by node rather than
into a dictionary, because an error has to name the line.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Final

from caxton_node.cli.output import FORMATS
from caxton_node.core.errors import InvalidConfig

if TYPE_CHECKING:
    import yaml

COLORING: Final = ("auto", "always", "never")
CONTEXTS_MAX: Final = 1000
_WORDS: Final[Mapping[str, Sequence[str]]] = {"output": FORMATS, "color": COLORING}


@dataclass(frozen=True, slots=True)
class Context:
    """How one cluster is reached, and how its answers look; what is empty was not said.

    Attributes:
        endpoint: `host:port` or `unix:<path>` of a node.
        data_dir: Data directory of a local node, instead of an endpoint.
        ca: File with the CA certificate of the cluster.
        token: API token; anybody who can read the file can use it.
        token_file: File that holds the token alone.
        token_command: Command that prints the token.
        output: One of `FORMATS`.
        color: One of `COLORING`.
    """

    endpoint: str = ""
    data_dir: str = ""
    ca: str = ""
    token: str = field(default="", repr=False)
    token_file: str = ""
    token_command: str = ""
    output: str = ""
    color: str = ""

    def said(self) -> dict[str, str]:
        """Return what was said."""
        return {name: value for name, value in asdict(self).items() if value}


@dataclass(frozen=True, slots=True)
class CliConfig:
    """The whole file.

    Attributes:
        current: Name of the context that is used when none is named; empty means none.
        contexts: By name.
        defaults: What holds where a context says nothing.
    """

    current: str = ""
    contexts: Mapping[str, Context] = field(default_factory=dict)
    defaults: Context = field(default_factory=Context)


KEYS: Final = tuple(each.name for each in fields(Context))


def parse(text: str, source: str) -> CliConfig:
    """Read the file.

    Args:
        text: What is in it.
        source: Its path, for errors.

    Raises:
        InvalidConfig: It is no YAML, or says what it may not; names the line.
    """
    import yaml

    reader = _Reader(source)
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as err:
        mark = getattr(err, "problem_mark", None)
        what = getattr(err, "problem", None) or "it is not YAML"
        raise reader.error(mark.line if mark else 0, what) from err
    return reader.config(root) if root is not None else CliConfig()


def write(config: CliConfig) -> str:
    """Return the text of a file; `parse` reads it back."""
    import yaml

    data: dict[str, object] = {"current": config.current} if config.current else {}
    data |= config.defaults.said()
    data["contexts"] = {name: context.said() for name, context in config.contexts.items()}
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


class _Reader:
    """Reads the nodes of one YAML document."""

    def __init__(self, source: str) -> None:
        self._source = source

    def config(self, root: yaml.Node) -> CliConfig:
        """Read the top level."""
        current, contexts, defaults = "", {}, {}
        for key, line, value in self._pairs(root, ("current", "contexts", *KEYS)):
            if key == "contexts":
                contexts = {name: self._context(node) for name, _, node in self._pairs(value, ())}
            elif key == "current":
                current = self._text(key, value)
                at = line
            else:
                defaults[key] = self._word(key, value)
        if current and current not in contexts:
            raise self.error(at, f"current names {current}, which is no context", _listed(contexts))
        return CliConfig(current, contexts, Context(**defaults))

    def error(self, line: int, what: str, known: str = "") -> InvalidConfig:
        """Return the error for a line, counted from 0."""
        return InvalidConfig(
            f"{self._source} cannot be used",
            why=f"line {line + 1}: {what}" + (f"; {known}" if known else ""),
            hint=f"edit that line, or move the file away: mv {self._source} {self._source}.old",
        )

    def _context(self, node: yaml.Node) -> Context:
        return Context(**{key: self._word(key, value) for key, _, value in self._pairs(node, KEYS)})

    def _pairs(self, node: yaml.Node, known: Sequence[str]) -> Iterator[tuple[str, int, yaml.Node]]:
        import yaml

        if isinstance(node, yaml.ScalarNode) and not node.value:  # `contexts:` with nothing behind it
            return
        if not isinstance(node, yaml.MappingNode):
            raise self.error(node.start_mark.line, "here must be names and values, each on a line")
        if len(node.value) > CONTEXTS_MAX:
            raise self.error(node.start_mark.line, f"there are more than {CONTEXTS_MAX} of them")
        for key, value in node.value:
            if known and key.value not in known:
                raise self.error(key.start_mark.line, f"{key.value!r} is not known", _near(key.value, known))
            yield str(key.value), key.start_mark.line, value

    def _word(self, key: str, node: yaml.Node) -> str:
        text = self._text(key, node)
        words = _WORDS.get(key)
        if words and text not in words:
            raise self.error(node.start_mark.line, f"{key} cannot be {text!r}", f"it is {' or '.join(words)}")
        return text

    def _text(self, key: str, node: yaml.Node) -> str:
        import yaml

        if not isinstance(node, yaml.ScalarNode):
            raise self.error(node.start_mark.line, f"{key} must be one text")
        return str(node.value)


def _near(word: str, known: Sequence[str]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(word, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else f"these are: {', '.join(known)}"


def _listed(names: Mapping[str, object]) -> str:
    return f"there are {', '.join(names)}" if names else "there are none"
