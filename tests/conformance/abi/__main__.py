"""Run one guest through the suite from the command line."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from caxton_node.runtime import Engine
from tests.conformance.abi.subject import Subject
from tests.conformance.abi.suite import Verdict, draw, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; return 1 if a check failed."""
    parser = argparse.ArgumentParser(
        prog="tests.conformance.abi", description="Check a guest against agent ABI v1."
    )
    parser.add_argument("guest", type=Path, help="a module, .wasm or .wat")
    parser.add_argument("--config", default="{}", help="the agent's own configuration, JSON")
    parser.add_argument("--request", default='"hello"', help="content of the requests put to it")
    options = parser.parse_args(arguments)
    engine = Engine()
    data = options.guest.read_bytes()
    subject = Subject(engine, data, json.loads(options.config), options.request.encode())
    findings = list(run(subject))
    engine.close()
    print(draw(findings))
    return int(any(finding.verdict is Verdict.FAILED for finding in findings))


if __name__ == "__main__":
    sys.exit(main())
