"""Modules written to hurt a node, each with the one named error that it must end in.

Start at `cases.py` (what a case is) and at any list named after what is attacked: `loops.py`, `memory.py`,
`outboxes.py`. `suite.py` puts the lists together, `arena.py` is the node that all of them meet, one after the
other. `README.md` is the table; `python -m tests.integration.runtime.hostile` writes it anew.
"""
