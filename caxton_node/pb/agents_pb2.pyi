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

class AgentEvent(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AGENT_EVENT_UNSPECIFIED: _ClassVar[AgentEvent]
    AGENT_EVENT_LOAD: _ClassVar[AgentEvent]
    AGENT_EVENT_START: _ClassVar[AgentEvent]
    AGENT_EVENT_DRAIN: _ClassVar[AgentEvent]
    AGENT_EVENT_STOP: _ClassVar[AgentEvent]
    AGENT_EVENT_FAIL: _ClassVar[AgentEvent]
    AGENT_EVENT_REMOVE: _ClassVar[AgentEvent]
    AGENT_EVENT_OVERRULED: _ClassVar[AgentEvent]

class CpuMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CPU_MODE_UNSPECIFIED: _ClassVar[CpuMode]
    CPU_MODE_METERED: _ClassVar[CpuMode]
    CPU_MODE_DEADLINE: _ClassVar[CpuMode]
    CPU_MODE_BOTH: _ClassVar[CpuMode]

class Keeping(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    KEEPING_UNSPECIFIED: _ClassVar[Keeping]
    KEEPING_AUTO: _ClassVar[Keeping]
    KEEPING_IMAGE: _ClassVar[Keeping]
    KEEPING_OFF: _ClassVar[Keeping]

class Batching(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    BATCHING_UNSPECIFIED: _ClassVar[Batching]
    BATCHING_ADAPTIVE: _ClassVar[Batching]
    BATCHING_THROUGHPUT: _ClassVar[Batching]
    BATCHING_LATENCY: _ClassVar[Batching]
    BATCHING_SINGLE: _ClassVar[Batching]

class ProtocolPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PROTOCOL_POLICY_UNSPECIFIED: _ClassVar[ProtocolPolicy]
    PROTOCOL_POLICY_ENFORCE: _ClassVar[ProtocolPolicy]
    PROTOCOL_POLICY_WARN: _ClassVar[ProtocolPolicy]
    PROTOCOL_POLICY_OFF: _ClassVar[ProtocolPolicy]

class OnConflict(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_CONFLICT_UNSPECIFIED: _ClassVar[OnConflict]
    ON_CONFLICT_STOP: _ClassVar[OnConflict]
    ON_CONFLICT_KEEP: _ClassVar[OnConflict]

class StageOutcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STAGE_OUTCOME_UNSPECIFIED: _ClassVar[StageOutcome]
    STAGE_OUTCOME_PASSED: _ClassVar[StageOutcome]
    STAGE_OUTCOME_FAILED: _ClassVar[StageOutcome]
    STAGE_OUTCOME_SKIPPED: _ClassVar[StageOutcome]
AGENT_STATE_UNSPECIFIED: AgentState
AGENT_STATE_UNLOADED: AgentState
AGENT_STATE_LOADED: AgentState
AGENT_STATE_RUNNING: AgentState
AGENT_STATE_DRAINING: AgentState
AGENT_STATE_STOPPED: AgentState
AGENT_STATE_FAILED: AgentState
AGENT_EVENT_UNSPECIFIED: AgentEvent
AGENT_EVENT_LOAD: AgentEvent
AGENT_EVENT_START: AgentEvent
AGENT_EVENT_DRAIN: AgentEvent
AGENT_EVENT_STOP: AgentEvent
AGENT_EVENT_FAIL: AgentEvent
AGENT_EVENT_REMOVE: AgentEvent
AGENT_EVENT_OVERRULED: AgentEvent
CPU_MODE_UNSPECIFIED: CpuMode
CPU_MODE_METERED: CpuMode
CPU_MODE_DEADLINE: CpuMode
CPU_MODE_BOTH: CpuMode
KEEPING_UNSPECIFIED: Keeping
KEEPING_AUTO: Keeping
KEEPING_IMAGE: Keeping
KEEPING_OFF: Keeping
BATCHING_UNSPECIFIED: Batching
BATCHING_ADAPTIVE: Batching
BATCHING_THROUGHPUT: Batching
BATCHING_LATENCY: Batching
BATCHING_SINGLE: Batching
PROTOCOL_POLICY_UNSPECIFIED: ProtocolPolicy
PROTOCOL_POLICY_ENFORCE: ProtocolPolicy
PROTOCOL_POLICY_WARN: ProtocolPolicy
PROTOCOL_POLICY_OFF: ProtocolPolicy
ON_CONFLICT_UNSPECIFIED: OnConflict
ON_CONFLICT_STOP: OnConflict
ON_CONFLICT_KEEP: OnConflict
STAGE_OUTCOME_UNSPECIFIED: StageOutcome
STAGE_OUTCOME_PASSED: StageOutcome
STAGE_OUTCOME_FAILED: StageOutcome
STAGE_OUTCOME_SKIPPED: StageOutcome

class Limits(_message.Message):
    __slots__ = ("memory_bytes", "fuel_per_message", "wall_time_ms", "message_bytes_max", "mailbox_depth", "batch_max", "host_calls_per_s", "log_lines_per_s", "messages_per_s", "table_elements", "checkpoint_bytes_max")
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    FUEL_PER_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    WALL_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_DEPTH_FIELD_NUMBER: _ClassVar[int]
    BATCH_MAX_FIELD_NUMBER: _ClassVar[int]
    HOST_CALLS_PER_S_FIELD_NUMBER: _ClassVar[int]
    LOG_LINES_PER_S_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_PER_S_FIELD_NUMBER: _ClassVar[int]
    TABLE_ELEMENTS_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_BYTES_MAX_FIELD_NUMBER: _ClassVar[int]
    memory_bytes: int
    fuel_per_message: int
    wall_time_ms: int
    message_bytes_max: int
    mailbox_depth: int
    batch_max: int
    host_calls_per_s: int
    log_lines_per_s: int
    messages_per_s: int
    table_elements: int
    checkpoint_bytes_max: int
    def __init__(self, memory_bytes: _Optional[int] = ..., fuel_per_message: _Optional[int] = ..., wall_time_ms: _Optional[int] = ..., message_bytes_max: _Optional[int] = ..., mailbox_depth: _Optional[int] = ..., batch_max: _Optional[int] = ..., host_calls_per_s: _Optional[int] = ..., log_lines_per_s: _Optional[int] = ..., messages_per_s: _Optional[int] = ..., table_elements: _Optional[int] = ..., checkpoint_bytes_max: _Optional[int] = ...) -> None: ...

class Determinism(_message.Message):
    __slots__ = ("seed", "start_unix_us")
    SEED_FIELD_NUMBER: _ClassVar[int]
    START_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    seed: int
    start_unix_us: int
    def __init__(self, seed: _Optional[int] = ..., start_unix_us: _Optional[int] = ...) -> None: ...

class Names(_message.Message):
    __slots__ = ("names",)
    NAMES_FIELD_NUMBER: _ClassVar[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, names: _Optional[_Iterable[str]] = ...) -> None: ...

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
    __slots__ = ("module_bytes", "limits", "config", "granted_capabilities", "deployed_unix_ms", "restarts", "last_error", "mailbox_waiting", "memory_bytes", "failure", "number", "cpu", "wasm_features", "deterministic", "keeping", "checkpoint_every_ms", "batching", "protocols", "batch_now", "on_conflict", "manages")
    MODULE_BYTES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    GRANTED_CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DEPLOYED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    RESTARTS_FIELD_NUMBER: _ClassVar[int]
    LAST_ERROR_FIELD_NUMBER: _ClassVar[int]
    MAILBOX_WAITING_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    KEEPING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    BATCH_NOW_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MANAGES_FIELD_NUMBER: _ClassVar[int]
    module_bytes: int
    limits: Limits
    config: _struct_pb2.Struct
    granted_capabilities: _containers.RepeatedScalarFieldContainer[str]
    deployed_unix_ms: int
    restarts: int
    last_error: str
    mailbox_waiting: int
    memory_bytes: int
    failure: Failure
    number: int
    cpu: CpuMode
    wasm_features: _containers.RepeatedScalarFieldContainer[str]
    deterministic: Determinism
    keeping: Keeping
    checkpoint_every_ms: int
    batching: Batching
    protocols: ProtocolPolicy
    batch_now: int
    on_conflict: OnConflict
    manages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, module_bytes: _Optional[int] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., granted_capabilities: _Optional[_Iterable[str]] = ..., deployed_unix_ms: _Optional[int] = ..., restarts: _Optional[int] = ..., last_error: _Optional[str] = ..., mailbox_waiting: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., failure: _Optional[_Union[Failure, _Mapping]] = ..., number: _Optional[int] = ..., cpu: _Optional[_Union[CpuMode, str]] = ..., wasm_features: _Optional[_Iterable[str]] = ..., deterministic: _Optional[_Union[Determinism, _Mapping]] = ..., keeping: _Optional[_Union[Keeping, str]] = ..., checkpoint_every_ms: _Optional[int] = ..., batching: _Optional[_Union[Batching, str]] = ..., protocols: _Optional[_Union[ProtocolPolicy, str]] = ..., batch_now: _Optional[int] = ..., on_conflict: _Optional[_Union[OnConflict, str]] = ..., manages: _Optional[_Iterable[str]] = ...) -> None: ...

class Failure(_message.Message):
    __slots__ = ("kind", "message", "at_unix_ms", "backtrace", "message_id", "verdict")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    BACKTRACE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    kind: str
    message: str
    at_unix_ms: int
    backtrace: _containers.RepeatedScalarFieldContainer[str]
    message_id: str
    verdict: str
    def __init__(self, kind: _Optional[str] = ..., message: _Optional[str] = ..., at_unix_ms: _Optional[int] = ..., backtrace: _Optional[_Iterable[str]] = ..., message_id: _Optional[str] = ..., verdict: _Optional[str] = ...) -> None: ...

class AgentTransition(_message.Message):
    __slots__ = ("at_unix_ms", "instance", "from_state", "event", "to_state", "reason")
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    FROM_STATE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    TO_STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    at_unix_ms: int
    instance: str
    from_state: AgentState
    event: AgentEvent
    to_state: AgentState
    reason: str
    def __init__(self, at_unix_ms: _Optional[int] = ..., instance: _Optional[str] = ..., from_state: _Optional[_Union[AgentState, str]] = ..., event: _Optional[_Union[AgentEvent, str]] = ..., to_state: _Optional[_Union[AgentState, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class DeployAgentRequest(_message.Message):
    __slots__ = ("name", "version", "module", "node", "limits", "config", "capabilities", "do_not_start", "cpu", "wasm_features", "deterministic", "keeping", "checkpoint_every_ms", "batching", "protocols", "module_sha256", "on_conflict", "manages")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    DO_NOT_START_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    DETERMINISTIC_FIELD_NUMBER: _ClassVar[int]
    KEEPING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MANAGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    module: bytes
    node: str
    limits: Limits
    config: _struct_pb2.Struct
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    do_not_start: bool
    cpu: CpuMode
    wasm_features: _containers.RepeatedScalarFieldContainer[str]
    deterministic: Determinism
    keeping: Keeping
    checkpoint_every_ms: int
    batching: Batching
    protocols: ProtocolPolicy
    module_sha256: str
    on_conflict: OnConflict
    manages: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., module: _Optional[bytes] = ..., node: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Iterable[str]] = ..., do_not_start: _Optional[bool] = ..., cpu: _Optional[_Union[CpuMode, str]] = ..., wasm_features: _Optional[_Iterable[str]] = ..., deterministic: _Optional[_Union[Determinism, _Mapping]] = ..., keeping: _Optional[_Union[Keeping, str]] = ..., checkpoint_every_ms: _Optional[int] = ..., batching: _Optional[_Union[Batching, str]] = ..., protocols: _Optional[_Union[ProtocolPolicy, str]] = ..., module_sha256: _Optional[str] = ..., on_conflict: _Optional[_Union[OnConflict, str]] = ..., manages: _Optional[_Iterable[str]] = ...) -> None: ...

class DeployAgentResponse(_message.Message):
    __slots__ = ("agent", "elapsed_us")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_US_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    elapsed_us: int
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ..., elapsed_us: _Optional[int] = ...) -> None: ...

class UpdateAgentRequest(_message.Message):
    __slots__ = ("name", "node", "module", "version", "limits", "config", "capabilities", "cpu", "wasm_features", "keeping", "checkpoint_every_ms", "drain_ms", "batching", "protocols", "module_sha256", "on_conflict", "manages")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    KEEPING_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINT_EVERY_MS_FIELD_NUMBER: _ClassVar[int]
    DRAIN_MS_FIELD_NUMBER: _ClassVar[int]
    BATCHING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    ON_CONFLICT_FIELD_NUMBER: _ClassVar[int]
    MANAGES_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    module: bytes
    version: str
    limits: Limits
    config: _struct_pb2.Struct
    capabilities: Names
    cpu: CpuMode
    wasm_features: Names
    keeping: Keeping
    checkpoint_every_ms: int
    drain_ms: int
    batching: Batching
    protocols: ProtocolPolicy
    module_sha256: str
    on_conflict: OnConflict
    manages: Names
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., module: _Optional[bytes] = ..., version: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., capabilities: _Optional[_Union[Names, _Mapping]] = ..., cpu: _Optional[_Union[CpuMode, str]] = ..., wasm_features: _Optional[_Union[Names, _Mapping]] = ..., keeping: _Optional[_Union[Keeping, str]] = ..., checkpoint_every_ms: _Optional[int] = ..., drain_ms: _Optional[int] = ..., batching: _Optional[_Union[Batching, str]] = ..., protocols: _Optional[_Union[ProtocolPolicy, str]] = ..., module_sha256: _Optional[str] = ..., on_conflict: _Optional[_Union[OnConflict, str]] = ..., manages: _Optional[_Union[Names, _Mapping]] = ...) -> None: ...

class UpdateAgentResponse(_message.Message):
    __slots__ = ("agent", "elapsed_us")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_US_FIELD_NUMBER: _ClassVar[int]
    agent: Agent
    elapsed_us: int
    def __init__(self, agent: _Optional[_Union[Agent, _Mapping]] = ..., elapsed_us: _Optional[int] = ...) -> None: ...

class GetAgentHistoryRequest(_message.Message):
    __slots__ = ("name", "node", "limit")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    limit: int
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class GetAgentHistoryResponse(_message.Message):
    __slots__ = ("transitions",)
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    transitions: _containers.RepeatedCompositeFieldContainer[AgentTransition]
    def __init__(self, transitions: _Optional[_Iterable[_Union[AgentTransition, _Mapping]]] = ...) -> None: ...

class ValidateAgentRequest(_message.Message):
    __slots__ = ("module", "node", "limits", "config", "cpu", "wasm_features", "module_sha256")
    MODULE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    WASM_FEATURES_FIELD_NUMBER: _ClassVar[int]
    MODULE_SHA256_FIELD_NUMBER: _ClassVar[int]
    module: bytes
    node: str
    limits: Limits
    config: _struct_pb2.Struct
    cpu: CpuMode
    wasm_features: _containers.RepeatedScalarFieldContainer[str]
    module_sha256: str
    def __init__(self, module: _Optional[bytes] = ..., node: _Optional[str] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., config: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., cpu: _Optional[_Union[CpuMode, str]] = ..., wasm_features: _Optional[_Iterable[str]] = ..., module_sha256: _Optional[str] = ...) -> None: ...

class ValidateAgentResponse(_message.Message):
    __slots__ = ("passed", "stages", "module", "start", "messages", "limits", "cpu", "log", "elapsed_us")
    PASSED_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    MODULE_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CPU_FIELD_NUMBER: _ClassVar[int]
    LOG_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_US_FIELD_NUMBER: _ClassVar[int]
    passed: bool
    stages: _containers.RepeatedCompositeFieldContainer[ValidationStage]
    module: ModuleFacts
    start: StartFacts
    messages: _containers.RepeatedCompositeFieldContainer[MessageFacts]
    limits: Limits
    cpu: CpuMode
    log: _containers.RepeatedScalarFieldContainer[str]
    elapsed_us: int
    def __init__(self, passed: _Optional[bool] = ..., stages: _Optional[_Iterable[_Union[ValidationStage, _Mapping]]] = ..., module: _Optional[_Union[ModuleFacts, _Mapping]] = ..., start: _Optional[_Union[StartFacts, _Mapping]] = ..., messages: _Optional[_Iterable[_Union[MessageFacts, _Mapping]]] = ..., limits: _Optional[_Union[Limits, _Mapping]] = ..., cpu: _Optional[_Union[CpuMode, str]] = ..., log: _Optional[_Iterable[str]] = ..., elapsed_us: _Optional[int] = ...) -> None: ...

class ValidationStage(_message.Message):
    __slots__ = ("name", "outcome", "reason", "hint", "backtrace", "notes")
    NAME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HINT_FIELD_NUMBER: _ClassVar[int]
    BACKTRACE_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    name: str
    outcome: StageOutcome
    reason: str
    hint: str
    backtrace: _containers.RepeatedScalarFieldContainer[str]
    notes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, name: _Optional[str] = ..., outcome: _Optional[_Union[StageOutcome, str]] = ..., reason: _Optional[str] = ..., hint: _Optional[str] = ..., backtrace: _Optional[_Iterable[str]] = ..., notes: _Optional[_Iterable[str]] = ...) -> None: ...

class ModuleFacts(_message.Message):
    __slots__ = ("sha256", "module_bytes", "imports", "exports", "needs_features", "checkpoints", "image_is_whole", "compile_us")
    SHA256_FIELD_NUMBER: _ClassVar[int]
    MODULE_BYTES_FIELD_NUMBER: _ClassVar[int]
    IMPORTS_FIELD_NUMBER: _ClassVar[int]
    EXPORTS_FIELD_NUMBER: _ClassVar[int]
    NEEDS_FEATURES_FIELD_NUMBER: _ClassVar[int]
    CHECKPOINTS_FIELD_NUMBER: _ClassVar[int]
    IMAGE_IS_WHOLE_FIELD_NUMBER: _ClassVar[int]
    COMPILE_US_FIELD_NUMBER: _ClassVar[int]
    sha256: str
    module_bytes: int
    imports: _containers.RepeatedScalarFieldContainer[str]
    exports: _containers.RepeatedScalarFieldContainer[str]
    needs_features: _containers.RepeatedScalarFieldContainer[str]
    checkpoints: bool
    image_is_whole: bool
    compile_us: int
    def __init__(self, sha256: _Optional[str] = ..., module_bytes: _Optional[int] = ..., imports: _Optional[_Iterable[str]] = ..., exports: _Optional[_Iterable[str]] = ..., needs_features: _Optional[_Iterable[str]] = ..., checkpoints: _Optional[bool] = ..., image_is_whole: _Optional[bool] = ..., compile_us: _Optional[int] = ...) -> None: ...

class StartFacts(_message.Message):
    __slots__ = ("elapsed_us", "fuel", "memory_bytes", "capabilities", "messages_sent")
    ELAPSED_US_FIELD_NUMBER: _ClassVar[int]
    FUEL_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    CAPABILITIES_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_SENT_FIELD_NUMBER: _ClassVar[int]
    elapsed_us: int
    fuel: int
    memory_bytes: int
    capabilities: _containers.RepeatedScalarFieldContainer[str]
    messages_sent: int
    def __init__(self, elapsed_us: _Optional[int] = ..., fuel: _Optional[int] = ..., memory_bytes: _Optional[int] = ..., capabilities: _Optional[_Iterable[str]] = ..., messages_sent: _Optional[int] = ...) -> None: ...

class MessageFacts(_message.Message):
    __slots__ = ("name", "given", "handled", "sent", "fuel", "elapsed_us", "memory_bytes", "sent_count")
    NAME_FIELD_NUMBER: _ClassVar[int]
    GIVEN_FIELD_NUMBER: _ClassVar[int]
    HANDLED_FIELD_NUMBER: _ClassVar[int]
    SENT_FIELD_NUMBER: _ClassVar[int]
    FUEL_FIELD_NUMBER: _ClassVar[int]
    ELAPSED_US_FIELD_NUMBER: _ClassVar[int]
    MEMORY_BYTES_FIELD_NUMBER: _ClassVar[int]
    SENT_COUNT_FIELD_NUMBER: _ClassVar[int]
    name: str
    given: int
    handled: int
    sent: _containers.RepeatedScalarFieldContainer[str]
    fuel: int
    elapsed_us: float
    memory_bytes: int
    sent_count: int
    def __init__(self, name: _Optional[str] = ..., given: _Optional[int] = ..., handled: _Optional[int] = ..., sent: _Optional[_Iterable[str]] = ..., fuel: _Optional[int] = ..., elapsed_us: _Optional[float] = ..., memory_bytes: _Optional[int] = ..., sent_count: _Optional[int] = ...) -> None: ...

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
