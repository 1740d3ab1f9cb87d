"""The conservation test of the data plane: random traffic and trouble, and books that must balance.

Start at `books.py` (what must hold), then `world.py` (what is done to two nodes). `plan.py` says what is
sent, `scribe.py` is the guest that writes down what it handles. The same world runs under Hypothesis
(`tests/property/test_messaging_conservation.py`), and for as long as one likes: `make soak`.
"""
