"""THE table of operations: name, permission, place, handler, rate. Surfaces and docs are loops over it.

Requests and responses are those of the protobuf service with the same name, so they need no column.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
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
from caxton_node.resilience import Rate
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
        rate: The class of calls whose limits it counts against.
        audited: It changes something, so every call is in the audit log.
        shared: It changes what the whole cluster shares, so a side without the majority may refuse it.
    """

    service: str
    name: str
    permission: Permission | None
    place: Place
    handler: UnaryHandler | StreamHandler
    rate: Rate = Rate.READ
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


_reads = Operation
_watches = partial(Operation, rate=Rate.WATCH)


def _changes(
    service: str,
    name: str,
    permission: Permission | None,
    place: Place,
    handler: UnaryHandler | StreamHandler,
    *,
    rate: Rate = Rate.WRITE,
    shared: bool = False,
) -> Operation:
    """Return the row of an operation that changes something."""
    return Operation(service, name, permission, place, handler, rate, audited=True, shared=shared)


OPERATIONS: tuple[Operation, ...] = (
    _changes(
        _M, "DeployAgent", _P.AGENTS_WRITE, Place.NODE, agents.deploy_agent, shared=True, rate=Rate.DEPLOY
    ),
    _changes(
        _M, "UpdateAgent", _P.AGENTS_WRITE, Place.AGENT, agents.update_agent, shared=True, rate=Rate.DEPLOY
    ),
    _changes(_M, "ValidateAgent", _P.AGENTS_WRITE, Place.NODE, validation.validate_agent, rate=Rate.DEPLOY),
    _changes(_M, "UndeployAgent", _P.AGENTS_WRITE, Place.AGENT, agents.undeploy_agent, shared=True),
    _reads(_M, "GetAgent", _P.AGENTS_READ, Place.AGENT, agents.get_agent),
    _reads(_M, "GetAgentHistory", _P.AGENTS_READ, Place.AGENT, agents.get_agent_history),
    _reads(_M, "ListAgents", _P.AGENTS_READ, Place.HERE, agents.list_agents),
    _changes(_M, "StartAgent", _P.AGENTS_WRITE, Place.AGENT, agents.start_agent, shared=True),
    _changes(_M, "StopAgent", _P.AGENTS_WRITE, Place.AGENT, agents.stop_agent, shared=True),
    _changes(_M, "RestartAgent", _P.AGENTS_WRITE, Place.AGENT, agents.restart_agent, shared=True),
    _changes(
        _D,
        "CreateDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.create_deployment,
        shared=True,
        rate=Rate.DEPLOY,
    ),
    _changes(
        _D,
        "UpdateDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.update_deployment,
        shared=True,
        rate=Rate.DEPLOY,
    ),
    _changes(_D, "DeleteDeployment", _P.AGENTS_WRITE, Place.HERE, deployments.delete_deployment, shared=True),
    _reads(_D, "GetDeployment", _P.AGENTS_READ, Place.HERE, deployments.get_deployment),
    _reads(_D, "ListDeployments", _P.AGENTS_READ, Place.HERE, deployments.list_deployments),
    _watches(_D, "WatchDeployment", _P.AGENTS_READ, Place.HERE, deployments.watch_deployment),
    _reads(_M, "ListCapabilities", _P.REGISTRY_READ, Place.HERE, agents.list_capabilities),
    _reads(_F, "FindCapabilities", _P.REGISTRY_READ, Place.HERE, capabilities.find_capabilities),
    _reads(_F, "GetCapability", _P.REGISTRY_READ, Place.HERE, capabilities.get_capability),
    _watches(_F, "WatchCapabilities", _P.REGISTRY_READ, Place.HERE, capabilities.watch_capabilities),
    _reads(_K, "ListAgentKeys", _P.KEYS_READ, Place.AGENT, agent_keys.list_agent_keys),
    _reads(_K, "GetAgentKey", _P.KEYS_READ, Place.AGENT, agent_keys.get_agent_key),
    _changes(_K, "PutAgentKey", _P.AGENTS_WRITE, Place.AGENT, agent_keys.put_agent_key),
    _changes(_K, "DeleteAgentKeys", _P.AGENTS_WRITE, Place.AGENT, agent_keys.delete_agent_keys),
    _reads(_M, "SendMessage", _P.MESSAGES_SEND, Place.HERE, messages.send_message, rate=Rate.SEND),
    _watches(_M, "SubscribeMessages", _P.MESSAGES_READ, Place.HERE, messages.subscribe_messages),
    _reads(_M, "WhereIsMessage", _P.MESSAGES_READ, Place.NODE, tracking.where_is_message),
    _reads(_M, "TraceMessage", _P.MESSAGES_READ, Place.NODE, tracing.trace_message),
    _reads(_M, "GetConversation", _P.MESSAGES_READ, Place.NODE, conversations.get_conversation),
    _reads(_M, "ListConversations", _P.MESSAGES_READ, Place.NODE, conversations.list_conversations),
    _reads(_M, "ListDeadLetters", _P.MESSAGES_READ, Place.NODE, dead_letters.list_dead_letters),
    _reads(_M, "GetDeadLetter", _P.MESSAGES_READ, Place.NODE, dead_letters.get_dead_letter),
    _changes(
        _M,
        "ResendDeadLetters",
        _P.MESSAGES_SEND,
        Place.NODE,
        dead_letters.resend_dead_letters,
        rate=Rate.SEND,
    ),
    _changes(_M, "DropDeadLetters", _P.MESSAGES_SEND, Place.NODE, dead_letters.drop_dead_letters),
    _reads(_M, "Health", _P.METRICS_READ, Place.NODE, server.health),
    _reads(_M, "Metrics", _P.METRICS_READ, Place.NODE, server.metrics),
    _reads(_M, "GetConfig", _P.CONFIG_READ, Place.NODE, server.get_config),
    _changes(_T, "RunTask", _P.MESSAGES_SEND, Place.NODE, tasks.run_task, rate=Rate.SEND),
    _reads(_T, "GetTask", _P.MESSAGES_READ, Place.NODE, tasks.get_task),
    _reads(_T, "ListTasks", _P.MESSAGES_READ, Place.NODE, tasks.list_tasks),
    _changes(_T, "CancelTask", _P.MESSAGES_SEND, Place.NODE, tasks.cancel_task),
    _reads(_C, "ListMembers", _P.CLUSTER_READ, Place.HERE, cluster.list_members),
    _reads(_C, "GetStatus", _P.CLUSTER_READ, Place.NODE, cluster.get_status),
    _watches(_C, "WatchMembers", _P.CLUSTER_READ, Place.HERE, cluster.watch_members),
    _changes(_C, "Leave", _P.CLUSTER_WRITE, Place.NODE, cluster.leave),
    _changes(_C, "Join", None, Place.HERE, cluster.join, shared=True),
    _changes(_C, "CreateJoinToken", _P.CLUSTER_WRITE, Place.HERE, cluster.create_join_token, shared=True),
    _reads(_C, "GetPartition", _P.CLUSTER_READ, Place.NODE, partitions.get_partition),
    _changes(_C, "ResolvePartition", _P.CLUSTER_WRITE, Place.NODE, partitions.resolve_partition),
    _reads(_C, "ListPeers", _P.CLUSTER_READ, Place.NODE, peers.list_peers),
    _reads(_C, "PingMember", _P.CLUSTER_READ, Place.NODE, members.ping_member),
    _reads(_C, "ListMemberEvents", _P.CLUSTER_READ, Place.NODE, members.list_member_events),
    _reads(_C, "ListKeys", _P.CLUSTER_READ, Place.HERE, keys.list_keys),
    _changes(_C, "InstallKey", _P.CLUSTER_WRITE, Place.HERE, keys.install_key, shared=True),
    _changes(_C, "UseKey", _P.CLUSTER_WRITE, Place.HERE, keys.use_key, shared=True),
    _changes(_C, "RemoveKey", _P.CLUSTER_WRITE, Place.HERE, keys.remove_key, shared=True),
    _changes(_C, "RotateKeys", _P.CLUSTER_WRITE, Place.HERE, keys.rotate_keys, shared=True),
    _reads(_R, "GetRegistry", _P.REGISTRY_READ, Place.NODE, registry.get_registry),
    _reads(_R, "ListConflicts", _P.REGISTRY_READ, Place.NODE, registry.list_conflicts),
    _reads(_S, "ListCertificates", _P.CLUSTER_READ, Place.HERE, security.list_certificates),
    _changes(_S, "RenewCertificate", _P.SECURITY_WRITE, Place.NODE, security.renew_certificate),
    # Not `shared`: a node whose key is lost must be cut off on either side of a split.
    _changes(_S, "RevokeNode", _P.SECURITY_WRITE, Place.HERE, security.revoke_node),
    _reads(_S, "ListRevocations", _P.CLUSTER_READ, Place.HERE, security.list_revocations),
    _reads(_S, "GetAuthorities", _P.CLUSTER_READ, Place.HERE, security.get_authorities),
    _changes(_S, "RotateAuthority", _P.SECURITY_WRITE, Place.HERE, security.rotate_authority, shared=True),
    _reads("StorageService", "CheckStore", _P.STORAGE_WRITE, Place.NODE, storage.check_store),
    _changes("StorageService", "CreateBackup", _P.STORAGE_WRITE, Place.NODE, storage.create_backup),
    _reads("StorageService", "ListBackups", _P.METRICS_READ, Place.NODE, storage.list_backups),
    _reads("StorageService", "VerifyBackup", _P.STORAGE_WRITE, Place.NODE, storage.verify_backup),
)

BY_METHOD: Mapping[str, Operation] = {operation.method: operation for operation in OPERATIONS}
