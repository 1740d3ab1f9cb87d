"""What a deployment is: an agent, and how many of it the cluster shall run, and where."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from caxton_node.agents.manifest import Manifest
from caxton_node.agents.store import Tie
from caxton_node.core.errors import InvalidArgument
from caxton_node.deployment.constraints import LABEL, Constraint

EVERYWHERE = 0
"""As the number of replicas: one on every node that fits."""
NO_EDITION = (0, 0)
"""Of what is deleted."""
REPLICAS_MAX = 10_000
CONSTRAINTS_MAX = 16


class Consistency(StrEnum):
    """What becomes of replicas when the cluster is split."""

    AVAILABLE = "available"  # both sides run them
    CONSISTENT = "consistent"  # only the majority does

    @property
    def tie(self) -> Tie:
        """Return how replicas are marked in the table of agents."""
        return Tie(self.value)


@dataclass(frozen=True, slots=True)
class DeploymentSpec:
    """One deployment. A node runs at most one replica of it, since a node has one agent of a name.

    Attributes:
        manifest: The agent, with its name, version, limits and config.
        module_sha256: Its module.
        replicas: How many nodes run it; `EVERYWHERE`: all that fit.
        constraints: What a node must be to run it.
        spread: Label over whose values replicas are spread; empty: none.
        consistency: What becomes of it when the cluster is split.
        generation: Raised by each change.
        created_unix_ms: When it was created.
        updated_unix_ms: When it was last changed.

    Raises:
        InvalidArgument: A field cannot be used; the error says which, why and what would do.
    """

    manifest: Manifest
    module_sha256: str
    replicas: int = 1
    constraints: tuple[Constraint, ...] = ()
    spread: str = ""
    consistency: Consistency = Consistency.AVAILABLE
    generation: int = 1
    created_unix_ms: int = 0
    updated_unix_ms: int = 0

    def __post_init__(self) -> None:
        if not EVERYWHERE <= self.replicas <= REPLICAS_MAX:
            raise InvalidArgument(
                f"{self.replicas:,} replicas are out of range",
                why=f"there may be 1 to {REPLICAS_MAX:,}, at most one on a node",
                hint="for one on every node: --replicas all",
            )
        if len(self.constraints) > CONSTRAINTS_MAX:
            raise InvalidArgument(
                f"{len(self.constraints)} constraints are too many",
                why=f"at most {CONSTRAINTS_MAX} are taken",
            )
        if self.spread and not LABEL.match(self.spread):
            raise InvalidArgument(
                f"replicas cannot be spread over {self.spread!r}",
                why="it is no name of a label",
                hint="for example --spread zone",
            )

    @property
    def name(self) -> str:
        """Return `tenant/name`, of the deployment and of its agents."""
        return self.manifest.name

    @property
    def edition(self) -> tuple[int, int]:
        """Return what tells it from each other form of it, those of both sides of a split included."""
        return self.generation, self.updated_unix_ms

    @property
    def is_consistent(self) -> bool:
        """Return whether only the majority of a split cluster runs it."""
        return self.consistency is Consistency.CONSISTENT
