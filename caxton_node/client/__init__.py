"""The typed management client: the only way in for the command line, the chaos tools and end-to-end tests.

Start at `client.py` (what it can do, by noun) and `endpoint.py` (where to find a node and with which
credential). `channel.py` owns gRPC; `errors.py` turns what came over the wire back into the tree of
`core/errors.py`. Nothing here knows how a node works inside.
"""

from typing import TYPE_CHECKING

from caxton_node.client.endpoint import Endpoint, choose_endpoint, default_data_dir
from caxton_node.client.states import MemberState

if TYPE_CHECKING:
    from caxton_node.client.client import Client

__all__ = ["Client", "Endpoint", "MemberState", "choose_endpoint", "default_data_dir"]


def __getattr__(name: str) -> object:
    """Import the client itself when it is first asked for: gRPC costs a command line 100 ms."""
    if name == "Client":
        from caxton_node.client.client import Client  # noqa: PLC0415 see above

        return Client
    raise AttributeError(name)
