"""Values that show what a field looks like, by its name, or by message and name where that differs."""

from __future__ import annotations

from typing import Any

from caxton_node.api.rest import descriptors

EXAMPLES: dict[str, Any] = {
    "name": "echo",
    "agent": "echo",
    "to": "echo",
    "node": "n1",
    "target": "n2",
    "key": "greeting",
    "version": "1.0.0",
    "performative": "request",
    "content": "eyJzYXkiOiAiaGVsbG8ifQ==",
    "value": "ImhlbGxvIg==",
    "task_id": "00f1c2d3e4a5b697",
    "message_id": "018f3c1e5a7b7c3d9e1f2a3b4c5d6e7f",
    "conversation_id": "c-7",
    "key_id": "4f2a91c0",
    "page_size": 100,
    "module_sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "capability": "translate",
    "replicas": 2,
    "GetDeadLetterRequest.id": "17",
    "VerifyBackupRequest.id": "20261126T020000Z",
    "TraceMessageRequest.key": "018f3c1e5a7b7c3d9e1f2a3b4c5d6e7f",
    "CreateJoinTokenRequest.lifetime_s": 3600,
    "GetCapabilityRequest.name": "translate",
}

_SHOWN = {
    "SendMessageRequest": ("to", "performative", "content"),
    "DeployAgentRequest": ("name", "version", "module_sha256"),
    "ValidateAgentRequest": ("module_sha256",),
    "UpdateAgentRequest": ("version", "module_sha256"),
    "CreateDeploymentRequest": ("name", "version", "module_sha256", "replicas"),
    "UpdateDeploymentRequest": ("version", "module_sha256"),
    "PutAgentKeyRequest": ("value",),
    "RunTaskRequest": ("capability", "content"),
    "CreateJoinTokenRequest": ("lifetime_s",),
}


def example_of(message: descriptors.Message, field: str) -> Any:  # noqa: ANN401  any JSON value
    """Return an example of a field, None if there is none."""
    return EXAMPLES.get(f"{message.name}.{field}", EXAMPLES.get(field))


def example_body(message: descriptors.Message, path_fields: tuple[str, ...]) -> dict[str, Any]:
    """Return an example of a body; empty where an empty one is the usual."""
    shown = (name for name in _SHOWN.get(message.name, ()) if name not in path_fields)
    return {name: example_of(message, name) for name in shown}
