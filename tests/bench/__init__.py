"""Benchmarks, one module each: `python -m tests.bench.NAME --json [--quick]`; see `report.py`."""
