"""THE table of operations: name, permission, place, handler, rate. Surfaces and docs are loops over it.

Requests and responses are those of the protobuf service with the same name, so they need no column.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import Any

from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from caxton_node.api import (
    access,
    access_keys,
    agent_keys,
    agents,
    audit,
    capabilities,
    cluster,
    conversations,
    dead_letters,
    deployments,
    keys,
    limits,
    members,
    messages,
    modules,
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
from caxton_node.api.reach import CLUSTER, LIMITED, OF_NAME, Reach
from caxton_node.api.services import Services
from caxton_node.pb import (
    access_keys_pb2,
    access_pb2,
    capabilities_pb2,
    cluster_pb2,
    deployments_pb2,
    limits_pb2,
    management_pb2,
    platform_pb2,
    registry_pb2,
    security_pb2,
    storage_pb2,
    tasks_pb2,
    uploads_pb2,
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
        permission: What the caller needs; None lets everybody in who is known.
        place: Which node does it.
        handler: What does it.
        rate: The class of calls whose limits it counts against.
        audited: It changes something, so every call is in the audit log.
        shared: It changes what the whole cluster shares, so a side without the majority may refuse it.
        anonymous: Nobody need be known; the handler judges another credential.
        secret: Its answer has a secret that is shown once, so no surface keeps it.
        reach: Whose things a request touches, and so where the caller needs the permission.
        method: `Service/Method`.
        streams: Its answers keep coming.
        client_streams: Its requests keep coming; the handler then gets an async iterator of them.
    """

    service: str
    name: str
    permission: Permission | None
    place: Place
    handler: UnaryHandler | StreamHandler
    rate: Rate = Rate.READ
    audited: bool = False
    shared: bool = False
    anonymous: bool = False
    secret: bool = False
    reach: Reach = CLUSTER
    method: str = field(init=False, default="")
    streams: bool = field(init=False, default=False)
    client_streams: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Look up once what every call asks for; the descriptors answer slowly."""
        object.__setattr__(self, "method", f"{self.service}/{self.name}")
        object.__setattr__(self, "streams", bool(self._descriptor.server_streaming))
        object.__setattr__(self, "client_streams", bool(self._descriptor.client_streaming))

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
    **uploads_pb2.DESCRIPTOR.services_by_name,
    **access_keys_pb2.DESCRIPTOR.services_by_name,
    **access_pb2.DESCRIPTOR.services_by_name,
    **limits_pb2.DESCRIPTOR.services_by_name,
}

_M, _C, _T, _S = "CaxtonManagement", "ClusterService", "TaskService", "SecurityService"
_R = "RegistryService"
_D = "AgentDeployment"
_F = "CapabilityService"
_K = "AgentKeyService"
_MO = "ModuleService"
_AK = "AccessKeyService"
_AC = "AccessService"
_P = Permission


# Whatever an agent may start and stop is touched by deploying it.
_MANIFEST = Reach(agents=("name", "manages"))
_IN_TENANT = Reach(tenant="tenant")

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
    anonymous: bool = False,
    secret: bool = False,
    reach: Reach = CLUSTER,
) -> Operation:
    """Return the row of an operation that changes something."""
    return Operation(
        service,
        name,
        permission,
        place,
        handler,
        rate,
        audited=True,
        shared=shared,
        anonymous=anonymous,
        secret=secret,
        reach=reach,
    )


OPERATIONS: tuple[Operation, ...] = (
    _changes(
        _M,
        "DeployAgent",
        _P.AGENTS_WRITE,
        Place.NODE,
        agents.deploy_agent,
        shared=True,
        rate=Rate.DEPLOY,
        reach=_MANIFEST,
    ),
    _changes(
        _M,
        "UpdateAgent",
        _P.AGENTS_WRITE,
        Place.AGENT,
        agents.update_agent,
        shared=True,
        rate=Rate.DEPLOY,
        reach=_MANIFEST,
    ),
    _changes(
        _M,
        "ValidateAgent",
        _P.AGENTS_WRITE,
        Place.NODE,
        validation.validate_agent,
        rate=Rate.DEPLOY,
        reach=LIMITED,
    ),
    _changes(
        _M, "UndeployAgent", _P.AGENTS_WRITE, Place.AGENT, agents.undeploy_agent, shared=True, reach=OF_NAME
    ),
    _reads(_M, "GetAgent", _P.AGENTS_READ, Place.AGENT, agents.get_agent, reach=OF_NAME),
    _reads(_M, "GetAgentHistory", _P.AGENTS_READ, Place.AGENT, agents.get_agent_history, reach=OF_NAME),
    _reads(_M, "ListAgents", _P.AGENTS_READ, Place.HERE, agents.list_agents, reach=LIMITED),
    _changes(_M, "StartAgent", _P.AGENTS_WRITE, Place.AGENT, agents.start_agent, shared=True, reach=OF_NAME),
    _changes(_M, "StopAgent", _P.AGENTS_WRITE, Place.AGENT, agents.stop_agent, shared=True, reach=OF_NAME),
    _changes(
        _M, "RestartAgent", _P.AGENTS_WRITE, Place.AGENT, agents.restart_agent, shared=True, reach=OF_NAME
    ),
    _changes(
        _D,
        "CreateDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.create_deployment,
        shared=True,
        rate=Rate.DEPLOY,
        reach=_MANIFEST,
    ),
    _changes(
        _D,
        "UpdateDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.update_deployment,
        shared=True,
        rate=Rate.DEPLOY,
        reach=_MANIFEST,
    ),
    _changes(
        _D,
        "DeleteDeployment",
        _P.AGENTS_WRITE,
        Place.HERE,
        deployments.delete_deployment,
        shared=True,
        reach=OF_NAME,
    ),
    _reads(_D, "GetDeployment", _P.AGENTS_READ, Place.HERE, deployments.get_deployment, reach=OF_NAME),
    _reads(_D, "ListDeployments", _P.AGENTS_READ, Place.HERE, deployments.list_deployments, reach=LIMITED),
    _watches(_D, "WatchDeployment", _P.AGENTS_READ, Place.HERE, deployments.watch_deployment, reach=OF_NAME),
    _reads(_M, "ListCapabilities", _P.REGISTRY_READ, Place.HERE, agents.list_capabilities, reach=LIMITED),
    _reads(
        _F, "FindCapabilities", _P.REGISTRY_READ, Place.HERE, capabilities.find_capabilities, reach=LIMITED
    ),
    _reads(
        _F,
        "GetCapability",
        _P.REGISTRY_READ,
        Place.HERE,
        capabilities.get_capability,
        reach=Reach(agents=("agent",)),
    ),
    _watches(_F, "WatchCapabilities", _P.REGISTRY_READ, Place.HERE, capabilities.watch_capabilities),
    _reads(_K, "ListAgentKeys", _P.KEYS_READ, Place.AGENT, agent_keys.list_agent_keys, reach=OF_NAME),
    _reads(_K, "GetAgentKey", _P.KEYS_READ, Place.AGENT, agent_keys.get_agent_key, reach=OF_NAME),
    _changes(_K, "PutAgentKey", _P.AGENTS_WRITE, Place.AGENT, agent_keys.put_agent_key, reach=OF_NAME),
    _changes(
        _K, "DeleteAgentKeys", _P.AGENTS_WRITE, Place.AGENT, agent_keys.delete_agent_keys, reach=OF_NAME
    ),
    _reads(
        _M,
        "SendMessage",
        _P.MESSAGES_SEND,
        Place.HERE,
        messages.send_message,
        rate=Rate.SEND,
        reach=Reach(agents=("to", "also_to", "reply_to")),
    ),
    _watches(
        _M,
        "SubscribeMessages",
        _P.MESSAGES_READ,
        Place.HERE,
        messages.subscribe_messages,
        reach=Reach(agents=("agents",)),
    ),
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
    _changes(_C, "Join", None, Place.HERE, cluster.join, shared=True, anonymous=True, secret=True),
    _changes(
        _C,
        "CreateJoinToken",
        _P.CLUSTER_WRITE,
        Place.HERE,
        cluster.create_join_token,
        shared=True,
        secret=True,
    ),
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
    _changes(
        _AK,
        "CreateApiKey",
        _P.SECURITY_WRITE,
        Place.HERE,
        access_keys.create_api_key,
        shared=True,
        secret=True,
    ),
    _reads(_AK, "ListApiKeys", _P.SECURITY_READ, Place.HERE, access_keys.list_api_keys),
    _changes(
        _AK,
        "RotateApiKey",
        _P.SECURITY_WRITE,
        Place.HERE,
        access_keys.rotate_api_key,
        shared=True,
        secret=True,
    ),
    # Not `shared`: a key that was stolen must be void on either side of a split.
    _changes(_AK, "RevokeApiKey", _P.SECURITY_WRITE, Place.HERE, access_keys.revoke_api_key),
    _reads(_AK, "WhoAmI", None, Place.HERE, access_keys.who_am_i),
    _reads(_AC, "Can", None, Place.HERE, access.can),
    _reads(_AC, "ListRoles", _P.SECURITY_READ, Place.HERE, access.list_roles, reach=LIMITED),
    _reads(_AC, "GetRole", _P.SECURITY_READ, Place.HERE, access.get_role, reach=LIMITED),
    _changes(_AC, "PutRole", _P.SECURITY_WRITE, Place.HERE, access.put_role, shared=True),
    # What takes rights away is not `shared`: it must be possible on either side of a split.
    _changes(_AC, "DeleteRole", _P.SECURITY_WRITE, Place.HERE, access.delete_role),
    _reads(_AC, "ListAssignments", _P.SECURITY_READ, Place.HERE, access.list_assignments, reach=_IN_TENANT),
    _changes(
        _AC,
        "AssignRole",
        _P.SECURITY_WRITE,
        Place.HERE,
        access.assign_role,
        shared=True,
        reach=_IN_TENANT,
    ),
    _changes(_AC, "UnassignRole", _P.SECURITY_WRITE, Place.HERE, access.unassign_role, reach=_IN_TENANT),
    _reads(_AC, "ListAuditRecords", _P.SECURITY_READ, Place.NODE, audit.list_audit_records),
    _reads(_AC, "VerifyAudit", _P.SECURITY_READ, Place.NODE, audit.verify_audit),
    _reads("LimitService", "ListLimits", _P.CONFIG_READ, Place.HERE, limits.list_limits),
    # Not `shared`: a node that is flooded must be helped on either side of a split.
    _changes("LimitService", "SetLimit", _P.CONFIG_WRITE, Place.HERE, limits.set_limit),
    _changes("LimitService", "ResetLimit", _P.CONFIG_WRITE, Place.HERE, limits.reset_limit),
    _changes(
        _MO,
        "UploadModule",
        _P.AGENTS_WRITE,
        Place.HERE,
        modules.upload_module,
        rate=Rate.DEPLOY,
        reach=LIMITED,
    ),
    _reads(_MO, "GetUpload", _P.AGENTS_WRITE, Place.HERE, modules.get_upload, reach=LIMITED),
    _reads(_MO, "ListModules", _P.AGENTS_READ, Place.NODE, modules.list_modules, reach=LIMITED),
    _reads(_MO, "GetModule", _P.AGENTS_READ, Place.NODE, modules.get_module, reach=LIMITED),
    _watches(_MO, "DownloadModule", _P.AGENTS_WRITE, Place.HERE, modules.download_module, reach=LIMITED),
    _reads("StorageService", "CheckStore", _P.STORAGE_WRITE, Place.NODE, storage.check_store),
    _changes("StorageService", "CreateBackup", _P.STORAGE_WRITE, Place.NODE, storage.create_backup),
    _reads("StorageService", "ListBackups", _P.METRICS_READ, Place.NODE, storage.list_backups),
    _reads("StorageService", "VerifyBackup", _P.STORAGE_WRITE, Place.NODE, storage.verify_backup),
)

BY_METHOD: Mapping[str, Operation] = {operation.method: operation for operation in OPERATIONS}
