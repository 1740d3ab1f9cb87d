"""Both command lines: `caxton` for operators and developers, `caxton-node` for the daemon.

Start at `main.py` (the table of nouns) or `node.py` (the daemon's verbs). A noun is one module of thin verbs;
it is imported only when it is used, and gRPC only when a verb talks to a node, so that `--help` answers at
once. What a verb prints goes through `output.py`, what goes wrong through `failure.py`. Nothing here reaches
into a node except through `caxton_node.client`.
"""
