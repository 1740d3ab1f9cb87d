"""What a management client can do, by noun: agents, messages, tasks, cluster, registry, security, server.

`NOUNS` is the table. A noun and its message classes are imported when it is first used: a command line needs
one of them, and all of them would cost it more than everything else.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from caxton_node.client.channel import open_channel
from caxton_node.client.endpoint import Endpoint

if TYPE_CHECKING:
    from caxton_node.client.access import Access
    from caxton_node.client.access_keys import AccessKeys
    from caxton_node.client.agent_keys import AgentKeys
    from caxton_node.client.agent_rows import AgentRows
    from caxton_node.client.agents import Agents
    from caxton_node.client.capabilities import Capabilities
    from caxton_node.client.cluster import Cluster
    from caxton_node.client.deployments import Deployments
    from caxton_node.client.limits import Limits
    from caxton_node.client.messages import Messages
    from caxton_node.client.modules import Modules
    from caxton_node.client.noun import Noun
    from caxton_node.client.registry import Registry
    from caxton_node.client.security import Security
    from caxton_node.client.server import Server
    from caxton_node.client.storage import Storage
    from caxton_node.client.tasks import Tasks

NOUNS: Final[Mapping[str, str]] = {
    "access": "Access",
    "access_keys": "AccessKeys",
    "agents": "Agents",
    "agent_keys": "AgentKeys",
    "agent_rows": "AgentRows",
    "capabilities": "Capabilities",
    "messages": "Messages",
    "modules": "Modules",
    "tasks": "Tasks",
    "deployments": "Deployments",
    "cluster": "Cluster",
    "registry": "Registry",
    "security": "Security",
    "limits": "Limits",
    "server": "Server",
    "storage": "Storage",
}
"""Class by attribute; each is in the module of its attribute's name."""


class Client:
    """A synchronous client of one node, which answers for the whole cluster.

    Use it as a context manager. Every method raises a subclass of `CaxtonError`; those of the wire arrive as
    the class that the node raised.

    Args:
        endpoint: Where the node is and which credential to show.
        timeout_s: When a call without a time of its own is given up, seconds.
    """

    if TYPE_CHECKING:
        access: Access
        access_keys: AccessKeys
        agents: Agents
        agent_keys: AgentKeys
        agent_rows: AgentRows
        capabilities: Capabilities
        messages: Messages
        modules: Modules
        tasks: Tasks
        deployments: Deployments
        cluster: Cluster
        registry: Registry
        security: Security
        limits: Limits
        server: Server
        storage: Storage

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 30.0) -> None:
        self._channel = open_channel(endpoint)
        self._timeout_s = timeout_s

    def __getattr__(self, name: str) -> Noun:
        """Import and keep the noun of this name."""
        if name not in NOUNS:
            raise AttributeError(name)
        noun: Noun = noun_class(name)(self._channel, self._timeout_s)
        setattr(self, name, noun)
        return noun

    def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def noun_class(name: str) -> type[Noun]:
    """Import the class of a noun of the table."""
    found: type[Noun] = getattr(import_module(f"caxton_node.client.{name}"), NOUNS[name])
    return found
