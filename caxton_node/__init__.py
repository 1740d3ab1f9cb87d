"""Caxton node: a peer-to-peer application server for WebAssembly agents.

Every node is the same daemon. Start reading at `daemon.py` (what a node is made of) or `docs/tour.md` (the
life of a message). One package is one capability, named by the noun an operator would say.
"""

__version__ = "0.1.0"
