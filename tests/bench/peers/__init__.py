"""Other systems doing the same work: 200 bytes between two agents, one way, and asked and answered.

Each `run_*.py` is a program for the interpreter of `.venv-peers` (`make bench-peers`). It needs nothing of
the node, listens on the loopback device only, and prints one JSON object:

    {"peer", "version", "one_way", "answered", "ping_pong"}

`one_way` is messages per second that the receiving agent handled. `answered` and `ping_pong` count a question
and its answer as two messages, with 256 questions open at a time and with one. Each figure is the best of
short rounds, like ours. `tests/bench/local_routing/peers.py` starts them by turns with our own runs.

`memberlist/` is a Go program around hashicorp/memberlist: membership instead of messages, run by
`tests/bench/swim_real`.
"""
