"""Nodes that are killed at random while durable messages pass: each is handled once, none is lost.

`python -m tests.kills --rounds 200` is the long round, `test_kills.py` a short one.
"""
