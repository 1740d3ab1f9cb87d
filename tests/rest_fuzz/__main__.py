"""Throws whatever the description of the REST API allows, and what it forbids, at a node of this machine."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.rest_fuzz.place import open_place

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PROGRAM = ROOT / ".venv-rest" / "bin" / "schemathesis"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.rest_fuzz", description=__doc__)
    parser.add_argument("--examples", type=int, default=10, help="examples for each operation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--phases", default="examples,coverage,fuzzing,stateful")
    parser.add_argument("--seconds", type=int, help="end after so many, whatever is left")
    parser.add_argument("--only", help="regular expression of operation ids")
    parser.add_argument("--program", type=Path, default=PROGRAM)
    return parser.parse_args()


async def _run(options: argparse.Namespace) -> int:
    with tempfile.TemporaryDirectory(prefix="rest-fuzz-") as folder:
        async with open_place(Path(folder)) as node:
            address = node.daemon.listening()["rest"]
            command: list[object] = [
                options.program,
                f"--config-file={HERE / 'schemathesis.toml'}",
                "run",
                f"https://{address}/openapi.json",
                f"--header=Authorization: Bearer {node.admin_token}",
                f"--tls-verify={node.data_dir / 'certs' / 'ca.crt'}",
                "--checks=all",
                "--mode=all",
                f"--max-examples={options.examples}",
                f"--seed={options.seed}",
                f"--phases={options.phases}",
                "--request-timeout=10",
                "--generation-database=none",
                "--no-color",
            ]
            if options.seconds:
                command.append(f"--max-time={options.seconds}")
            if options.only:
                command.append(f"--include-operation-id-regex={options.only}")
            process = await asyncio.create_subprocess_exec(*map(str, command), cwd=folder)
            return await process.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(_run(_options())))
