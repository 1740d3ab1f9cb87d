"""The directory facilitator: the platform agent `df`, where agents say what they can do and find who can.

Start with `acts.py`, which has all that can be asked, and `desk.py`, which does it. What a capability may
be is judged by `registry.discovery.registration`, how it is found is the matter of
`registry.discovery.finder`.

Source: FIPA SC00023K section 4.2 (directory facilitator); stories 015, 025.
"""

from caxton_node.messaging.directory.acts import Register
from caxton_node.messaging.directory.desk import DIRECTORY, Directory
from caxton_node.messaging.directory.registrar import Bounds, Registrar

__all__ = ["DIRECTORY", "Bounds", "Directory", "Register", "Registrar"]
