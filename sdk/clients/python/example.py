"""A client of the management API over generated code: lists, deploys, talks, and watches."""
# ruff: noqa: INP001, T201  an example beside its generated code, which prints what it does

from __future__ import annotations

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "build"))

import grpc
from caxton.v1 import agents_pb2, errors_pb2, management_pb2_grpc, messages_pb2
from google.rpc import status_pb2

DEADLINE_S = 10
MESSAGES = 3


class Token(grpc.AuthMetadataPlugin):  # type: ignore[misc]  # grpc ships no types
    """Shows a token with every call; gRPC sends it over TLS only."""

    def __init__(self, token: str) -> None:
        self._metadata = (("authorization", f"Bearer {token}"),)

    def __call__(self, _context: object, callback: grpc.AuthMetadataPluginCallback) -> None:
        """Give gRPC what to send."""
        callback(self._metadata, None)


def connect(endpoint: str, ca_pem: bytes, token: str) -> grpc.Channel:
    """Open a channel; connecting happens on the first call."""
    tls = grpc.ssl_channel_credentials(ca_pem)
    return grpc.secure_channel(
        endpoint, grpc.composite_channel_credentials(tls, grpc.metadata_call_credentials(Token(token)))
    )


def explain(error: grpc.RpcError) -> str:
    """Return what the node says of an error: code, what happened, what to do next."""
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            detail = errors_pb2.ErrorDetail()
            for part in status_pb2.Status.FromString(value).details:
                if part.Unpack(detail):
                    return f"{detail.code}: {detail.message} ({detail.hint})"
    return f"{error.code().name}: {error.details()}"


def run(node: management_pb2_grpc.CaxtonManagementStub, name: str, module: bytes) -> None:
    """List, deploy, talk, and watch."""
    listed = node.ListAgents(agents_pb2.ListAgentsRequest(), timeout=DEADLINE_S)
    print(f"agents: {len(listed.agents)}")
    deployed = node.DeployAgent(agents_pb2.DeployAgentRequest(name=name, module=module), timeout=DEADLINE_S)
    print(f"deployed: {deployed.agent.name} {agents_pb2.AgentState.Name(deployed.agent.state)}")
    events = node.SubscribeMessages(messages_pb2.SubscribeMessagesRequest(agents=[name]))
    events.initial_metadata()  # from here on nothing is missed
    for number in range(MESSAGES):
        request = messages_pb2.SendMessageRequest(to=name, content=b"%d" % number)
        answer = node.SendMessage(request, timeout=DEADLINE_S)
        print(f"reply: {answer.reply.content.decode()}")
    for _, event in zip(range(MESSAGES), events, strict=False):
        print(f"event: {event.message.performative}")
    events.cancel()
    try:
        node.GetAgent(agents_pb2.GetAgentRequest(name="nobody"), timeout=DEADLINE_S)
    except grpc.RpcError as error:
        print(f"error: {explain(error)}")
    node.UndeployAgent(agents_pb2.UndeployAgentRequest(name=name, force=True), timeout=DEADLINE_S)
    print("undeployed")


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser()
    for option in ("--endpoint", "--ca", "--token", "--module"):
        parser.add_argument(option, required=True)
    parser.add_argument("--name", default="example-python")
    options = parser.parse_args()
    with connect(options.endpoint, Path(options.ca).read_bytes(), options.token) as channel:
        run(
            management_pb2_grpc.CaxtonManagementStub(channel), options.name, Path(options.module).read_bytes()
        )


if __name__ == "__main__":
    main()
