"""How a verb is told which module: a file, or the digest of one that some node of the cluster has."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import click

from caxton_node.cli.sheet import size
from caxton_node.core.errors import InvalidArgument

MODULE_BYTES_MAX = 50 * 1024 * 1024
PREFIX = "sha256:"

_DIGEST = re.compile(r"[0-9a-fA-F]{64}\Z")


@dataclass(frozen=True, slots=True)
class Module:
    """What was given.

    Attributes:
        text: As it was written.
        binary: The content of the file, empty for a digest.
        sha256: The digest, empty for a file.
    """

    text: str
    binary: bytes = b""
    sha256: str = ""

    @property
    def described(self) -> str:
        """Say what it is in a few words: `echo.wasm (1.5 KiB)`."""
        return f"{Path(self.text).name} ({size(len(self.binary))})" if self.binary else self.text[:20]

    @property
    def name(self) -> str:
        """Return a name made of that of the file: `Price_Checker.wasm` becomes `price-checker`.

        Raises:
            InvalidArgument: It is a digest, which says nothing.
        """
        if self.sha256:
            raise InvalidArgument("a digest gives no name to the agent", hint="say which by --name")
        return re.sub(r"[^a-z0-9]+", "-", Path(self.text).name.partition(".")[0].lower()).strip("-")


class ModuleArgument(click.ParamType[Module]):
    """`FILE` (.wasm or .wat) or `sha256:DIGEST`."""

    name = "module"
    _file = click.Path(exists=True, dir_okay=False, path_type=Path)

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Module:
        """Return the module, read if it is a file."""
        text = str(value)
        if text.startswith(PREFIX):
            digest = text.removeprefix(PREFIX)
            if not _DIGEST.match(digest):
                self.fail(f"{text!r} is not a digest: {PREFIX} and 64 hexadecimal digits", param, ctx)
            return Module(text, sha256=digest.lower())
        return Module(text, _read(Path(str(self._file.convert(text, param, ctx)))))


def _read(file: Path) -> bytes:
    binary = file.read_bytes()
    if len(binary) > MODULE_BYTES_MAX:
        raise InvalidArgument(
            f"{file} has {len(binary):,} bytes",
            why=f"a module may have at most {MODULE_BYTES_MAX:,}",
            hint="strip debug sections, for example with wasm-strip or `strip = true` in Cargo.toml",
        )
    return binary
