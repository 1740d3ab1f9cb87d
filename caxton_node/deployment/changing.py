"""Deployments created, changed and deleted: entries of the registry, which every node then acts upon."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from caxton_node.agents.change import Change
from caxton_node.agents.service import AgentService
from caxton_node.core.clock import Clock
from caxton_node.core.errors import AlreadyExists, InvalidArgument, NotFound, StateError
from caxton_node.core.ids import Address, full_name
from caxton_node.deployment.book import Book
from caxton_node.deployment.constraints import Constraint
from caxton_node.deployment.reports import Reports
from caxton_node.deployment.spec import Consistency, DeploymentSpec
from caxton_node.deployment.spec_form import GENERATION_MAX, KIND, changes, encode
from caxton_node.observability.logs import get_logger
from caxton_node.registry import Registry

_log = get_logger("deployment")


class DeploymentExists(AlreadyExists):
    """There is a deployment of this name."""

    code = "DEPLOYMENT_ALREADY_EXISTS"


class DeploymentNotFound(NotFound):
    """There is no deployment of this name."""

    code = "DEPLOYMENT_NOT_FOUND"


class DeploymentUnreadable(StateError):
    """There is a deployment of this name, but what it says is unknown to this node; it is left as it is."""

    code = "DEPLOYMENT_UNREADABLE"


@dataclass(frozen=True, slots=True)
class Wish:
    """What shall be different about a deployment; what is left at its default stays as it is.

    Attributes:
        agent: About the agent itself.
        replicas: How many.
        constraints: Others, whole.
        spread: Another label.
        consistency: Another one.
    """

    agent: Change | None = None
    replicas: int | None = None
    constraints: Sequence[Constraint] | None = None
    spread: str | None = None
    consistency: Consistency | None = None


class Changes:
    """Writes deployments.

    Args:
        book: Those that are known.
        reports: What nodes say of their replicas.
        registry: Where they are.
        agents: Checks and keeps modules.
        clock: Time.
    """

    def __init__(
        self, book: Book, reports: Reports, registry: Registry, agents: AgentService, clock: Clock
    ) -> None:
        self._book = book
        self._reports = reports
        self._registry = registry
        self._agents = agents
        self._clock = clock

    async def create(self, wanted: DeploymentSpec, module: bytes) -> DeploymentSpec:
        """Check a module, keep it here, and let the cluster run it.

        Args:
            wanted: What is wanted; its digest and times are filled in.
            module: Its module, binary or text.

        Raises:
            DeploymentExists: There is a deployment of this name.
            InvalidModule: The module cannot be run.
            ResourceLimit: The specification is too large, or compiling the module takes too much.
        """
        self._check_free(wanted.name)
        async with self._agents.taking_in(module, wanted.manifest) as sha256:
            self._check_free(wanted.name)  # that took a while
            spec = self._first(wanted, sha256)
            self._registry.put_entry(KIND, spec.name, encode(spec))
        _log.info("deployment created", deployment=spec.name, module=sha256[:12], replicas=spec.replicas)
        return spec

    async def update(self, name: str, wish: Wish) -> DeploymentSpec:
        """Change a deployment; its replicas follow, one node after the other.

        Raises:
            DeploymentNotFound: There is none of this name.
            InvalidArgument: Nothing is to be changed, or a value cannot be used.
            InvalidModule: The new module cannot be run.
        """
        before, agent = self._get(name), wish.agent
        if agent is None or not agent.module:
            return self._write(before, wish, before.module_sha256)
        async with self._agents.taking_in(agent.module, agent.apply(before.manifest)) as sha256:
            # That took a while, and what others have changed meanwhile stays changed.
            return self._write(self._get(name), wish, sha256)

    def _first(self, wanted: DeploymentSpec, sha256: str) -> DeploymentSpec:
        """Number a new deployment above what nodes still say of a deleted one of its name."""
        now_ms = self._clock.unix_us() // 1000
        said = self._reports.of(wanted.name).values()
        return replace(
            wanted,
            module_sha256=sha256,
            generation=1 + max((report.generation for report in said), default=0),
            created_unix_ms=now_ms,
            updated_unix_ms=now_ms,
        )

    def _write(self, before: DeploymentSpec, wish: Wish, sha256: str) -> DeploymentSpec:
        after = replace(
            before,
            manifest=before.manifest if wish.agent is None else wish.agent.apply(before.manifest),
            module_sha256=sha256,
            replicas=before.replicas if wish.replicas is None else wish.replicas,
            constraints=before.constraints if wish.constraints is None else tuple(wish.constraints),
            spread=before.spread if wish.spread is None else wish.spread,
            consistency=wish.consistency or before.consistency,
        )
        if after == before:
            raise InvalidArgument(
                f"the deployment {Address(before.name)} is like that already", hint="nothing was changed"
            )
        now_ms = self._clock.unix_us() // 1000
        after = replace(after, generation=min(before.generation + 1, GENERATION_MAX), updated_unix_ms=now_ms)
        self._registry.update_entry(KIND, after.name, changes(before, after))
        _log.info("deployment changed", deployment=after.name, generation=after.generation)
        return after

    def delete(self, name: str) -> DeploymentSpec:
        """Delete a deployment; its replicas drain and go.

        Raises:
            DeploymentNotFound: There is none of this name.
        """
        spec = self._get(name)
        self._registry.remove_entry(KIND, spec.name)
        _log.info("deployment deleted", deployment=spec.name)
        return spec

    def _check_free(self, name: str) -> None:
        self._check_readable(name)
        if self._book.find(name) is not None:
            raise DeploymentExists(
                f"there is a deployment {Address(name)}",
                hint=f"caxton deployment update {Address(name)} changes it",
            )

    def _check_readable(self, name: str) -> None:
        if name in self._book.unreadable:
            raise DeploymentUnreadable(
                f"the deployment {Address(name)} cannot be read by this node",
                why="a node of a later version may have written it",
                hint="ask a node of that version: caxton cluster members -o wide",
            )

    def _get(self, name: str) -> DeploymentSpec:
        self._check_readable(full_name(name))
        spec = self._book.find(full_name(name))
        if spec is None:
            raise no_deployment(full_name(name))
        return spec


def no_deployment(name: str) -> DeploymentNotFound:
    """Make the error for a deployment (`tenant/name`) that is not there."""
    return DeploymentNotFound(
        f"no deployment {Address(name)}", hint="caxton deployment list shows what there is"
    )
