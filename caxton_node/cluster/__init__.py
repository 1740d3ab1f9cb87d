"""This node among the others: it drives SWIM, owns the mesh, and says who is there.

Start at `service.py` (`Cluster`). `gossip.py` is the pump round the pure core in `swim`, `joining.py` is how
a node becomes a member, `partitions.py` says which side of a split this node is on. The registry's entries
and the router's messages pass through as opaque topics, requests and batches: what an agent is, this package
never learns.
"""
