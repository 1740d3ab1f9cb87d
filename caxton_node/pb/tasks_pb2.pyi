from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import struct_pb2 as _struct_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TaskState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TASK_STATE_UNSPECIFIED: _ClassVar[TaskState]
    TASK_STATE_SUBMITTED: _ClassVar[TaskState]
    TASK_STATE_CALLING: _ClassVar[TaskState]
    TASK_STATE_WORKING: _ClassVar[TaskState]
    TASK_STATE_COMPLETED: _ClassVar[TaskState]
    TASK_STATE_PARTIAL: _ClassVar[TaskState]
    TASK_STATE_FAILED: _ClassVar[TaskState]
    TASK_STATE_CANCELLED: _ClassVar[TaskState]
TASK_STATE_UNSPECIFIED: TaskState
TASK_STATE_SUBMITTED: TaskState
TASK_STATE_CALLING: TaskState
TASK_STATE_WORKING: TaskState
TASK_STATE_COMPLETED: TaskState
TASK_STATE_PARTIAL: TaskState
TASK_STATE_FAILED: TaskState
TASK_STATE_CANCELLED: TaskState

class RunTaskRequest(_message.Message):
    __slots__ = ("node", "content", "capability", "contractors", "prefer", "require", "steps", "winners", "reserves", "rounds_max", "proposals_within_ms", "results_within_ms", "participants_max", "protocol", "no_wait")
    NODE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    CONTRACTORS_FIELD_NUMBER: _ClassVar[int]
    PREFER_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WINNERS_FIELD_NUMBER: _ClassVar[int]
    RESERVES_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_MAX_FIELD_NUMBER: _ClassVar[int]
    PROPOSALS_WITHIN_MS_FIELD_NUMBER: _ClassVar[int]
    RESULTS_WITHIN_MS_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_MAX_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    NO_WAIT_FIELD_NUMBER: _ClassVar[int]
    node: str
    content: bytes
    capability: str
    contractors: _containers.RepeatedScalarFieldContainer[str]
    prefer: _containers.RepeatedScalarFieldContainer[str]
    require: _containers.RepeatedScalarFieldContainer[str]
    steps: _containers.RepeatedScalarFieldContainer[str]
    winners: int
    reserves: int
    rounds_max: int
    proposals_within_ms: int
    results_within_ms: int
    participants_max: int
    protocol: str
    no_wait: bool
    def __init__(self, node: _Optional[str] = ..., content: _Optional[bytes] = ..., capability: _Optional[str] = ..., contractors: _Optional[_Iterable[str]] = ..., prefer: _Optional[_Iterable[str]] = ..., require: _Optional[_Iterable[str]] = ..., steps: _Optional[_Iterable[str]] = ..., winners: _Optional[int] = ..., reserves: _Optional[int] = ..., rounds_max: _Optional[int] = ..., proposals_within_ms: _Optional[int] = ..., results_within_ms: _Optional[int] = ..., participants_max: _Optional[int] = ..., protocol: _Optional[str] = ..., no_wait: _Optional[bool] = ...) -> None: ...

class RunTaskResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: Task
    def __init__(self, task: _Optional[_Union[Task, _Mapping]] = ...) -> None: ...

class GetTaskRequest(_message.Message):
    __slots__ = ("node", "task_id", "seen_version", "wait_ms")
    NODE_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    SEEN_VERSION_FIELD_NUMBER: _ClassVar[int]
    WAIT_MS_FIELD_NUMBER: _ClassVar[int]
    node: str
    task_id: str
    seen_version: int
    wait_ms: int
    def __init__(self, node: _Optional[str] = ..., task_id: _Optional[str] = ..., seen_version: _Optional[int] = ..., wait_ms: _Optional[int] = ...) -> None: ...

class GetTaskResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: Task
    def __init__(self, task: _Optional[_Union[Task, _Mapping]] = ...) -> None: ...

class ListTasksRequest(_message.Message):
    __slots__ = ("node", "limit", "state")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    node: str
    limit: int
    state: TaskState
    def __init__(self, node: _Optional[str] = ..., limit: _Optional[int] = ..., state: _Optional[_Union[TaskState, str]] = ...) -> None: ...

class ListTasksResponse(_message.Message):
    __slots__ = ("tasks",)
    TASKS_FIELD_NUMBER: _ClassVar[int]
    tasks: _containers.RepeatedCompositeFieldContainer[Task]
    def __init__(self, tasks: _Optional[_Iterable[_Union[Task, _Mapping]]] = ...) -> None: ...

class CancelTaskRequest(_message.Message):
    __slots__ = ("node", "task_id")
    NODE_FIELD_NUMBER: _ClassVar[int]
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    node: str
    task_id: str
    def __init__(self, node: _Optional[str] = ..., task_id: _Optional[str] = ...) -> None: ...

class CancelTaskResponse(_message.Message):
    __slots__ = ("task",)
    TASK_FIELD_NUMBER: _ClassVar[int]
    task: Task
    def __init__(self, task: _Optional[_Union[Task, _Mapping]] = ...) -> None: ...

class Task(_message.Message):
    __slots__ = ("task_id", "node", "state", "outcome", "capability", "called", "bids", "winners", "submitted_unix_ms", "finished_unix_ms", "detail")
    TASK_ID_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    CAPABILITY_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    WINNERS_FIELD_NUMBER: _ClassVar[int]
    SUBMITTED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    FINISHED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    task_id: str
    node: str
    state: TaskState
    outcome: str
    capability: str
    called: int
    bids: int
    winners: _containers.RepeatedScalarFieldContainer[str]
    submitted_unix_ms: int
    finished_unix_ms: int
    detail: TaskDetail
    def __init__(self, task_id: _Optional[str] = ..., node: _Optional[str] = ..., state: _Optional[_Union[TaskState, str]] = ..., outcome: _Optional[str] = ..., capability: _Optional[str] = ..., called: _Optional[int] = ..., bids: _Optional[int] = ..., winners: _Optional[_Iterable[str]] = ..., submitted_unix_ms: _Optional[int] = ..., finished_unix_ms: _Optional[int] = ..., detail: _Optional[_Union[TaskDetail, _Mapping]] = ...) -> None: ...

class TaskDetail(_message.Message):
    __slots__ = ("version", "reason", "initiator", "conversation_id", "protocol", "content", "prefer", "require", "steps", "winners_wanted", "reserves", "rounds_max", "proposals_within_ms", "results_within_ms", "found", "contractors", "awarded_unix_ms", "rounds", "bids", "notes", "results", "ignored")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    PREFER_FIELD_NUMBER: _ClassVar[int]
    REQUIRE_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    WINNERS_WANTED_FIELD_NUMBER: _ClassVar[int]
    RESERVES_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_MAX_FIELD_NUMBER: _ClassVar[int]
    PROPOSALS_WITHIN_MS_FIELD_NUMBER: _ClassVar[int]
    RESULTS_WITHIN_MS_FIELD_NUMBER: _ClassVar[int]
    FOUND_FIELD_NUMBER: _ClassVar[int]
    CONTRACTORS_FIELD_NUMBER: _ClassVar[int]
    AWARDED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ROUNDS_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    NOTES_FIELD_NUMBER: _ClassVar[int]
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    IGNORED_FIELD_NUMBER: _ClassVar[int]
    version: int
    reason: str
    initiator: str
    conversation_id: str
    protocol: str
    content: bytes
    prefer: _containers.RepeatedScalarFieldContainer[str]
    require: _containers.RepeatedScalarFieldContainer[str]
    steps: _containers.RepeatedScalarFieldContainer[str]
    winners_wanted: int
    reserves: int
    rounds_max: int
    proposals_within_ms: int
    results_within_ms: int
    found: int
    contractors: _containers.RepeatedScalarFieldContainer[str]
    awarded_unix_ms: int
    rounds: _containers.RepeatedCompositeFieldContainer[TaskRound]
    bids: _containers.RepeatedCompositeFieldContainer[TaskBid]
    notes: _containers.RepeatedCompositeFieldContainer[TaskNote]
    results: _containers.RepeatedCompositeFieldContainer[TaskResult]
    ignored: int
    def __init__(self, version: _Optional[int] = ..., reason: _Optional[str] = ..., initiator: _Optional[str] = ..., conversation_id: _Optional[str] = ..., protocol: _Optional[str] = ..., content: _Optional[bytes] = ..., prefer: _Optional[_Iterable[str]] = ..., require: _Optional[_Iterable[str]] = ..., steps: _Optional[_Iterable[str]] = ..., winners_wanted: _Optional[int] = ..., reserves: _Optional[int] = ..., rounds_max: _Optional[int] = ..., proposals_within_ms: _Optional[int] = ..., results_within_ms: _Optional[int] = ..., found: _Optional[int] = ..., contractors: _Optional[_Iterable[str]] = ..., awarded_unix_ms: _Optional[int] = ..., rounds: _Optional[_Iterable[_Union[TaskRound, _Mapping]]] = ..., bids: _Optional[_Iterable[_Union[TaskBid, _Mapping]]] = ..., notes: _Optional[_Iterable[_Union[TaskNote, _Mapping]]] = ..., results: _Optional[_Iterable[_Union[TaskResult, _Mapping]]] = ..., ignored: _Optional[int] = ...) -> None: ...

class TaskRound(_message.Message):
    __slots__ = ("number", "at_unix_ms", "called", "bids", "best", "best_score", "progress")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CALLED_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    BEST_FIELD_NUMBER: _ClassVar[int]
    BEST_SCORE_FIELD_NUMBER: _ClassVar[int]
    PROGRESS_FIELD_NUMBER: _ClassVar[int]
    number: int
    at_unix_ms: int
    called: int
    bids: int
    best: str
    best_score: float
    progress: str
    def __init__(self, number: _Optional[int] = ..., at_unix_ms: _Optional[int] = ..., called: _Optional[int] = ..., bids: _Optional[int] = ..., best: _Optional[str] = ..., best_score: _Optional[float] = ..., progress: _Optional[str] = ...) -> None: ...

class TaskBid(_message.Message):
    __slots__ = ("contractor", "round", "at_unix_ms", "answered_ms", "content", "terms", "normalised", "score", "rank", "tie_break", "verdict", "reason")
    class NormalisedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CONTRACTOR_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ANSWERED_MS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    NORMALISED_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    RANK_FIELD_NUMBER: _ClassVar[int]
    TIE_BREAK_FIELD_NUMBER: _ClassVar[int]
    VERDICT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    contractor: str
    round: int
    at_unix_ms: int
    answered_ms: float
    content: bytes
    terms: _struct_pb2.Struct
    normalised: _containers.ScalarMap[str, float]
    score: float
    rank: int
    tie_break: str
    verdict: str
    reason: str
    def __init__(self, contractor: _Optional[str] = ..., round: _Optional[int] = ..., at_unix_ms: _Optional[int] = ..., answered_ms: _Optional[float] = ..., content: _Optional[bytes] = ..., terms: _Optional[_Union[_struct_pb2.Struct, _Mapping]] = ..., normalised: _Optional[_Mapping[str, float]] = ..., score: _Optional[float] = ..., rank: _Optional[int] = ..., tie_break: _Optional[str] = ..., verdict: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class TaskNote(_message.Message):
    __slots__ = ("at_unix_ms", "contractor", "round", "what", "detail")
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CONTRACTOR_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    at_unix_ms: int
    contractor: str
    round: int
    what: str
    detail: str
    def __init__(self, at_unix_ms: _Optional[int] = ..., contractor: _Optional[str] = ..., round: _Optional[int] = ..., what: _Optional[str] = ..., detail: _Optional[str] = ...) -> None: ...

class TaskResult(_message.Message):
    __slots__ = ("contractor", "at_unix_ms", "content", "size_bytes")
    CONTRACTOR_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    contractor: str
    at_unix_ms: int
    content: bytes
    size_bytes: int
    def __init__(self, contractor: _Optional[str] = ..., at_unix_ms: _Optional[int] = ..., content: _Optional[bytes] = ..., size_bytes: _Optional[int] = ...) -> None: ...
