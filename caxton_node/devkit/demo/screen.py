"""What a person sees: acts, the commands that are really run, what came of them, and a closing table."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table
from rich.text import Text


class Screen:
    """Prints the demonstration as it happens."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._began = time.monotonic()
        self._acts = 0

    def title(self, text: str) -> None:
        """Print the headline."""
        self._console.print(f"[bold]{text}[/]")

    def act(self, text: str) -> None:
        """Open the next act."""
        self._acts += 1
        elapsed = time.monotonic() - self._began
        self._console.print(f"\n[bold cyan]{self._acts}  {text}[/] [dim]{elapsed:5.1f} s[/]")

    def command(self, *words: object) -> None:
        """Show a command that is being run."""
        self._console.print(
            Text.assemble("   ", ("$ ", "dim"), (" ".join(map(str, words)), "green")), soft_wrap=True
        )

    def show(self, output: str) -> None:
        """Show what a command printed."""
        for line in output.rstrip().splitlines():
            self._console.print(Text(f"     {line}"), soft_wrap=True)

    def say(self, text: str) -> None:
        """Report one fact; rich markup is understood."""
        self._console.print(f"     {text}", soft_wrap=True)

    @contextmanager
    def waiting(self, text: str) -> Iterator[None]:
        """Show that something is being waited for; leaves no trace."""
        with self._console.status(f"   {text}"):
            yield

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table."""
        table = Table(
            title=title, title_justify="left", title_style="bold", box=None, padding=(0, 2), pad_edge=True
        )
        for column in columns:
            table.add_column(column, header_style="dim", overflow="fold")
        for row in rows:
            table.add_row(*row)
        self._console.print()
        self._console.print(table)

    def close(self, lines: Sequence[str]) -> None:
        """Print what to try next."""
        self._console.print("\n[bold]Try next[/]")
        for line in lines:
            self.command(line)
