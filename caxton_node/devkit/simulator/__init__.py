"""Whole clusters of the real membership core on one thread, in virtual time.

`network.py` is the world: time, chance, links that fail per direction. `cluster.py` puts members into it and
says what must be true of them. Tests, benchmarks and `caxton-node simulate` all run this one simulator.

Does not own the protocol (that is `swim`), nor real sockets.
"""
