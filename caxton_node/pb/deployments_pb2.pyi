from caxton_node.pb import agents_pb2 as _agents_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Consistency(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONSISTENCY_UNSPECIFIED: _ClassVar[Consistency]
    CONSISTENCY_AVAILABLE: _ClassVar[Consistency]
    CONSISTENCY_CONSISTENT: _ClassVar[Consistency]

class DeploymentPhase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPLOYMENT_PHASE_UNSPECIFIED: _ClassVar[DeploymentPhase]
    DEPLOYMENT_PHASE_DEPLOYING: _ClassVar[DeploymentPhase]
    DEPLOYMENT_PHASE_RUNNING: _ClassVar[DeploymentPhase]
    DEPLOYMENT_PHASE_FAILED: _ClassVar[DeploymentPhase]

class ReplicaState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    REPLICA_STATE_UNSPECIFIED: _ClassVar[ReplicaState]
    REPLICA_STATE_WAITING: _ClassVar[ReplicaState]
    REPLICA_STATE_STARTING: _ClassVar[ReplicaState]
    REPLICA_STATE_UPDATING: _ClassVar[ReplicaState]
    REPLICA_STATE_RUNNING: _ClassVar[ReplicaState]
    REPLICA_STATE_STANDING_IN: _ClassVar[ReplicaState]
    REPLICA_STATE_RESTING: _ClassVar[ReplicaState]
    REPLICA_STATE_LEAVING: _ClassVar[ReplicaState]
    REPLICA_STATE_FAILED: _ClassVar[ReplicaState]
    REPLICA_STATE_REFUSED: _ClassVar[ReplicaState]
CONSISTENCY_UNSPECIFIED: Consistency
CONSISTENCY_AVAILABLE: Consistency
CONSISTENCY_CONSISTENT: Consistency
DEPLOYMENT_PHASE_UNSPECIFIED: DeploymentPhase
DEPLOYMENT_PHASE_DEPLOYING: DeploymentPhase
DEPLOYMENT_PHASE_RUNNING: DeploymentPhase
DEPLOYMENT_PHASE_FAILED: DeploymentPhase
REPLICA_STATE_UNSPECIFIED: ReplicaState
REPLICA_STATE_WAITING: ReplicaState
REPLICA_STATE_STARTING: ReplicaState
REPLICA_STATE_UPDATING: ReplicaState
REPLICA_STATE_RUNNING: ReplicaState
REPLICA_STATE_STANDING_IN: ReplicaState
REPLICA_STATE_RESTING: ReplicaState
REPLICA_STATE_LEAVING: ReplicaState
REPLICA_STATE_FAILED: ReplicaState
REPLICA_STATE_REFUSED: ReplicaState

class CreateDeploymentRequest(_message.Message):
    __slots__ = ("name", "version", "module", "module_sha256", "replicas", "everywhere", "constraints", "spread", "consistency", "limits", "config", "capabilities", "cpu", "wasm_features", "deterministic", "keeping", "checkpoint_every_ms", "batching", "protocols", "on_conflict", "manages")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    EVERYWHERE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    KEEPING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MANAGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    module: bytes
    module_sha256: str
    replicas: int
    everywhere: bool
    constraints: _containers.RepeatedScalarFieldContainer[str]
    spread: str
    consistency: Consistency
    limits: _agents_pb2.Limits
    config: _struct_pb2.Struct
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    cpu: _agents_pb2.CpuMode
    wasm_features: _containers.RepeatedScalarFieldContainer[str]
    deterministic: _agents_pb2.Determinism
    keeping: _agents_pb2.Keeping
    checkpoint_every_ms: int
    batching: _agents_pb2.Batching
    protocols: _agents_pb2.ProtocolPolicy
    on_conflict: _agents_pb2.OnConflict
    manages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., module: _Optional[bytes] = ..., module_sha256: _Optional[str] = ..., replicas: _Optional[int] = ..., everywhere: _Optional[bool] = ..., constraints: _Optional[_Iterable[str]] = ..., spread: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., limits: _Optional[_Union[_agents_pb2.Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Iterable[str]] = ..., cpu: _Optional[_Union[_agents_pb2.CpuMode, str]] = ..., wasm_features: _Optional[_Iterable[str]] = ..., deterministic: _Optional[_Union[_agents_pb2.Determinism, _Mapping]] = ..., keeping: _Optional[_Union[_agents_pb2.Keeping, str]] = ..., checkpoint_every_ms: _Optional[int] = ..., batching: _Optional[_Union[_agents_pb2.Batching, str]] = ..., protocols: _Optional[_Union[_agents_pb2.ProtocolPolicy, str]] = ..., on_conflict: _Optional[_Union[_agents_pb2.OnConflict, str]] = ..., manages: _Optional[_Iterable[str]] = ...) -> None: ...

class CreateDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: Deployment
    def __init__(self, deployment: _Optional[_Union[Deployment, _Mapping]] = ...) -> None: ...

class UpdateDeploymentRequest(_message.Message):
    __slots__ = ("name", "module", "module_sha256", "version", "replicas", "everywhere", "constraints", "spread", "consistency", "limits", "config", "capabilities", "cpu", "wasm_features", "keeping", "checkpoint_every_ms", "batching", "protocols", "on_conflict", "manages")
    NAME_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    EVERYWHERE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    KEEPING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MANAGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    module: bytes
    module_sha256: str
    version: str
    replicas: int
    everywhere: bool
    constraints: _agents_pb2.Names
    spread: str
    consistency: Consistency
    limits: _agents_pb2.Limits
    config: _struct_pb2.Struct
    capabilities: _agents_pb2.Names
    cpu: _agents_pb2.CpuMode
    wasm_features: _agents_pb2.Names
    keeping: _agents_pb2.Keeping
    checkpoint_every_ms: int
    batching: _agents_pb2.Batching
    protocols: _agents_pb2.ProtocolPolicy
    on_conflict: _agents_pb2.OnConflict
    manages: _agents_pb2.Names
    def __init__(self, name: _Optional[str] = ..., module: _Optional[bytes] = ..., module_sha256: _Optional[str] = ..., version: _Optional[str] = ..., replicas: _Optional[int] = ..., everywhere: _Optional[bool] = ..., constraints: _Optional[_Union[_agents_pb2.Names, _Mapping]] = ..., spread: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., limits: _Optional[_Union[_agents_pb2.Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Union[_agents_pb2.Names, _Mapping]] = ..., cpu: _Optional[_Union[_agents_pb2.CpuMode, str]] = ..., wasm_features: _Optional[_Union[_agents_pb2.Names, _Mapping]] = ..., keeping: _Optional[_Union[_agents_pb2.Keeping, str]] = ..., checkpoint_every_ms: _Optional[int] = ..., batching: _Optional[_Union[_agents_pb2.Batching, str]] = ..., protocols: _Optional[_Union[_agents_pb2.ProtocolPolicy, str]] = ..., on_conflict: _Optional[_Union[_agents_pb2.OnConflict, str]] = ..., manages: _Optional[_Union[_agents_pb2.Names, _Mapping]] = ...) -> None: ...

class UpdateDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: Deployment
    def __init__(self, deployment: _Optional[_Union[Deployment, _Mapping]] = ...) -> None: ...

class DeleteDeploymentRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeleteDeploymentResponse(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, nodes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetDeploymentRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class GetDeploymentResponse(_message.Message):
    __slots__ = ("deployment",)
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    deployment: Deployment
    def __init__(self, deployment: _Optional[_Union[Deployment, _Mapping]] = ...) -> None: ...

class ListDeploymentsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListDeploymentsResponse(_message.Message):
    __slots__ = ("deployments", "next_page_token")
    DEPLOYMENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    deployments: _containers.RepeatedCompositeFieldContainer[Deployment]
    next_page_token: str
    def __init__(self, deployments: _Optional[_Iterable[_Union[Deployment, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchDeploymentRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class DeploymentEvent(_message.Message):
    __slots__ = ("at_unix_ms", "deployment")
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DEPLOYMENT_FIELD_NUMBER: _ClassVar[int]
    at_unix_ms: int
    deployment: Deployment
    def __init__(self, at_unix_ms: _Optional[int] = ..., deployment: _Optional[_Union[Deployment, _Mapping]] = ...) -> None: ...

class Deployment(_message.Message):
    __slots__ = ("name", "version", "phase", "wanted", "running", "everywhere", "constraints", "spread", "consistency", "module_sha256", "generation", "created_unix_ms", "updated_unix_ms", "shortage", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    WANTED_FIELD_NUMBER: _ClassVar[int]
    RUNNING_FIELD_NUMBER: _ClassVar[int]
    EVERYWHERE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
    CONSISTENCY_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    CREATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    SHORTAGE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    phase: DeploymentPhase
    wanted: int
    running: int
    everywhere: bool
    constraints: _containers.RepeatedScalarFieldContainer[str]
    spread: str
    consistency: Consistency
    module_sha256: str
    generation: int
    created_unix_ms: int
    updated_unix_ms: int
    shortage: str
    detail: DeploymentDetail
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., phase: _Optional[_Union[DeploymentPhase, str]] = ..., wanted: _Optional[int] = ..., running: _Optional[int] = ..., everywhere: _Optional[bool] = ..., constraints: _Optional[_Iterable[str]] = ..., spread: _Optional[str] = ..., consistency: _Optional[_Union[Consistency, str]] = ..., module_sha256: _Optional[str] = ..., generation: _Optional[int] = ..., created_unix_ms: _Optional[int] = ..., updated_unix_ms: _Optional[int] = ..., shortage: _Optional[str] = ..., detail: _Optional[_Union[DeploymentDetail, _Mapping]] = ...) -> None: ...

class DeploymentDetail(_message.Message):
    __slots__ = ("replicas", "unplaced", "limits", "config", "granted_capabilities", "cpu", "wasm_features", "deterministic", "keeping", "checkpoint_every_ms", "batching", "protocols", "on_conflict", "manages")
    class UnplacedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REPLICAS_FIELD_NUMBER: _ClassVar[int]
    UNPLACED_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    GRANTED_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    KEEPING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MANAGES_FIELD_NUMBER: _ClassVar[int]
    replicas: _containers.RepeatedCompositeFieldContainer[Replica]
    unplaced: _containers.ScalarMap[str, str]
    limits: _agents_pb2.Limits
    config: _struct_pb2.Struct
    granted_capabilities: _containers.RepeatedScalarFieldContainer[str]
    cpu: _agents_pb2.CpuMode
    wasm_features: _containers.RepeatedScalarFieldContainer[str]
    deterministic: _agents_pb2.Determinism
    keeping: _agents_pb2.Keeping
    checkpoint_every_ms: int
    batching: _agents_pb2.Batching
    protocols: _agents_pb2.ProtocolPolicy
    on_conflict: _agents_pb2.OnConflict
    manages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, replicas: _Optional[_Iterable[_Union[Replica, _Mapping]]] = ..., unplaced: _Optional[_Mapping[str, str]] = ..., limits: _Optional[_Union[_agents_pb2.Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., granted_capabilities: _Optional[_Iterable[str]] = ..., cpu: _Optional[_Union[_agents_pb2.CpuMode, str]] = ..., wasm_features: _Optional[_Iterable[str]] = ..., deterministic: _Optional[_Union[_agents_pb2.Determinism, _Mapping]] = ..., keeping: _Optional[_Union[_agents_pb2.Keeping, str]] = ..., checkpoint_every_ms: _Optional[int] = ..., batching: _Optional[_Union[_agents_pb2.Batching, str]] = ..., protocols: _Optional[_Union[_agents_pb2.ProtocolPolicy, str]] = ..., on_conflict: _Optional[_Union[_agents_pb2.OnConflict, str]] = ..., manages: _Optional[_Iterable[str]] = ...) -> None: ...

class Replica(_message.Message):
    __slots__ = ("node", "state", "reason", "generation", "instance", "agent_state", "since_unix_ms", "placed")
    NODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    AGENT_STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PLACED_FIELD_NUMBER: _ClassVar[int]
    node: str
    state: ReplicaState
    reason: str
    generation: int
    instance: str
    agent_state: _agents_pb2.AgentState
    since_unix_ms: int
    placed: bool
    def __init__(self, node: _Optional[str] = ..., state: _Optional[_Union[ReplicaState, str]] = ..., reason: _Optional[str] = ..., generation: _Optional[int] = ..., instance: _Optional[str] = ..., agent_state: _Optional[_Union[_agents_pb2.AgentState, str]] = ..., since_unix_ms: _Optional[int] = ..., placed: _Optional[bool] = ...) -> None: ...
