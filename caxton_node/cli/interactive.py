"""`caxton interactive`: commands one after another, without the word caxton and without a start-up each.

A line of options alone, such as `-o json` or `--context prod`, holds for the lines after it. What goes wrong
is said as everywhere and ends nothing; `exit` or Ctrl-D does. Piped in, it is a script of commands.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from typing import Final

import click

from caxton_node.cli.failure import report, run
from caxton_node.cli.session import Session, Verb
from caxton_node.core.errors import InvalidArgument

PROGRAM: Final = "caxton"
LEAVE: Final = frozenset({"exit", "quit", "\\q"})
ASK: Final = frozenset({"help", "?"})
PATIENCE_S: Final = 0.3


@click.command("interactive", cls=Verb)
@click.pass_obj
def interactive(session: Session) -> int:
    """Type commands one after another, with history and completion.

    The Tab key completes nouns, verbs, options, and the names of agents and nodes that are there. Install
    caxton-node[cli] for suggestions while you type; without it the line is edited by readline.
    """
    from caxton_node.cli.line_reader import open_reader

    shell = Shell(session)
    with open_reader(shell.complete, sys.stdin) as reader:
        if reader.is_terminal:
            click.echo("caxton: `help` lists the nouns, Tab completes, `exit` leaves", err=True)
        for line in reader.lines(shell.prompt):
            if not shell.take(line):
                break
    return shell.code


class Shell:
    """The commands of one sitting.

    Args:
        session: What was given when it began.

    Attributes:
        code: Exit code of the last command.
    """

    def __init__(self, session: Session) -> None:
        self.code = 0
        self._settings = dict(session.settings)
        self._node = ""

    def take(self, line: str) -> bool:
        """Do what a line says; returns False when it says to leave."""
        words = self._words(line)
        if not words:
            return True
        if words[0] in LEAVE:
            return False
        if self._stays(words):
            self._node = ""
            return True
        self.code = run(_program(), PROGRAM, words, obj=self._session())
        return True

    def prompt(self) -> str:
        """Return what stands before the line: the context and the node that answers."""
        session = self._session()
        try:
            context = session.context
            self._node = self._node or self._ask_node(session)
        except Exception:  # noqa: BLE001  a prompt must come whatever is wrong; the command will say it
            context = self._settings.get("context", "")
        place = "/".join(part for part in (context, self._node or "no node") if part)
        return f"caxton ({place})> "

    def complete(self, before: str) -> list[tuple[str, str]]:
        """Return what the last word may become, each with a word about it."""
        from click.shell_completion import ShellComplete

        *words, last = _split_open(before)
        if words and words[0] == PROGRAM:
            words = words[1:]
        completer = ShellComplete(_program(), {"obj": self._session()}, PROGRAM, "")
        found = [
            (item.value, item.help or "")
            for item in completer.get_completions(words, last)
            if item.type == "plain"
        ]
        own = [] if words else [(word, "leave") for word in ("exit",) if word.startswith(last)]
        return found + own

    def _words(self, line: str) -> list[str]:
        try:
            words = shlex.split(line, comments=True)
        except ValueError as err:
            self.code = report(InvalidArgument(str(err).lower()), (), self._session())
            return []
        words = words[1:] if words[:1] == [PROGRAM] else words
        if words and words[0] in ASK:
            return [*words[1:], "--help"]
        return words

    def _stays(self, words: Sequence[str]) -> bool:
        """Keep options that stand alone; returns whether that was all."""
        if not words[0].startswith("-") or {"-h", "--help"} & set(words):
            return False
        session = self._session()
        try:
            context = _program().make_context(PROGRAM, list(words), obj=session)
        except click.ClickException:
            return False  # running it says what is wrong
        if context.args or context._protected_args:  # noqa: SLF001  click has no other word for the noun that it found
            return False
        self._settings = session.settings
        return True

    def _session(self) -> Session:
        return Session(settings=dict(self._settings))

    @staticmethod
    def _ask_node(session: Session) -> str:
        with session.client(timeout_s=PATIENCE_S) as client:
            return client.server.health().node_id


def _program() -> click.Group:
    from caxton_node.cli.main import caxton

    return caxton


def _split_open(text: str) -> list[str]:
    """Split a line that is still being written; its last word may be empty, or an open quotation."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split = True
    lexer.commenters = ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token or "")
    return [*words, ""] if not text or text[-1].isspace() else words
