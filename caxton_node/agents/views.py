"""What can be told about one deployed agent, as plain values for whoever asks."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.agents.condition import WELL, Condition
from caxton_node.agents.failures import Failure
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.store import Tie


@dataclass(frozen=True, slots=True)
class AgentView:
    """One instance, as the node that runs it sees it at one moment.

    Attributes:
        manifest: What was asked for.
        instance: `tenant/name#version.n@node`.
        number: Distinguishes instances of one version on one node.
        node: Id of this node.
        state: Where it is in its life.
        module_sha256: Hexadecimal digest of its module.
        module_bytes: Size of its module.
        capabilities: What it has registered.
        deployed_unix_ms: When it was deployed.
        restarts: Restarts after a failure since an operator started it.
        last_error: Why it failed last, in one line; empty if it never did.
        failure: The same with its backtrace and the message that it is blamed on.
        waiting: Messages in its mailbox.
        memory_bytes: Linear memory in use; 0 when it does not run.
        batch_now: Messages that its next turn may take; 0 when it does not run.
        tie: Whether it is a replica of a deployment.
        condition: How it does, as the cluster is told.
    """

    manifest: Manifest
    instance: str
    number: int
    node: str
    state: State
    module_sha256: str
    module_bytes: int
    capabilities: tuple[str, ...]
    deployed_unix_ms: int
    restarts: int
    last_error: str
    failure: Failure | None
    waiting: int
    memory_bytes: int
    batch_now: int = 0
    tie: Tie = Tie.NONE
    condition: Condition = WELL


@dataclass(frozen=True, slots=True)
class Glance:
    """What deployments are decided by of an agent on this node; cheap to come by.

    Attributes:
        manifest: As it runs.
        module_sha256: Its module.
        state: Where it is in its life.
        tie: Whether it is a replica.
        verdict: Why it was left alone after a failure; empty while it is started again by itself.
        failure: Why it failed last; empty if it never did.
    """

    manifest: Manifest
    module_sha256: str
    state: State
    tie: Tie
    verdict: str = ""
    failure: str = ""

    @property
    def is_given_up(self) -> bool:
        """Return whether it has failed and is not started again by itself."""
        return self.state is State.FAILED and bool(self.verdict)
