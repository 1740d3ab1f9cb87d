"""Guest to guest on one node: how many messages per second, how late, and how that compares.

Start reading at `pairs.py` (the load) and `throughput.py` (the figures). `peers.py` runs other systems on the
same machine at the same time, `profile.py` shows where the time of one message goes.
"""

from tests.bench.local_routing.chain import build_chain, flow

__all__ = ["build_chain", "flow"]
