from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class AgentState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_STATE_UNSPECIFIED: _ClassVar[AgentState]
    AGENT_STATE_UNLOADED: _ClassVar[AgentState]
    AGENT_STATE_LOADED: _ClassVar[AgentState]
    AGENT_STATE_RUNNING: _ClassVar[AgentState]
    AGENT_STATE_DRAINING: _ClassVar[AgentState]
    AGENT_STATE_STOPPED: _ClassVar[AgentState]
    AGENT_STATE_FAILED: _ClassVar[AgentState]
AGENT_STATE_UNSPECIFIED: AgentState
AGENT_STATE_UNLOADED: AgentState
AGENT_STATE_LOADED: AgentState
AGENT_STATE_RUNNING: AgentState
AGENT_STATE_DRAINING: AgentState
AGENT_STATE_STOPPED: AgentState
AGENT_STATE_FAILED: AgentState

class Limits(_message.Message):
    __slots__ = ("memory_bytes", "fuel_per_message", "wall_time_ms", "message_bytes_max", "mailbox_depth", "batch_max")
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    FUEL_PER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    BATCH_MAX_FIELD_NUMBER: _ClassVar[int]
    memory_bytes: int
    fuel_per_message: int
    wall_time_ms: int
    message_bytes_max: int
    mailbox_depth: int
    batch_max: int
    def __init__(self, memory_bytes: _Optional[int] = ..., fuel_per_message: _Optional[int] = ..., wall_time_ms: _Optional[int] = ..., message_bytes_max: _Optional[int] = ..., mailbox_depth: _Optional[int] = ..., batch_max: _Optional[int] = ...) -> None: ...

class Agent(_message.Message):
    __slots__ = ("name", "version", "instance", "node", "state", "module_sha256", "capabilities", "detail")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    instance: str
    node: str
    state: AgentState
    module_sha256: str
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    detail: AgentDetail
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., instance: _Optional[str] = ..., node: _Optional[str] = ..., state: _Optional[_Union[AgentState, str]] = ..., module_sha256: _Optional[str] = ..., capabilities: _Optional[_Iterable[str]] = ..., detail: _Optional[_Union[AgentDetail, _Mapping]] = ...) -> None: ...

class AgentDetail(_message.Message):
    __slots__ = ("module_bytes", "limits", "config", "granted_capabilities", "deployed_unix_ms", "restarts", "last_error", "mailbox_waiting", "memory_bytes")
    MODULE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    GRANTED_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DEPLOYED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_WAITING_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    module_bytes: int
    limits: Limits
    config: _struct_pb2.Struct
    granted_capabilities: _containers.RepeatedScalarFieldContainer[str]
    deployed_unix_ms: int
    restarts: int
    last_error: str
    mailbox_waiting: int
    memory_bytes: int
    def __init__(self, module_bytes: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., granted_capabilities: _Optional[_Iterable[str]] = ..., deployed_unix_ms: _Optional[int] = ..., restarts: _Optional[int] = ..., last_error: _Optional[str] = ..., mailbox_waiting: _Optional[int] = ..., memory_bytes: _Optional[int] = ...) -> None: ...

class DeployAgentRequest(_message.Message):
    __slots__ = ("name", "version", "module", "node", "limits", "config", "capabilities", "do_not_start")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DO_NOT_START_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    module: bytes
    node: str
    limits: Limits
    config: _struct_pb2.Struct
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    do_not_start: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., module: _Optional[bytes] = ..., node: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Iterable[str]] = ..., do_not_start: _Optional[bool] = ...) -> None: ...

class DeployAgentResponse(_message.Message):
    __slots__ = ("agent", "elapsed_us")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_US_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    elapsed_us: int
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ..., elapsed_us: _Optional[int] = ...) -> None: ...

class UndeployAgentRequest(_message.Message):
    __slots__ = ("name", "node", "force")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    force: bool
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class UndeployAgentResponse(_message.Message):
    __slots__ = ("returned_messages",)
    RETURNED_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    returned_messages: int
    def __init__(self, returned_messages: _Optional[int] = ...) -> None: ...

class GetAgentRequest(_message.Message):
    __slots__ = ("name", "node")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ...) -> None: ...

class GetAgentResponse(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ...) -> None: ...

class ListAgentsRequest(_message.Message):
    __slots__ = ("name", "node", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAgentsResponse(_message.Message):
    __slots__ = ("agents", "next_page_token")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedCompositeFieldContainer[Agent]
    next_page_token: str
    def __init__(self, agents: _Optional[_Iterable[_Union[Agent, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class StartAgentRequest(_message.Message):
    __slots__ = ("name", "node")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ...) -> None: ...

class StartAgentResponse(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ...) -> None: ...

class StopAgentRequest(_message.Message):
    __slots__ = ("name", "node", "drain_ms")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    DRAIN_MS_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    drain_ms: int
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., drain_ms: _Optional[int] = ...) -> None: ...

class StopAgentResponse(_message.Message):
    __slots__ = ("agent", "returned_messages")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    RETURNED_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    returned_messages: int
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ..., returned_messages: _Optional[int] = ...) -> None: ...

class RestartAgentRequest(_message.Message):
    __slots__ = ("name", "node")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ...) -> None: ...

class RestartAgentResponse(_message.Message):
    __slots__ = ("agent",)
    AGENT_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ...) -> None: ...

class ListCapabilitiesRequest(_message.Message):
    __slots__ = ("name",)
    NAME_FIELD_NUMBER: _ClassVar[int]
    name: str
    def __init__(self, name: _Optional[str] = ...) -> None: ...

class Capability(_message.Message):
    __slots__ = ("name", "version", "agent", "nodes", "schema_json")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    agent: str
    nodes: _containers.RepeatedScalarFieldContainer[str]
    schema_json: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., agent: _Optional[str] = ..., nodes: _Optional[_Iterable[str]] = ..., schema_json: _Optional[str] = ...) -> None: ...

class ListCapabilitiesResponse(_message.Message):
    __slots__ = ("capabilities",)
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    capabilities: _containers.RepeatedCompositeFieldContainer[Capability]
    def __init__(self, capabilities: _Optional[_Iterable[_Union[Capability, _Mapping]]] = ...) -> None: ...
