"""The main job, live: three real nodes, real agents, one of the nodes killed and brought back.

`acts.py` is the story in order; `nodes.py` owns the processes and the temporary directory; `traffic.py`
keeps messages flowing while a node dies; `screen.py` prints. Everything goes through the two command lines
and the client, as it would for an operator; nothing here looks inside a node.
"""
