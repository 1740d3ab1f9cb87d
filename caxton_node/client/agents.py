"""Calls about agents and what they offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

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
from caxton_node.client.uploads import Progress, sent_ahead
from caxton_node.pb import agents_pb2 as pb

PAGE_SIZE = 1000
DRAIN_S = 30.0  # how long a node drains an agent unless it is told otherwise


class Agents(Noun):
    """Deploy agents, look at them, and drive them through their life."""

    service = "CaxtonManagement"

    def deploy(
        self,
        name: str,
        module: bytes = b"",
        *,
        module_sha256: str = "",
        version: str = "",
        node: str = "",
        limits: Mapping[str, int | None] | None = None,
        config: Mapping[str, object] | None = None,
        capabilities: Sequence[str] = (),
        do_not_start: bool = False,
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
        progress: Progress | None = None,
    ) -> pb.DeployAgentResponse:
        """Deploy a module as an agent.

        Args:
            name: Name of the agent.
            module: WebAssembly, binary or text format; may be left out if some node has it.
            module_sha256: Its digest, hexadecimal; needed without the module, else checked.
            version: Its version; empty means 1.0.0.
            node: Where to run it; empty means the node that is asked.
            limits: What it may use, by the names of the schema's Limits; what is absent or None is left to
                the node's defaults.
            config: JSON values handed to the guest when it starts.
            capabilities: Capabilities that it may register; empty means any.
            do_not_start: Leave it Loaded.
            cpu: How its processor time is bounded: metered, deadline or both.
            wasm_features: Features beyond MVP WebAssembly to allow it.
            seed: Makes it deterministic, with this seed.
            start_unix_us: What a deterministic agent's clock says first; 0 means the year 2000.
            keeping: What an instance leaves for its successor: auto, image or off.
            checkpoint_every_s: How often a running instance is asked for that; 0: only when it ends.
            batching: How many messages it gets in one call: adaptive, throughput, latency or single.
            protocols: What becomes of acts that their protocol does not allow: enforce, warn or off.
            on_conflict: What it does when it loses its name to an agent beyond a partition: stop or keep.
            manages: Other agents that it may start and stop through `ams`: names, or how names begin.
            progress: Told how many bytes of how many have gone out, while a large module is sent ahead.

        Raises:
            InvalidArgument: The config has a value that JSON does not know.
            InvalidModule: The module is not WebAssembly, uses a refused feature or breaks the ABI.
            AlreadyExists: The node has an agent of this name.
            DeploymentFailed: The guest did not start; nothing is left of it.
        """
        module, module_sha256 = self._sent_ahead(module, module_sha256, progress)
        request = pb.DeployAgentRequest(
            name=name,
            version=version,
            module=module,
            module_sha256=module_sha256,
            node=node,
            limits=write_limits(limits),
            config=write_config(config or None),
            capabilities=capabilities,
            do_not_start=do_not_start,
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
        return self._call("DeployAgent", request, pb.DeployAgentResponse)

    def update(
        self,
        name: str,
        *,
        node: str = "",
        module: bytes = b"",
        module_sha256: str = "",
        version: str = "",
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
        drain_s: float = 0.0,
        progress: Progress | None = None,
    ) -> pb.UpdateAgentResponse:
        """Change an agent while it runs: its limits at once, anything else by a new instance that takes over.

        Args:
            name: The agent.
            node: Needed only when several nodes run it.
            module: Another module.
            module_sha256: Its digest, as for `deploy`.
            version: Another version; empty keeps the one that it has.
            limits: Other limits, by the names of the schema's Limits; what is absent stays.
            config: Another config, whole; None keeps the one that it has. So for the other lists.
            capabilities: Other capabilities that it may register; none at all means any.
            cpu: metered, deadline or both.
            wasm_features: Other features beyond MVP WebAssembly.
            keeping: auto, image or off.
            checkpoint_every_s: How often a running instance is asked for a checkpoint; 0: only when it ends.
            batching: adaptive, throughput, latency or single.
            protocols: enforce, warn or off.
            on_conflict: stop or keep.
            manages: Other agents that it may start and stop; none at all means none.
            drain_s: How long an old instance may finish what it began, after this has returned; 0 means 30.
            progress: As for `deploy`.

        Raises:
            NotFound: No node runs an agent of this name.
            InvalidArgument: It would change nothing, or a value cannot be used.
            InvalidModule: The module cannot be run by the node; nothing was changed.
            ResourceLimit: The new memory limit does not fit; nothing was changed.
            DeploymentFailed: The new version did not start; the old one goes on.
        """
        module, module_sha256 = self._sent_ahead(module, module_sha256, progress)
        request = pb.UpdateAgentRequest(
            name=name,
            node=node,
            module=module,
            module_sha256=module_sha256,
            version=version,
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
            drain_ms=round(drain_s * 1000),
        )
        return self._call("UpdateAgent", request, pb.UpdateAgentResponse)

    def validate(
        self,
        module: bytes = b"",
        *,
        module_sha256: str = "",
        node: str = "",
        limits: Mapping[str, int | None] | None = None,
        config: Mapping[str, object] | None = None,
        cpu: str = "",
        wasm_features: Sequence[str] = (),
    ) -> pb.ValidateAgentResponse:
        """Try a module in a sandbox that is thrown away; arguments as of `deploy`.

        A module that fails is a report that says so.

        Raises:
            InvalidArgument: A limit, the config or a feature cannot be used.
            ResourceLimit: The node is trying other modules, or does not try one with so much memory.
        """
        request = pb.ValidateAgentRequest(
            module=module,
            module_sha256=module_sha256,
            node=node,
            limits=write_limits(limits),
            config=write_config(config or None),
            cpu=write_cpu(cpu),
            wasm_features=wasm_features,
        )
        return self._call("ValidateAgent", request, pb.ValidateAgentResponse)

    def _sent_ahead(self, module: bytes, module_sha256: str, progress: Progress | None) -> tuple[bytes, str]:
        return sent_ahead(self._channel, module, module_sha256, timeout_s=self._timeout_s, progress=progress)

    def undeploy(self, name: str, *, node: str = "", force: bool = False) -> pb.UndeployAgentResponse:
        """Drain and remove an agent; with `force` its waiting messages go back as FAILURE at once.

        Raises:
            NotFound: No node runs an agent of this name.
        """
        request = pb.UndeployAgentRequest(name=name, node=node, force=force)
        return self._call("UndeployAgent", request, pb.UndeployAgentResponse, extra_s=DRAIN_S)

    def get(self, name: str, *, node: str = "") -> pb.Agent:
        """Return everything about one instance.

        Raises:
            NotFound: No node runs an agent of this name.
            InvalidArgument: Several nodes run it and `node` does not say which is meant.
        """
        return self._call("GetAgent", pb.GetAgentRequest(name=name, node=node), pb.GetAgentResponse).agent

    def history(self, name: str, *, node: str = "", limit: int = 0) -> Sequence[pb.AgentTransition]:
        """Return the latest moves of an instance from state to state, newest first, at most `limit`.

        0 means all that are kept, the latest 50.

        Raises:
            NotFound: No node runs an agent of this name.
        """
        request = pb.GetAgentHistoryRequest(name=name, node=node, limit=limit)
        return self._call("GetAgentHistory", request, pb.GetAgentHistoryResponse).transitions

    def list(self, *, name: str = "", node: str = "") -> Iterator[pb.Agent]:
        """Go through the agents of the cluster in the order of their instance names, page by page."""
        token = ""
        while True:
            request = pb.ListAgentsRequest(name=name, node=node, page_size=PAGE_SIZE, page_token=token)
            page = self._call("ListAgents", request, pb.ListAgentsResponse)
            yield from page.agents
            if not (token := page.next_page_token):
                return

    def start(self, name: str, *, node: str = "") -> pb.Agent:
        """Start an agent that is loaded, stopped or failed.

        Raises:
            StateError: It is running or draining.
            DeploymentFailed: The guest did not start.
        """
        request = pb.StartAgentRequest(name=name, node=node)
        return self._call("StartAgent", request, pb.StartAgentResponse).agent

    def stop(self, name: str, *, node: str = "", drain_s: float = 0.0) -> pb.StopAgentResponse:
        """Drain an agent for at most `drain_s` seconds (0 means 30) and stop it; it stays deployed."""
        request = pb.StopAgentRequest(name=name, node=node, drain_ms=round(drain_s * 1000))
        return self._call("StopAgent", request, pb.StopAgentResponse, extra_s=drain_s or DRAIN_S)

    def restart(self, name: str, *, node: str = "") -> pb.Agent:
        """Replace the running instance by a fresh one; what waits in its mailbox is kept."""
        request = pb.RestartAgentRequest(name=name, node=node)
        return self._call("RestartAgent", request, pb.RestartAgentResponse).agent

    def capabilities(self, name: str = "") -> Sequence[pb.Capability]:
        """List what agents offer, or who offers the capability `name`."""
        request = pb.ListCapabilitiesRequest(name=name)
        return self._call("ListCapabilities", request, pb.ListCapabilitiesResponse).capabilities
