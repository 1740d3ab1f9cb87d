"""This node among the others: it drives SWIM, owns the mesh, and says who is there.

Start at `service.py` (`Cluster`). `gossip.py` is the pump round the pure core in `swim`, `joining.py` is how
a node becomes a member. Which side of a split this node is on is said by `partitions.py` (the rule),
`quorum.py` (who counts, a machine over the book of `agreement.py`), `reunion.py` (what a split was once it is
over) and `sides.py` (their shell); `diary.py` writes down what happened. The registry's entries
and the router's messages pass through as opaque topics, requests and batches: what an agent is, this package
never learns.
"""
