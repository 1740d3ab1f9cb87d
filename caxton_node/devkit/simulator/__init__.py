"""Whole clusters of the real membership core on one thread, in virtual time.

Start at `network.py`, the world: time and chance (`queue.py`), and what becomes of datagrams (`faults.py`).
`cluster.py` puts members into it (`nodes.py`), `checks.py` says what must be true of them. `story.py` is one
run as `caxton-node simulate` tells it, with its report and its picture. Tests and benchmarks run the same
simulator.

Does not own the protocol (that is `swim`), nor real sockets.
"""
