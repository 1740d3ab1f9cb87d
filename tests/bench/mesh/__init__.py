"""The mesh between two nodes: guest to guest across two daemons, and the transport alone beside others.

Goals are in the table of benchmarks. `python -m tests.bench.mesh --profile` shows where the time goes.
"""
