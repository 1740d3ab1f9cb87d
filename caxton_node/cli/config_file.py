"""Where the file of the command line is, and how it is read and written.

It may hold tokens, so it is made for its owner alone, and a token in a file that others can read is refused.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from caxton_node.cli.contexts import CliConfig, Context, parse, write
from caxton_node.client.endpoint import config_path
from caxton_node.core.errors import InvalidArgument, InvalidConfig, NotFound

__all__ = ["ContextNotFound", "config_path", "find_context", "read_config", "token_of", "write_config"]

FILE_BYTES_MAX = 1024 * 1024


class ContextNotFound(NotFound):
    """There is no context of this name in the file."""

    code = "CONTEXT_NOT_FOUND"


def read_config(environ: Mapping[str, str]) -> CliConfig:
    """Read the file; without one there are no contexts.

    Raises:
        InvalidConfig: It cannot be read or used.
    """
    path = config_path(environ)
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX)
    except (FileNotFoundError, NotADirectoryError):
        return CliConfig()
    except OSError as err:
        raise _unreadable(path, err.strerror or str(err)) from err
    try:
        text = data.decode()
    except UnicodeDecodeError as err:
        raise _unreadable(path, "it is not UTF-8 text") from err
    return parse(text, str(path))


def write_config(environ: Mapping[str, str], config: CliConfig) -> Path:
    """Write the file, whole or not at all, readable for its owner alone.

    Raises:
        InvalidConfig: It cannot be written.
    """
    path = config_path(environ)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(write(config))
        draft.replace(path)
    except OSError as err:
        draft.unlink(missing_ok=True)
        raise InvalidConfig(
            f"{path} cannot be written",
            why=err.strerror or str(err),
            hint="check who owns the folder, or set XDG_CONFIG_HOME",
        ) from err
    return path


def find_context(config: CliConfig, name: str) -> Context:
    """Return the context of a name.

    Raises:
        ContextNotFound: There is none; says which there are.
    """
    from difflib import get_close_matches

    if name in config.contexts:
        return config.contexts[name]
    close = get_close_matches(name, config.contexts, n=1, cutoff=0.5)
    meant = f"did you mean {close[0]}?  " if close else ""
    raise ContextNotFound(
        f"no context {name}",
        why=f"there are {', '.join(config.contexts)}" if config.contexts else "there are none yet",
        hint=f"{meant}caxton context add {name} --endpoint HOST:PORT",
    )


def token_of(context: Context, environ: Mapping[str, str], *, timeout_s: float = 30.0) -> str:
    """Return the token of a context: written there, in its file, or printed by its command.

    Raises:
        InvalidConfig: Others can read the token, or it cannot be had.
        InvalidArgument: The command failed.
    """
    if context.token:
        _check_private(config_path(environ))
        return context.token
    if context.token_file:
        return _read_token(Path(context.token_file).expanduser())
    return _run_command(context.token_command, timeout_s) if context.token_command else ""


def _read_token(path: Path) -> str:
    try:
        _check_private(path)
        return path.read_text().strip()
    except (OSError, UnicodeDecodeError) as err:
        raise InvalidConfig(
            f"the token in {path} cannot be read",
            why=getattr(err, "strerror", None) or str(err),
            hint="name another file: caxton context add NAME --token-file FILE",
        ) from err


def _check_private(path: Path) -> None:
    if path.exists() and path.stat().st_mode & 0o077:
        raise InvalidConfig(
            f"the token in {path} is not used", why="others can read it", hint=f"chmod 600 {path}"
        )


def _run_command(command: str, timeout_s: float) -> str:
    import shlex
    import subprocess

    try:
        done = subprocess.run(
            shlex.split(command), stdout=subprocess.PIPE, text=True, timeout=timeout_s, check=True
        )
    except (OSError, ValueError, subprocess.SubprocessError) as err:
        raise InvalidArgument(
            "the token command of this context failed", why=str(err), hint=f"try it yourself: {command}"
        ) from err
    return done.stdout.strip()


def _unreadable(path: Path, why: str) -> InvalidConfig:
    return InvalidConfig(f"{path} cannot be read", why=why, hint=f"move it away: mv {path} {path}.old")
