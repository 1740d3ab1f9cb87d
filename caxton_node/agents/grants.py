"""What an agent may say of itself: the directory's registry, guarded by the grants of the manifests.

    grants = Grants(registry)                       before the directory
    directory = Directory(node_id, grants, submit)
    grants.connect(agents.may_register)             once the agents' service is there

Until it is connected nobody may register, which is right: no agent runs yet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caxton_node.core.errors import Forbidden
from caxton_node.core.ids import Address
from caxton_node.registry import CapabilityRecord, Registry


class Grants:
    """Implements `messaging.directory.Registry`.

    Args:
        registry: Where capabilities live.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._may_register: Callable[[str, str], bool] = _nobody

    def connect(self, may_register: Callable[[str, str], bool]) -> None:
        """Name who judges: called with the agent's `tenant/name` and the capability."""
        self._may_register = may_register

    def put_capability(self, record: CapabilityRecord) -> None:
        """Publish a capability of an agent on this node.

        Raises:
            Forbidden: Its manifest does not grant it; nothing was published.
        """
        if not self._may_register(record.agent, record.name):
            raise Forbidden(
                f"{Address(record.agent)} may not register {record.name}",
                why="its manifest grants other capabilities",
                hint=f"deploy it with --capability {record.name}",
            )
        self._registry.put_capability(record)

    def remove_capabilities_of(self, agent: str) -> None:
        """Withdraw everything that an agent on this node can do."""
        self._registry.remove_capabilities_of(agent)

    def find_capability(self, name: str) -> Sequence[CapabilityRecord]:
        """List who has a capability and is within reach."""
        return self._registry.find_capability(name)

    def capabilities(self) -> Sequence[CapabilityRecord]:
        """List all capabilities within reach."""
        return self._registry.capabilities()


def _nobody(_agent: str, _capability: str) -> bool:
    return False
