"""Whole clusters on one thread in virtual time. Start at `network.py` (the world), then `cluster.py`."""
