"""This node among the others: it drives SWIM, owns the mesh, and says who is there.

Start at `service.py` (`Cluster`). `gossip.py` is the pump round the pure core in `swim`, `joining.py` is
how a node becomes a member. Which side of a split this node is on is said by `partitions.py` (the rule),
`quorum.py` (who counts, a machine over the book of `agreement.py`; `hearing.py` is its memory of whose book
was seen, `effects.py` what it asks for), `reunion.py` (what a split was once it is over) and `sides.py`
(their shell); `diary.py` writes down what happened. `keys.py` keeps this node's gossip keys, `rotation.py`
changes them everywhere. The registry's entries and the router's messages pass through as opaque topics,
requests and batches: what an agent is, this package never learns.
"""
