"""`caxton` alone: the next few commands that make sense, which depend on what is there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Final

import click

from caxton_node.cli.output import visible
from caxton_node.cli.session import Session
from caxton_node.client.endpoint import SOCKET_NAME, SYSTEM_DATA_DIR
from caxton_node.core.errors import CaxtonError

PATIENCE_S: Final = 2.0
AGENTS_SHOWN: Final = 3

Steps = Sequence[tuple[str, str]]


class State(StrEnum):
    """What is there."""

    NOTHING = "nothing"  # no node has been made on this machine, and no other is named
    STOPPED = "stopped"  # there is one, and it does not run
    AWAY = "away"  # another is named, and does not answer
    EMPTY = "empty"  # a node runs, without agents
    BUSY = "busy"  # a node runs, and has agents


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        state: In one word.
        where: The node that was asked, or the directory in which one would be.
        agents: Names of some agents.
        why: Why a node does not answer.
    """

    state: State
    where: str
    agents: tuple[str, ...] = ()
    why: str = ""


def show_quick_start(session: Session) -> int:
    """Say what is there and what to do next; always ends well, since it is help."""
    found = look(session)
    output = session.output
    if output.for_programs:
        output.data({"state": found.state, "node": found.where, "next": [step for step, _ in steps(found)]})
        return 0
    output.line(f"{click.style('caxton', bold=True)}: agents that talk, on nodes that find each other")
    output.line("")
    output.line(visible(headline(found)))
    for line in lay_out(steps(found)):
        output.line(f"  {line}")
    output.line("")
    output.line(click.style("caxton --help lists every noun; caxton NOUN --help its verbs.", dim=True))
    return 0


def look(session: Session) -> Found:
    """Find out what is there, within a moment."""
    try:
        endpoint = session.endpoint(timeout_s=PATIENCE_S)
    except CaxtonError as err:
        return Found(State.AWAY, "the node", why=str(err))
    folder = endpoint.socket_path.parent if endpoint.socket_path else None
    if folder is not None and not endpoint.socket_path.exists():  # type: ignore[union-attr]  # see the line above
        state = State.STOPPED if (folder / "certs" / "node.crt").exists() else State.NOTHING
        return Found(state, str(folder))
    try:
        with session.client(timeout_s=PATIENCE_S) as client:
            agents = tuple(dict.fromkeys(found.name for found in islice(client.agents.list(), AGENTS_SHOWN)))
    except CaxtonError as err:
        if folder is not None and (folder / "certs" / "node.crt").exists() and _is_left_over(folder):
            return Found(State.STOPPED, str(folder))
        return Found(State.AWAY, endpoint.target, why=str(err))
    return Found(State.BUSY if agents else State.EMPTY, endpoint.target, agents)


def _is_left_over(folder: Path) -> bool:
    """Return whether nobody listens on the socket of a data directory: its node was killed."""
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as plug:
        try:
            plug.settimeout(PATIENCE_S)
            plug.connect(str(folder / SOCKET_NAME))
        except OSError as err:
            return isinstance(err, ConnectionRefusedError)
    return False


def headline(found: Found) -> str:
    """Say what is there."""
    return {
        State.NOTHING: f"No node has been made in {found.where} yet. Make one, and run it:",
        State.STOPPED: f"The node in {found.where} does not run. Start it:",
        State.AWAY: f"{found.where} does not answer: {found.why}",
        State.EMPTY: f"The node at {found.where} runs, and waits for agents:",
        State.BUSY: f"The node at {found.where} runs {', '.join(found.agents)}:",
    }[found.state]


def steps(found: Found) -> Steps:
    """Return the commands that make sense now, each with what it does."""
    return tuple(_STEPS[found.state](found))


def lay_out(rows: Steps) -> Iterator[str]:
    """Set commands and what they do in two columns."""
    width = max(len(command) for command, _ in rows)
    for command, meaning in rows:
        yield f"{click.style(command.ljust(width), fg='cyan')}  {meaning}"


def _nothing(found: Found) -> Iterator[tuple[str, str]]:
    at = _data_dir(found)
    yield f"caxton-node init{at}", "a cluster of one: CA, certificate, admin token"
    yield f"caxton-node run{at}", "the node, in the foreground"
    yield "caxton-node join HOST:50051 --token TOKEN", "or join a cluster that exists"
    yield "caxton context add NAME --endpoint HOST:50051", "or manage one from here"


def _stopped(found: Found) -> Iterator[tuple[str, str]]:
    yield f"caxton-node run{_data_dir(found)}", "the node, in the foreground"
    if Path(found.where) == SYSTEM_DATA_DIR:
        yield "systemctl start caxton-node", "or as a service"


def _away(_found: Found) -> Iterator[tuple[str, str]]:
    yield "caxton context list", "the clusters that are known here"
    yield "caxton context use NAME", "choose another"
    yield "caxton server status --wait 30s", "ask again until it is ready"


def _empty(_found: Found) -> Iterator[tuple[str, str]]:
    yield "caxton agent deploy FILE", "run an agent: .wasm, or .wat as text"
    yield "caxton server status", "is the node well?"
    yield "caxton cluster members", "who is there"
    yield "caxton interactive", "type commands with completion"


def _busy(found: Found) -> Iterator[tuple[str, str]]:
    name = visible(found.agents[0])
    yield f"caxton message send --to {name} --data '\"hello\"'", "talk to it"
    yield f"caxton agent inspect {name}", "everything about it"
    yield "caxton message stream", "watch all of them talk"
    yield "caxton cluster watch", "watch the cluster"
    yield "caxton interactive", "type commands with completion"


_STEPS: Final = {
    State.NOTHING: _nothing,
    State.STOPPED: _stopped,
    State.AWAY: _away,
    State.EMPTY: _empty,
    State.BUSY: _busy,
}


def _data_dir(found: Found) -> str:
    """Return the option for a directory that is not the default one."""
    import shlex

    from caxton_node.client.endpoint import default_data_dir

    is_default = Path(found.where) == default_data_dir(os.environ).absolute()
    return "" if is_default else f" --data-dir {shlex.quote(found.where)}"
