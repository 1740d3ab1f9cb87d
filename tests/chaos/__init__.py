"""Real daemons on a real network that breaks: one network namespace for each node.

Start at `partitions.py` (what must hold when a cluster is split), then `failing_links.py` and `frozen.py`.
`network.py` makes the namespaces and cuts them, `nodes.py` runs a daemon in one, `watching.py` follows it as
an operator would, `diary.py` says what was seen and when, `cluster.py` introduces them to one another,
`reunion.py` is what must hold after each disturbance. `bad_paths.py` and `lossy_paths.py` are about the
mesh: `talk.py` lets agents of two nodes talk all the while and counts what arrives.

It needs root and iproute2, so `make test` does not collect it: `make chaos` does.
"""
