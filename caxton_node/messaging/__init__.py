"""The data plane: every message from the hand of its sender to the hand of its receiver, or back.

Start at `router.py` (the way of a message) with `DESIGN.md` beside it; `mailbox.py` has back-pressure,
`routes.py` the choice of an instance, `returns.py` what happens when nothing works. It does not own guests
(runtime), who is alive (cluster), or which instances a route should have (registry and agents put them in).
"""

from caxton_node.messaging.counts import Counts
from caxton_node.messaging.dead_letters import DeadLetter, DeadLetters
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.platform import Client, Clients
from caxton_node.messaging.remote import Outbound, RemotePort
from caxton_node.messaging.router import Router
from caxton_node.messaging.routes import RouteTable, Target

__all__ = [
    "Client",
    "Clients",
    "Counts",
    "DeadLetter",
    "DeadLetters",
    "Mailbox",
    "Outbound",
    "RemotePort",
    "RouteTable",
    "Router",
    "Target",
]
