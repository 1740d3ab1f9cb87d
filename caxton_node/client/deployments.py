"""Calls about deployments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from caxton_node.client.agent_requests import (
    write_batching,
    write_config,
    write_cpu,
    write_keeping,
    write_limits,
    write_names,
    write_on_conflict,
    write_protocols,
    write_world,
)
from caxton_node.client.noun import Noun
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import deployments_pb2 as pb


class Deployments(Noun):
    """Say how many nodes shall run an agent; they see to it, also when nodes die and return."""

    service = "AgentDeployment"

    def create(
        self,
        name: str,
        module: bytes = b"",
        *,
        module_sha256: str = "",
        version: str = "",
        replicas: int | None = 1,
        constraints: Sequence[str] = (),
        spread: str = "",
        consistency: str = "",
        limits: Mapping[str, int | None] | None = None,
        config: Mapping[str, object] | None = None,
        capabilities: Sequence[str] = (),
        cpu: str = "",
        wasm_features: Sequence[str] = (),
        seed: int | None = None,
        start_unix_us: int = 0,
        keeping: str = "",
        checkpoint_every_s: float = 0.0,
        batching: str = "",
        protocols: str = "",
        on_conflict: str = "",
        manages: Sequence[str] = (),
    ) -> pb.Deployment:
        """Create a deployment and return it as it is then: replicas are on their way.

        Args:
            name: Name of the deployment and of its agents.
            module: As for `agents.deploy`, like everything about the agent itself.
            module_sha256: As for `agents.deploy`.
            version: Version of the agent; empty means 1.0.0.
            replicas: How many nodes run it; None: every one that fits.
            constraints: What a node must be: `zone=a`, `zone=a|b`, `disk!=slow`, `node!=n3`.
            spread: Label over whose values replicas are spread.
            consistency: available (both sides of a split run it) or consistent (only the majority does).
            limits: As for `agents.deploy`, and so on.
            config: JSON values handed to the guest when it starts.
            capabilities: Capabilities that it may register; empty means any.
            cpu: metered, deadline or both.
            wasm_features: Features beyond MVP WebAssembly to allow it.
            seed: Makes it deterministic, with this seed.
            start_unix_us: What a deterministic agent's clock says first; 0 means the year 2000.
            keeping: auto, image or off.
            checkpoint_every_s: How often a running instance is asked for a checkpoint; 0: only when it ends.
            batching: adaptive, throughput, latency or single.
            protocols: enforce, warn or off.
            on_conflict: What a replica does that loses its name after a split: stop or keep.
            manages: Other agents that it may start and stop through `ams`.

        Raises:
            AlreadyExists: There is a deployment of this name.
            InvalidModule: The module cannot be run.
            InvalidArgument: A value cannot be used.
        """
        request = pb.CreateDeploymentRequest(
            name=name,
            version=version,
            module=module,
            module_sha256=module_sha256,
            replicas=replicas or 0,
            everywhere=replicas is None,
            constraints=constraints,
            spread=spread,
            consistency=_consistency(consistency),
            limits=write_limits(limits),
            config=write_config(config or None),
            capabilities=capabilities,
            cpu=write_cpu(cpu),
            wasm_features=wasm_features,
            deterministic=write_world(seed, start_unix_us),
            keeping=write_keeping(keeping),
            checkpoint_every_ms=round(checkpoint_every_s * 1000),
            batching=write_batching(batching),
            protocols=write_protocols(protocols),
            on_conflict=write_on_conflict(on_conflict),
            manages=manages,
        )
        return self._call("CreateDeployment", request, pb.CreateDeploymentResponse).deployment

    def update(
        self,
        name: str,
        *,
        module: bytes = b"",
        module_sha256: str = "",
        version: str = "",
        replicas: int | None = None,
        everywhere: bool = False,
        constraints: Sequence[str] | None = None,
        spread: str | None = None,
        consistency: str = "",
        limits: Mapping[str, int | None] | None = None,
        config: Mapping[str, object] | None = None,
        capabilities: Sequence[str] | None = None,
        cpu: str = "",
        wasm_features: Sequence[str] | None = None,
        keeping: str = "",
        checkpoint_every_s: float | None = None,
        batching: str = "",
        protocols: str = "",
        on_conflict: str = "",
        manages: Sequence[str] | None = None,
    ) -> pb.Deployment:
        """Change a deployment; its replicas follow one node after the other.

        Args:
            name: The deployment.
            module: Another module; arguments as of `create`, and what is left out stays as it is.
            module_sha256: Its digest.
            version: Another version.
            replicas: Another number of nodes.
            everywhere: Every node that fits.
            constraints: Other constraints, whole; none at all lifts them.
            spread: Another label; empty: not spread.
            consistency: available or consistent.
            limits: Other limits; what is absent stays.
            config: Another config, whole.
            capabilities: Other capabilities that it may register, whole; none at all means any.
            cpu: metered, deadline or both.
            wasm_features: Other features, whole.
            keeping: auto, image or off.
            checkpoint_every_s: How often it is asked for a checkpoint; 0: only when it ends.
            batching: adaptive, throughput, latency or single.
            protocols: enforce, warn or off.
            on_conflict: stop or keep.
            manages: Other agents that it may start and stop, whole.

        Raises:
            NotFound: There is no such deployment.
            InvalidArgument: Nothing is to be changed, or a value cannot be used.
            InvalidModule: The module cannot be run; nothing was changed.
        """
        request = pb.UpdateDeploymentRequest(
            name=name,
            module=module,
            module_sha256=module_sha256,
            version=version,
            replicas=replicas or 0,
            everywhere=everywhere,
            constraints=write_names(constraints),
            spread=spread,
            consistency=_consistency(consistency),
            limits=write_limits(limits),
            config=write_config(config),
            capabilities=write_names(capabilities),
            cpu=write_cpu(cpu),
            wasm_features=write_names(wasm_features),
            keeping=write_keeping(keeping),
            checkpoint_every_ms=None if checkpoint_every_s is None else round(checkpoint_every_s * 1000),
            batching=write_batching(batching),
            protocols=write_protocols(protocols),
            on_conflict=write_on_conflict(on_conflict),
            manages=write_names(manages),
        )
        return self._call("UpdateDeployment", request, pb.UpdateDeploymentResponse).deployment

    def delete(self, name: str) -> Sequence[str]:
        """Delete a deployment; returns the nodes whose replicas drain now.

        Raises:
            NotFound: There is no such deployment.
        """
        request = pb.DeleteDeploymentRequest(name=name)
        return self._call("DeleteDeployment", request, pb.DeleteDeploymentResponse).nodes

    def get(self, name: str) -> pb.Deployment:
        """Return how a deployment is.

        Raises:
            NotFound: There is no such deployment.
        """
        request = pb.GetDeploymentRequest(name=name)
        return self._call("GetDeployment", request, pb.GetDeploymentResponse).deployment

    def list(self) -> Sequence[pb.Deployment]:
        """Return the deployments of the cluster by name, without detail."""
        found: list[pb.Deployment] = []
        token = ""
        while True:
            request = pb.ListDeploymentsRequest(page_token=token)
            page = self._call("ListDeployments", request, pb.ListDeploymentsResponse)
            found.extend(page.deployments)
            if not (token := page.next_page_token):
                return found

    def watch(self, name: str) -> Iterator[pb.DeploymentEvent]:
        """Yield how a deployment is, and again whenever that has changed; ends when it is deleted.

        Raises:
            NotFound: There is no such deployment.
        """
        return self._stream("WatchDeployment", pb.WatchDeploymentRequest(name=name), pb.DeploymentEvent)


def _consistency(word: str) -> Any:  # noqa: ANN401  the stubs have a type of their own for enum values
    known = {"": 0, "available": pb.CONSISTENCY_AVAILABLE, "consistent": pb.CONSISTENCY_CONSISTENT}
    if word not in known:
        raise InvalidArgument(f"{word!r} is not one of available, consistent")
    return known[word]
