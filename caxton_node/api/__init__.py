"""Management of the node and, through it, of the whole cluster.

Start at `operations.py` (THE table: every operation with its permission, its place and its handler), then
`pipeline.py` (what happens to every call before and after its handler). Handlers are thin and grouped by
noun: `agents.py`, `messages.py`, `cluster.py`, `server.py`. `services.py` says what they need; the daemon
fills it. `grpc/`, `rest/` and `streams/` are the surfaces. Nothing here decides how an agent lives or a
message travels.
"""
