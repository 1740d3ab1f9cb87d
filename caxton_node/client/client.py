"""What a management client can do, by noun: agents, messages, tasks, cluster, registry, security, server."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from caxton_node.client.agent_keys import AgentKeys
from caxton_node.client.agents import Agents
from caxton_node.client.capabilities import Capabilities
from caxton_node.client.channel import Channel
from caxton_node.client.cluster import Cluster
from caxton_node.client.deployments import Deployments
from caxton_node.client.endpoint import Endpoint
from caxton_node.client.messages import Messages
from caxton_node.client.registry import Registry
from caxton_node.client.security import Security
from caxton_node.client.server import Server
from caxton_node.client.storage import Storage
from caxton_node.client.tasks import Tasks


class Client:
    """A synchronous client of one node, which answers for the whole cluster.

    Use it as a context manager. Every method raises a subclass of `CaxtonError`; those of the wire arrive as
    the class that the node raised.

    Args:
        endpoint: Where the node is and which credential to show.
        timeout_s: When a call without a time of its own is given up, seconds.
    """

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = 30.0) -> None:
        self._channel = Channel(endpoint)
        self.agents = Agents(self._channel, timeout_s)
        self.agent_keys = AgentKeys(self._channel, timeout_s)
        self.capabilities = Capabilities(self._channel, timeout_s)
        self.messages = Messages(self._channel, timeout_s)
        self.tasks = Tasks(self._channel, timeout_s)
        self.deployments = Deployments(self._channel, timeout_s)
        self.cluster = Cluster(self._channel, timeout_s)
        self.registry = Registry(self._channel, timeout_s)
        self.security = Security(self._channel, timeout_s)
        self.server = Server(self._channel, timeout_s)
        self.storage = Storage(self._channel, timeout_s)

    def close(self) -> None:
        """Close the connection; calls under way are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
