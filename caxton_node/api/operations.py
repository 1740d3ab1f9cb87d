"""THE table of operations: name, permission, place, handler. Surfaces, docs and tests are loops over it.

Requests and responses are those of the protobuf service with the same name, so they need no column.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from caxton_node.api import (
    agent_keys,
    agents,
    capabilities,
    cluster,
    conversations,
    dead_letters,
    deployments,
    keys,
    members,
    messages,
    partitions,
    peers,
    registry,
    security,
    server,
    storage,
    tasks,
    tracing,
    tracking,
    validation,
)
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.pb import (
    capabilities_pb2,
    cluster_pb2,
    deployments_pb2,
    management_pb2,
    platform_pb2,
    registry_pb2,
    security_pb2,
    storage_pb2,
    tasks_pb2,
)
from caxton_node.security import Permission

PACKAGE = "caxton.v1"

UnaryHandler = Callable[[Services, Any, Call], Awaitable[Message]]
StreamHandler = Callable[[Services, Any, Call], AsyncIterator[Message]]


class Place(StrEnum):
    """Which node does it."""

    HERE = "here"  # the node that was asked
    NODE = "node"  # the one in the request's `node`, else the node that was asked
    AGENT = "agent"  # the one in the request's `node`, else the one that runs the agent in `name`


@dataclass(frozen=True, slots=True)
class Operation:
    """One row of the table.

    Attributes:
        service: Name of the protobuf service.
        name: Name of its method.
        permission: What the caller needs; None lets everybody in (the handler judges another credential).
        place: Which node does it.
        handler: What does it.
        audited: It changes something, so every call is in the audit log.
        shared: It changes what the whole cluster shares, so a side without the majority may refuse it.
    """

    service: str
    name: str
    permission: Permission | None
    place: Place
    handler: UnaryHandler | StreamHandler
    audited: bool = False
    shared: bool = False

    @property
    def method(self) -> str:
        """Return `Service/Method`."""
        return f"{self.service}/{self.name}"

    @property
    def streams(self) -> bool:
        """Return whether its answers keep coming."""
        return bool(self._descriptor.server_streaming)

    @property
    def request(self) -> type[Message]:
        """Return the class of its request."""
        return GetMessageClass(self._descriptor.input_type)

    @property
    def response(self) -> type[Message]:
        """Return the class of its response, or of one element of the stream."""
        return GetMessageClass(self._descriptor.output_type)

    @property
    def _descriptor(self) -> Any:  # noqa: ANN401  the stubs know two classes of descriptors
        return SERVICES[self.service].methods_by_name[self.name]


SERVICES: Mapping[str, Any] = {
    **management_pb2.DESCRIPTOR.services_by_name,
    **cluster_pb2.DESCRIPTOR.services_by_name,
    **tasks_pb2.DESCRIPTOR.services_by_name,
    **deployments_pb2.DESCRIPTOR.services_by_name,
    **security_pb2.DESCRIPTOR.services_by_name,
    **storage_pb2.DESCRIPTOR.services_by_name,
    **registry_pb2.DESCRIPTOR.services_by_name,
    **capabilities_pb2.DESCRIPTOR.services_by_name,
    **platform_pb2.DESCRIPTOR.services_by_name,
}

_M, _C, _T, _S = "CaxtonManagement", "ClusterService", "TaskService", "SecurityService"
_R = "RegistryService"
_D = "AgentDeployment"
_F = "CapabilityService"
_K = "AgentKeyService"
_P = Permission

OPERATIONS: tuple[Operation, ...] = (
    Operation(_M, "DeployAgent", _P.AGENTS_WRITE, Place.NODE, agents.deploy_agent, audited=True, shared=True),
    Operation(
        _M, "UpdateAgent", _P.AGENTS_WRITE, Place.AGENT, agents.update_agent, audited=True, shared=True
    ),
    Operation(_M, "ValidateAgent", _P.AGENTS_WRITE, Place.NODE, validation.validate_agent, audited=True),
    Operation(
        _M, "UndeployAgent", _P.AGENTS_WRITE, Place.AGENT, agents.undeploy_agent, audited=True, shared=True
    ),
    Operation(_M, "GetAgent", _P.AGENTS_READ, Place.AGENT, agents.get_agent),
    Operation(_M, "GetAgentHistory", _P.AGENTS_READ, Place.AGENT, agents.get_agent_history),
    Operation(_M, "ListAgents", _P.AGENTS_READ, Place.HERE, agents.list_agents),
    Operation(_M, "StartAgent", _P.AGENTS_WRITE, Place.AGENT, agents.start_agent, audited=True, shared=True),
    Operation(_M, "StopAgent", _P.AGENTS_WRITE, Place.AGENT, agents.stop_agent, audited=True, shared=True),
    Operation(
        _M, "RestartAgent", _P.AGENTS_WRITE, Place.AGENT, agents.restart_agent, audited=True, shared=True
    ),
    Operation(
        _D,
        "CreateDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.create_deployment,
        audited=True,
        shared=True,
    ),
    Operation(
        _D,
        "UpdateDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.update_deployment,
        audited=True,
        shared=True,
    ),
    Operation(
        _D,
        "DeleteDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.delete_deployment,
        audited=True,
        shared=True,
    ),
    Operation(_D, "GetDeployment", _P.AGENTS_READ, Place.HERE, deployments.get_deployment),
    Operation(_D, "ListDeployments", _P.AGENTS_READ, Place.HERE, deployments.list_deployments),
    Operation(_D, "WatchDeployment", _P.AGENTS_READ, Place.HERE, deployments.watch_deployment),
    Operation(_M, "ListCapabilities", _P.REGISTRY_READ, Place.HERE, agents.list_capabilities),
    Operation(_F, "FindCapabilities", _P.REGISTRY_READ, Place.HERE, capabilities.find_capabilities),
    Operation(_F, "GetCapability", _P.REGISTRY_READ, Place.HERE, capabilities.get_capability),
    Operation(_F, "WatchCapabilities", _P.REGISTRY_READ, Place.HERE, capabilities.watch_capabilities),
    Operation(_K, "ListAgentKeys", _P.KEYS_READ, Place.AGENT, agent_keys.list_agent_keys),
    Operation(_K, "GetAgentKey", _P.KEYS_READ, Place.AGENT, agent_keys.get_agent_key),
    Operation(_K, "PutAgentKey", _P.AGENTS_WRITE, Place.AGENT, agent_keys.put_agent_key, audited=True),
    Operation(
        _K, "DeleteAgentKeys", _P.AGENTS_WRITE, Place.AGENT, agent_keys.delete_agent_keys, audited=True
    ),
    Operation(_M, "SendMessage", _P.MESSAGES_SEND, Place.HERE, messages.send_message),
    Operation(_M, "SubscribeMessages", _P.MESSAGES_READ, Place.HERE, messages.subscribe_messages),
    Operation(_M, "WhereIsMessage", _P.MESSAGES_READ, Place.NODE, tracking.where_is_message),
    Operation(_M, "TraceMessage", _P.MESSAGES_READ, Place.NODE, tracing.trace_message),
    Operation(_M, "GetConversation", _P.MESSAGES_READ, Place.NODE, conversations.get_conversation),
    Operation(_M, "ListConversations", _P.MESSAGES_READ, Place.NODE, conversations.list_conversations),
    Operation(_M, "ListDeadLetters", _P.MESSAGES_READ, Place.NODE, dead_letters.list_dead_letters),
    Operation(_M, "GetDeadLetter", _P.MESSAGES_READ, Place.NODE, dead_letters.get_dead_letter),
    Operation(
        _M, "ResendDeadLetters", _P.MESSAGES_SEND, Place.NODE, dead_letters.resend_dead_letters, audited=True
    ),
    Operation(
        _M, "DropDeadLetters", _P.MESSAGES_SEND, Place.NODE, dead_letters.drop_dead_letters, audited=True
    ),
    Operation(_M, "Health", _P.METRICS_READ, Place.NODE, server.health),
    Operation(_M, "Metrics", _P.METRICS_READ, Place.NODE, server.metrics),
    Operation(_M, "GetConfig", _P.CONFIG_READ, Place.NODE, server.get_config),
    Operation(_T, "RunTask", _P.MESSAGES_SEND, Place.NODE, tasks.run_task, audited=True),
    Operation(_T, "GetTask", _P.MESSAGES_READ, Place.NODE, tasks.get_task),
    Operation(_T, "ListTasks", _P.MESSAGES_READ, Place.NODE, tasks.list_tasks),
    Operation(_T, "CancelTask", _P.MESSAGES_SEND, Place.NODE, tasks.cancel_task, audited=True),
    Operation(_C, "ListMembers", _P.CLUSTER_READ, Place.HERE, cluster.list_members),
    Operation(_C, "GetStatus", _P.CLUSTER_READ, Place.NODE, cluster.get_status),
    Operation(_C, "WatchMembers", _P.CLUSTER_READ, Place.HERE, cluster.watch_members),
    Operation(_C, "Leave", _P.CLUSTER_WRITE, Place.NODE, cluster.leave, audited=True),
    Operation(_C, "Join", None, Place.HERE, cluster.join, audited=True, shared=True),
    Operation(
        _C,
        "CreateJoinToken",
        _P.CLUSTER_WRITE,
        Place.HERE,
        cluster.create_join_token,
        audited=True,
        shared=True,
    ),
    Operation(_C, "GetPartition", _P.CLUSTER_READ, Place.NODE, partitions.get_partition),
    Operation(
        _C, "ResolvePartition", _P.CLUSTER_WRITE, Place.NODE, partitions.resolve_partition, audited=True
    ),
    Operation(_C, "ListPeers", _P.CLUSTER_READ, Place.NODE, peers.list_peers),
    Operation(_C, "PingMember", _P.CLUSTER_READ, Place.NODE, members.ping_member),
    Operation(_C, "ListMemberEvents", _P.CLUSTER_READ, Place.NODE, members.list_member_events),
    Operation(_C, "ListKeys", _P.CLUSTER_READ, Place.HERE, keys.list_keys),
    Operation(_C, "InstallKey", _P.CLUSTER_WRITE, Place.HERE, keys.install_key, audited=True, shared=True),
    Operation(_C, "UseKey", _P.CLUSTER_WRITE, Place.HERE, keys.use_key, audited=True, shared=True),
    Operation(_C, "RemoveKey", _P.CLUSTER_WRITE, Place.HERE, keys.remove_key, audited=True, shared=True),
    Operation(_C, "RotateKeys", _P.CLUSTER_WRITE, Place.HERE, keys.rotate_keys, audited=True, shared=True),
    Operation(_R, "GetRegistry", _P.REGISTRY_READ, Place.NODE, registry.get_registry),
    Operation(_R, "ListConflicts", _P.REGISTRY_READ, Place.NODE, registry.list_conflicts),
    Operation(_S, "ListCertificates", _P.CLUSTER_READ, Place.HERE, security.list_certificates),
    Operation(
        _S, "RenewCertificate", _P.SECURITY_WRITE, Place.NODE, security.renew_certificate, audited=True
    ),
    # Not `shared`: a node whose key is lost must be cut off on either side of a split.
    Operation(_S, "RevokeNode", _P.SECURITY_WRITE, Place.HERE, security.revoke_node, audited=True),
    Operation(_S, "ListRevocations", _P.CLUSTER_READ, Place.HERE, security.list_revocations),
    Operation(_S, "GetAuthorities", _P.CLUSTER_READ, Place.HERE, security.get_authorities),
    Operation(
        _S,
        "RotateAuthority",
        _P.SECURITY_WRITE,
        Place.HERE,
        security.rotate_authority,
        audited=True,
        shared=True,
    ),
    Operation("StorageService", "CheckStore", _P.STORAGE_WRITE, Place.NODE, storage.check_store),
    Operation(
        "StorageService", "CreateBackup", _P.STORAGE_WRITE, Place.NODE, storage.create_backup, audited=True
    ),
    Operation("StorageService", "ListBackups", _P.METRICS_READ, Place.NODE, storage.list_backups),
    Operation("StorageService", "VerifyBackup", _P.STORAGE_WRITE, Place.NODE, storage.verify_backup),
)

BY_METHOD: Mapping[str, Operation] = {operation.method: operation for operation in OPERATIONS}
