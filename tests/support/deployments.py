"""Deployments for tests that need no agents."""

from __future__ import annotations

from typing import Any

from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.store import Tie
from caxton_node.agents.views import Glance
from caxton_node.deployment.spec import DeploymentSpec

SHA256 = "ab" * 32


def spec_of(
    name: str = "web", *, version: str = "1.0.0", sha256: str = SHA256, **more: Any
) -> DeploymentSpec:
    """Make a deployment of this name."""
    return DeploymentSpec(Manifest(name, version), sha256, **more)


def agent_of(
    spec: DeploymentSpec, state: State = State.RUNNING, *, tie: Tie | None = None, **more: Any
) -> Glance:
    """Make the agent on a node that is what a deployment wants."""
    return Glance(
        spec.manifest, spec.module_sha256, state, spec.consistency.tie if tie is None else tie, **more
    )
