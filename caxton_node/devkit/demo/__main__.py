"""Entrance of the demonstration: `python -m caxton_node.devkit.demo [--keep]`."""

from __future__ import annotations

import signal
import sys
from types import FrameType

from caxton_node import __version__
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo import acts
from caxton_node.devkit.demo.nodes import Stage
from caxton_node.devkit.demo.screen import Screen


def main(*, keep: bool) -> int:
    """Play the acts; return the exit code. Whatever happens, the processes and files are gone afterwards."""
    # SIGINT too: a shell that starts this in the background has it ignored, and then Python would not listen.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    screen = Screen()
    screen.title(f"Caxton node {__version__}: three nodes, real agents, one of them killed and brought back")
    try:
        with Stage(keep=keep) as stage:
            demo = acts.Demo(stage, screen, acts.Facts())
            acts.form_cluster(demo)
            acts.deploy_agents(demo)
            acts.send_messages(demo)
            acts.lose_a_node(demo)
            acts.close(demo, keep=keep)
    except KeyboardInterrupt:
        screen.title("\nInterrupted: all processes ended, all files removed.")
        return 130
    except CaxtonError as err:
        screen.title(f"\nThe demonstration failed: {err}")
        return 1
    return 0


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  the signature is signal's
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(keep="--keep" in sys.argv[1:]))
