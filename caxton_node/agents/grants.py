"""What an agent may say of itself: its manifest's grants, asked by the directory before it registers.

    grants = Grants()                               before the directory
    registrar = Registrar(..., check=grants.check)
    grants.connect(agents.may_register)             once the agents' service is there

Until it is connected nobody may register, which is right: no agent runs yet.

A grant is a name, or `text.*` for all names that begin with `text.`; no grants at all mean any name.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from caxton_node.core.errors import Forbidden
from caxton_node.core.ids import Address
from caxton_node.registry import CapabilityRecord


class Grants:
    """Judges by what the service of the agents knows."""

    def __init__(self) -> None:
        self._may_register: Callable[[str, str], bool] = _nobody

    def connect(self, may_register: Callable[[str, str], bool]) -> None:
        """Name who judges: called with the agent's `tenant/name` and the capability."""
        self._may_register = may_register

    def check(self, record: CapabilityRecord) -> None:
        """Refuse a capability that an agent of this node may not have.

        Raises:
            Forbidden: Its manifest does not grant it.
        """
        if not self._may_register(record.agent, record.name):
            raise Forbidden(
                f"{Address(record.agent)} may not register {record.name}",
                why="its manifest grants other capabilities",
                hint=f"deploy it with --capability {record.name}",
            )


def is_granted(grants: Collection[str], capability: str) -> bool:
    """Tell whether grants allow a capability; none at all allow any."""
    return not grants or any(_allows(grant, capability) for grant in grants)


def _allows(grant: str, capability: str) -> bool:
    return capability.startswith(grant[:-1]) if grant.endswith("*") else capability == grant


def _nobody(_agent: str, _capability: str) -> bool:
    return False
