"""Calls about agents and what they offer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from google.protobuf.json_format import ParseDict, ParseError

from caxton_node.client.noun import Noun
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import agents_pb2 as pb

PAGE_SIZE = 1000
DRAIN_S = 30.0  # how long a node drains an agent unless it is told otherwise


class Agents(Noun):
    """Deploy agents, look at them, and drive them through their life."""

    service = "CaxtonManagement"

    def deploy(
        self,
        name: str,
        module: bytes,
        *,
        version: str = "",
        node: str = "",
        limits: Mapping[str, int] | None = None,
        config: Mapping[str, object] | None = None,
        capabilities: Sequence[str] = (),
        do_not_start: bool = False,
    ) -> pb.DeployAgentResponse:
        """Deploy a module as an agent.

        Args:
            name: Name of the agent.
            module: WebAssembly, binary or text format.
            version: Its version; empty means 1.0.0.
            node: Where to run it; empty means the node that is asked.
            limits: What it may use, by the names of the schema's Limits; absent and 0 mean the node's
                defaults.
            config: JSON values handed to the guest when it starts.
            capabilities: Capabilities that it may register; empty means any.
            do_not_start: Leave it Loaded.

        Raises:
            InvalidArgument: The config has a value that JSON does not know.
            InvalidModule: The module is not WebAssembly, uses a refused feature or breaks the ABI.
            AlreadyExists: The node has an agent of this name.
            DeploymentFailed: The guest did not start; nothing is left of it.
        """
        request = pb.DeployAgentRequest(
            name=name,
            version=version,
            module=module,
            node=node,
            limits=pb.Limits(**(limits or {})),
            capabilities=capabilities,
            do_not_start=do_not_start,
        )
        if config:
            _write_config(config, request)
        return self._call("DeployAgent", request, pb.DeployAgentResponse)

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


def _write_config(config: Mapping[str, object], request: pb.DeployAgentRequest) -> None:
    try:
        ParseDict(dict(config), request.config)
    except (ParseError, TypeError, ValueError, OverflowError) as err:
        raise InvalidArgument(
            "the config is not JSON", why=str(err), hint="use plain JSON values; YAML dates need quotes"
        ) from err
