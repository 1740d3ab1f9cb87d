"""What a command line says when something goes wrong, and the exit code it leaves.

    error: no agent is called 'ech'
      why: no alive node runs it
      next: caxton agent list

Where JSON was asked for, by the words, the lines before or the file, it is an object with the same parts.
Never a traceback: a bug is said to be one, and CAXTON_DEBUG=1 shows where. Exit codes: 0 ok, 1 failed, 2
usage, 3 not found, 4 denied, 5 unreachable; 130 after Ctrl-C.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from itertools import pairwise

import click

from caxton_node.cli.output import FORMATS, visible
from caxton_node.cli.session import Session
from caxton_node.core.errors import CaxtonError, InternalError, InvalidArgument

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


def run(
    command: click.Command, prog_name: str, args: Sequence[str] | None = None, *, obj: object = None
) -> int:
    """Run a command line and return its exit code; whatever goes wrong has been said on stderr.

    Args:
        command: The program.
        prog_name: Its name.
        args: Its words; None means those of the process.
        obj: What the commands share; None lets them begin afresh.
    """
    words = sys.argv[1:] if args is None else list(args)
    try:
        result = command.main(args=words, prog_name=prog_name, standalone_mode=False, obj=obj)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as err:
        return _show_help(err, prog_name, words, obj)
    except click.UsageError as err:
        return _report_usage(err, prog_name, words, obj)
    except CaxtonError as err:
        return report(err, words, obj)
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        return _leave_pipe()
    except Exception as err:  # noqa: BLE001  the last boundary: whatever is left is a bug and must be told as one
        return _report_bug(err, words, obj)
    return result if isinstance(result, int) else 0


def report(error: CaxtonError, words: Sequence[str], obj: object = None) -> int:
    """Say an error on stderr, for people or as JSON; returns its exit code.

    Args:
        error: What went wrong.
        words: The command line.
        obj: What the commands share.
    """
    notes: list[str] = getattr(error, "__notes__", [])
    if _wants_json(words, obj):
        fields = {"code": error.code, "message": error.what, "why": error.why, "hint": error.hint}
        extra = {name: value for name, _, value in (note.partition(" ") for note in notes)}
        click.echo(json.dumps({"error": fields | extra}, ensure_ascii=False), err=True)
    else:
        said = [note for note in notes if not note.startswith("code ")]
        _say(words, error.what, error.why, error.hint, said)
    return error.surface.exit_code


def _show_help(
    error: click.exceptions.NoArgsIsHelpError, prog_name: str, words: Sequence[str], obj: object
) -> int:
    path = error.ctx.command_path if error.ctx else prog_name
    if _wants_json(words, obj):
        report(InvalidArgument(f"{path} was not told what to do", hint=f"{path} --help"), words, obj)
    else:
        click.echo(error.ctx.get_help() if error.ctx else error.message, err=True)
    return EXIT_USAGE


def _report_usage(error: click.UsageError, prog_name: str, words: Sequence[str], obj: object) -> int:
    near = getattr(error, "possibilities", None) or []
    path = error.ctx.command_path if error.ctx else prog_name
    # click would put its own guess behind the message; ours stands under next.
    what = error.message if near else error.format_message()
    meant = f"did you mean {' or '.join(near)}?  " if near else ""
    report(InvalidArgument(what.rstrip("."), hint=f"{meant}{path} --help"), words, obj)
    return EXIT_USAGE


def _report_bug(error: Exception, words: Sequence[str], obj: object) -> int:
    if os.environ.get("CAXTON_DEBUG"):
        import traceback

        traceback.print_exception(error)
    told = InternalError(
        "this is a bug in Caxton",
        why=f"{type(error).__name__}: {error}",
        hint="run it again with CAXTON_DEBUG=1 and report what it prints",
    )
    report(told, words, obj)
    return EXIT_FAILED


def _leave_pipe() -> int:
    # The reader (head, less) is gone; Python would complain again when it closes stdout at exit.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _say(words: Sequence[str], what: str, why: str, hint: str, notes: Sequence[str] = ()) -> None:
    what, why, hint = visible(what), visible(why), visible(hint)
    color = False if "--no-color" in words or "NO_COLOR" in os.environ else None
    lines = [f"{click.style('error:', fg='red', bold=True)} {what}"]
    lines += [f"  {click.style('why:', bold=True)} {why}"] if why else []
    lines += [f"  {click.style('next:', bold=True)} {hint}"] if hint else []
    lines += [click.style(f"  {', '.join(notes)}", dim=True)] if notes else []
    click.echo("\n".join(lines), err=True, color=color)


def _wants_json(words: Sequence[str], obj: object) -> bool:
    """Return whether a program reads the errors; the nearest word about it wins."""
    # The parser may be what failed, so this looks at the words themselves before what was made of them.
    given = [_format_in(word, following) for word, following in pairwise([*words, ""])]
    if named := [name for name in given if name in FORMATS]:
        return named[-1] == "json"
    try:
        return isinstance(obj, Session) and obj.output.format == "json"
    except CaxtonError:  # the file may be what failed
        return False


def _format_in(word: str, following: str) -> str:
    if word in {"-o", "--output"}:
        return following
    name, _, value = word.partition("=")
    if name == "--output":
        return value
    return word[2:] if word.startswith("-o") else ""
