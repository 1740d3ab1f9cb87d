"""Entrance of the demonstration: `python -m caxton_node.devkit.demo [--keep]`."""

from __future__ import annotations

import sys

from caxton_node import __version__
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo import acts
from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import Stage
from caxton_node.devkit.demo.screen import Screen


def main(*, keep: bool) -> int:
    """Play the acts; return the exit code. Whatever happens, the processes and files are gone afterwards."""
    interrupts, screen = Interrupts(), Screen()
    stage = Stage(interrupts)
    keeps = False
    interrupts.listen()
    try:
        stage.open()
        screen.title(f"Caxton node {__version__}: three nodes, real agents, one killed and brought back")
        acts.play(acts.Demo(stage, screen, acts.Facts()), keep=keep)
        keeps = keep
    except KeyboardInterrupt:
        screen.title("\nInterrupted: all processes are ended, all files removed.")
        return 130
    except CaxtonError as err:
        screen.title(f"\nThe demonstration failed: {err}")
        return 1
    finally:
        interrupts.end()
        if not keeps:
            stage.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(keep="--keep" in sys.argv[1:]))
