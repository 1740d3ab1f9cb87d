"""Other systems in the same run: started as programs of their own, by turns with our rounds.

What is compared: two agents of ours with full batches against the fastest way in which the peer brings 200
bytes from one agent to another, so the ratio is never better than the peer deserves.
"""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import Reporter

ROOT = Path(__file__).parents[3]
PYTHON = ROOT / ".venv-peers" / "bin" / "python"
PROGRAMS = {"autogen": "run_autogen", "spade": "run_spade", "nats_py": "run_nats"}
KINDS = ("one_way", "answered", "ping_pong")
WITHIN_S = 60.0
MISSING = "no .venv-peers here: `make bench-peers` makes it"


@dataclass(frozen=True, slots=True)
class PeerRates:
    """Messages per second of one peer; see `tests/bench/peers`.

    Attributes:
        version: Of the peer.
        rates: By kind, the best of all its turns.
        trouble: Why there are none, if so.
    """

    version: str = ""
    rates: dict[str, float] | None = None
    trouble: str = ""

    @property
    def fastest(self) -> float:
        """Return the best of its rates."""
        return max((self.rates or {}).values(), default=0.0)

    def better(self, other: PeerRates) -> PeerRates:
        """Return the better of two turns, kind by kind."""
        if self.rates is None or other.rates is None:
            return self if self.rates is not None else other
        best = {kind: max(self.rates[kind], other.rates[kind]) for kind in KINDS}
        return PeerRates(self.version, best)


class Peers:
    """Gives every peer its turns.

    Args:
        seconds: How long a turn may take, besides starting.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        missing = "" if PYTHON.exists() else MISSING
        self.best = {name: PeerRates(trouble=missing) for name in PROGRAMS}

    async def take_turn(self, number: int) -> None:
        """Let the next peer run; nothing happens where none is installed."""
        name = list(PROGRAMS)[number % len(PROGRAMS)]
        if PYTHON.exists():
            self.best[name] = (await self._run(PROGRAMS[name])).better(self.best[name])

    async def _run(self, program: str) -> PeerRates:
        path = Path(__file__).parents[1] / "peers" / f"{program}.py"
        process = await asyncio.create_subprocess_exec(
            PYTHON, path, "--seconds", str(self._seconds),
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(WITHIN_S):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return PeerRates(trouble=f"{program} did not end within {WITHIN_S:.0f} s")
        if process.returncode or not out:
            lines = err.decode(errors="replace").strip().splitlines()
            return PeerRates(trouble=f"{program} failed: {lines[-1] if lines else process.returncode}")
        line = json.loads(out.splitlines()[-1])
        return PeerRates(f"{line['peer']} {line['version']}", {kind: line[kind] for kind in KINDS})


def emit(report: Reporter, peers: dict[str, PeerRates], ours: float) -> None:
    """Print how many times faster ours is than each peer's fastest way."""
    for name, found in peers.items():
        metric = f"vs_{name}"
        if found.rates is None:
            note = found.trouble or "it had no turn in this run"
            report.emit(metric, ours, "messages/s", note=f"ours alone; {note}")
            continue
        way = max(found.rates, key=found.rates.__getitem__)
        report.emit(
            metric,
            ours / found.fastest,
            "ratio",
            ratio=ours / found.fastest,
            **{f"peer_{kind}": rate for kind, rate in found.rates.items()},
            note=f"batched_throughput / {found.version} in messages/s, its fastest way: {way}",
        )
