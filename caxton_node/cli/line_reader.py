"""Where the lines of the interactive command line come from: prompt_toolkit, readline, or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TextIO

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

HISTORY_LINES_MAX: Final = 1000

Complete = Callable[[str], list[tuple[str, str]]]
Prompt = Callable[[], str]


class Reader(Protocol):
    """Reads lines.

    Attributes:
        is_terminal: A person types them.
    """

    is_terminal: bool

    def lines(self, prompt: Prompt) -> Iterator[str]:
        """Yield lines until there are no more."""


@contextmanager
def open_reader(complete: Complete, source: TextIO) -> Iterator[Reader]:
    """Open the reader that suits where the lines come from, and what is installed."""
    if not source.isatty():
        yield PipeReader(source)
        return
    history = History(history_path(os.environ))
    is_plain = bool(os.environ.get("CAXTON_PLAIN_PROMPT")) or os.environ.get("TERM") == "dumb"
    has_toolkit = not is_plain and find_spec("prompt_toolkit") is not None
    yield ToolkitReader(complete, history) if has_toolkit else ReadlineReader(complete, history)


def history_path(environ: Mapping[str, str]) -> Path:
    """Return `$XDG_STATE_HOME/caxton/history`, or the same below ~/.local/state."""
    base = environ.get("XDG_STATE_HOME") or str(
        Path(environ.get("HOME", "~")).expanduser() / ".local" / "state"
    )
    return Path(base) / "caxton" / "history"


class History:
    """The last lines, in a file that only its owner reads; a line with a token is not kept.

    Args:
        path: The file; it and its folder are made when the first line comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def lines(self) -> list[str]:
        """Return what is kept, the oldest first; a history that cannot be read is empty."""
        try:
            found = self._path.read_text(errors="replace").splitlines()
        except OSError:
            return []
        return found[-HISTORY_LINES_MAX:]

    def add(self, line: str) -> None:
        """Keep a line; a history that cannot be written is no reason to stop."""
        if not line.strip() or "--token" in line or line.startswith(" "):
            return
        kept = [*self.lines(), line][-HISTORY_LINES_MAX:]
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with os.fdopen(os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
                file.write("".join(f"{each}\n" for each in kept))


class PipeReader:
    """Reads a script: no prompt, no history.

    Args:
        source: The lines.
    """

    is_terminal = False

    def __init__(self, source: TextIO) -> None:
        self._source = source

    def lines(self, prompt: Prompt) -> Iterator[str]:  # noqa: ARG002  nobody sees it
        """Yield lines until there are no more."""
        for line in self._source:
            yield line.rstrip("\n")


class ReadlineReader:
    """Reads what a person types, edited by readline.

    Args:
        complete: Says what the last word may become.
        history: What was typed before.
    """

    is_terminal = True

    def __init__(self, complete: Complete, history: History) -> None:
        import readline

        self._history = history
        self._found: list[str] = []
        self._complete = complete
        for line in history.lines():
            readline.add_history(line)
        readline.set_auto_history(False)
        readline.set_completer_delims(" \t\n")
        readline.set_completer(self._offer)
        readline.parse_and_bind("tab: complete")

    def lines(self, prompt: Prompt) -> Iterator[str]:
        """Yield lines until Ctrl-D; Ctrl-C begins a new one."""
        import readline

        while True:
            try:
                line = input(prompt())
            except KeyboardInterrupt:
                print(file=sys.stderr)
                continue
            except EOFError:
                print(file=sys.stderr)
                return
            if line.strip():
                readline.add_history(line)
            self._history.add(line)
            yield line

    def _offer(self, _word: str, index: int) -> str | None:
        import readline

        if index == 0:
            before = readline.get_line_buffer()[: readline.get_endidx()]
            self._found = [f"{value} " for value, _ in self._complete(before)]
        return self._found[index] if index < len(self._found) else None


class ToolkitReader:
    """Reads what a person types, with suggestions from what was typed before and a menu of completions.

    Args:
        complete: Says what the last word may become.
        history: What was typed before.
    """

    is_terminal = True

    def __init__(self, complete: Complete, history: History) -> None:
        self._complete = complete
        self._history = history

    def lines(self, prompt: Prompt) -> Iterator[str]:
        """Yield lines until Ctrl-D; Ctrl-C begins a new one."""
        from prompt_toolkit import PromptSession
        from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
        from prompt_toolkit.history import InMemoryHistory

        session: PromptSession[str] = PromptSession(
            history=InMemoryHistory(self._history.lines()),
            auto_suggest=AutoSuggestFromHistory(),
            completer=_completer(self._complete),
            complete_in_thread=True,
            complete_while_typing=False,
        )
        while True:
            try:
                line = session.prompt(prompt())
            except KeyboardInterrupt:
                continue
            except EOFError:
                return
            self._history.add(line)
            yield line


def _completer(complete: Complete) -> Completer:
    from prompt_toolkit.completion import CompleteEvent, Completer, Completion
    from prompt_toolkit.document import Document

    class WordCompleter(Completer):
        def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:  # noqa: ARG002  the signature is the library's
            before = document.text_before_cursor
            word = "" if not before or before[-1].isspace() else before.split()[-1]
            for value, meaning in complete(before):
                yield Completion(f"{value} ", -len(word), display=value, display_meta=meaning)

    return WordCompleter()
