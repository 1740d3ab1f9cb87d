"""The typed management client: the only way in for the command line, the chaos tools and end-to-end tests.

Start at `client.py` (what it can do, by noun) and `endpoint.py` (where to find a node and with which
credential). `channel.py` chooses between `grpc_channel.py` and `socket_channel.py`; `errors.py` turns what
came over the wire back into the tree of `core/errors.py`. Nothing here knows how a node works inside.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from caxton_node.client.client import Client
    from caxton_node.client.endpoint import Endpoint, choose_endpoint, default_data_dir
    from caxton_node.client.states import MemberState

__all__ = ["Client", "Endpoint", "MemberState", "choose_endpoint", "default_data_dir"]

_MODULES = {"Client": "client", "MemberState": "states"} | dict.fromkeys(
    ("Endpoint", "choose_endpoint", "default_data_dir"), "endpoint"
)


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for: a command line needs few of them, and some are heavy."""
    if name not in _MODULES:
        raise AttributeError(name)
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
