"""Where a node lives and what it is called: the options that the daemon's verbs share, and their defaults."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from caxton_node.client.endpoint import default_data_dir

F = TypeVar("F", bound=Callable[..., Any])


def data_dir_option(function: F) -> F:
    """Add `--data-dir`."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        help="Where the node keeps what it owns. [env: CAXTON_DATA_DIR]",
    )(function)


def node_options(function: F) -> F:
    """Add the options of a node that is being made: directory, id, host names."""
    function = click.option(
        "--host",
        "--advertise",
        "hosts",
        multiple=True,
        metavar="HOST",
        help="Name or address at which others reach this node; may be repeated. [default: this host's name]",
    )(function)
    function = click.option("--node-id", default="", help="Id of the node. [default: this host's name]")(
        function
    )
    return data_dir_option(function)


def data_dir_of(given: Path | None) -> Path:
    """Return the directory that was given, or the default one, as an absolute path."""
    return (given or default_data_dir(os.environ)).absolute()


def node_id_of(given: str) -> str:
    """Return the id that was given, or one made of this host's name."""
    return given or re.sub(r"[^a-z0-9]+", "-", socket.gethostname().partition(".")[0].lower()).strip("-")


def hosts_of(given: tuple[str, ...]) -> list[str]:
    """Return the host names that were given, or this host's name; loopback is always added by the signer."""
    return list(given) or [socket.gethostname()]
