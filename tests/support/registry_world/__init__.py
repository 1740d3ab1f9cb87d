"""Registries of many nodes in virtual time: the real parts, on a network and a membership that are made up.

Start reading at `world.py`. Real: `Replica`, the requests and answers of comparisons, `Neighbours`,
`plan_spread`, and `Spreader` and `Syncer` as they run in the service; and for broadcasts the queues, limits,
sizes and pace of `swim/dissemination.py`. Made up: who sees whom and since when (`views.py`), latency, loss,
bandwidth and what a new link costs (`links.py`), and that gossip carries nothing but the registry.
"""
