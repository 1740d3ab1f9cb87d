"""`python -m tests.kills`: as many rounds as you like."""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.kills.rounds import run


def main() -> int:
    """Run rounds and print what came of them."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--rate", type=float, default=100.0, help="messages per second")
    given = parser.parse_args()
    print(f"seed {given.seed}", flush=True)
    outcome = run(
        given.rounds, seed=given.seed, rate_per_s=given.rate, tell=lambda line: print(line, flush=True)
    )
    print(outcome)
    return 0 if outcome.is_sound else 1


if __name__ == "__main__":
    sys.exit(main())
