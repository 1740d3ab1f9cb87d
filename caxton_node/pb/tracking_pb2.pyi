from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeliveryState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DELIVERY_STATE_UNSPECIFIED: _ClassVar[DeliveryState]
    DELIVERY_STATE_QUEUED: _ClassVar[DeliveryState]
    DELIVERY_STATE_PARKED: _ClassVar[DeliveryState]
    DELIVERY_STATE_HANDLED: _ClassVar[DeliveryState]
    DELIVERY_STATE_FORWARDED: _ClassVar[DeliveryState]
    DELIVERY_STATE_REFUSED: _ClassVar[DeliveryState]
    DELIVERY_STATE_EXPIRED: _ClassVar[DeliveryState]
    DELIVERY_STATE_FAILED: _ClassVar[DeliveryState]
DELIVERY_STATE_UNSPECIFIED: DeliveryState
DELIVERY_STATE_QUEUED: DeliveryState
DELIVERY_STATE_PARKED: DeliveryState
DELIVERY_STATE_HANDLED: DeliveryState
DELIVERY_STATE_FORWARDED: DeliveryState
DELIVERY_STATE_REFUSED: DeliveryState
DELIVERY_STATE_EXPIRED: DeliveryState
DELIVERY_STATE_FAILED: DeliveryState

class SilentNode(_message.Message):
    __slots__ = ("node", "reason")
    NODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    node: str
    reason: str
    def __init__(self, node: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class WhereIsMessageRequest(_message.Message):
    __slots__ = ("node", "message_id")
    NODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    node: str
    message_id: str
    def __init__(self, node: _Optional[str] = ..., message_id: _Optional[str] = ...) -> None: ...

class Whereabouts(_message.Message):
    __slots__ = ("receiver", "state", "since_unix_us", "node", "reason", "instance", "version", "until_unix_ms", "forwarded_to", "note", "gone_unix_us")
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UNTIL_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_TO_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    GONE_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    receiver: str
    state: DeliveryState
    since_unix_us: int
    node: str
    reason: str
    instance: str
    version: str
    until_unix_ms: int
    forwarded_to: str
    note: str
    gone_unix_us: int
    def __init__(self, receiver: _Optional[str] = ..., state: _Optional[_Union[DeliveryState, str]] = ..., since_unix_us: _Optional[int] = ..., node: _Optional[str] = ..., reason: _Optional[str] = ..., instance: _Optional[str] = ..., version: _Optional[str] = ..., until_unix_ms: _Optional[int] = ..., forwarded_to: _Optional[str] = ..., note: _Optional[str] = ..., gone_unix_us: _Optional[int] = ...) -> None: ...

class WhereIsMessageResponse(_message.Message):
    __slots__ = ("message_id", "sent_unix_us", "receivers", "silent")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    SENT_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    RECEIVERS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    sent_unix_us: int
    receivers: _containers.RepeatedCompositeFieldContainer[Whereabouts]
    silent: _containers.RepeatedCompositeFieldContainer[SilentNode]
    def __init__(self, message_id: _Optional[str] = ..., sent_unix_us: _Optional[int] = ..., receivers: _Optional[_Iterable[_Union[Whereabouts, _Mapping]]] = ..., silent: _Optional[_Iterable[_Union[SilentNode, _Mapping]]] = ...) -> None: ...

class TraceMessageRequest(_message.Message):
    __slots__ = ("node", "key")
    NODE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    node: str
    key: str
    def __init__(self, node: _Optional[str] = ..., key: _Optional[str] = ...) -> None: ...

class TraceStep(_message.Message):
    __slots__ = ("message_id", "trace_id", "conversation_id", "performative", "sender", "receiver", "reply_with", "in_reply_to", "sent_unix_us", "routed_unix_us", "taken_unix_us", "ended_unix_us", "outcome", "instance", "node", "caused_by", "depth", "answer")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    PERFORMATIVE_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    REPLY_WITH_FIELD_NUMBER: _ClassVar[int]
    IN_REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    SENT_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    ROUTED_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    TAKEN_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    ENDED_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    CAUSED_BY_FIELD_NUMBER: _ClassVar[int]
    DEPTH_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    trace_id: str
    conversation_id: str
    performative: str
    sender: str
    receiver: str
    reply_with: str
    in_reply_to: str
    sent_unix_us: int
    routed_unix_us: int
    taken_unix_us: int
    ended_unix_us: int
    outcome: str
    instance: str
    node: str
    caused_by: str
    depth: int
    answer: bool
    def __init__(self, message_id: _Optional[str] = ..., trace_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., performative: _Optional[str] = ..., sender: _Optional[str] = ..., receiver: _Optional[str] = ..., reply_with: _Optional[str] = ..., in_reply_to: _Optional[str] = ..., sent_unix_us: _Optional[int] = ..., routed_unix_us: _Optional[int] = ..., taken_unix_us: _Optional[int] = ..., ended_unix_us: _Optional[int] = ..., outcome: _Optional[str] = ..., instance: _Optional[str] = ..., node: _Optional[str] = ..., caused_by: _Optional[str] = ..., depth: _Optional[int] = ..., answer: _Optional[bool] = ...) -> None: ...

class TraceMessageResponse(_message.Message):
    __slots__ = ("steps", "silent", "cut")
    STEPS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    CUT_FIELD_NUMBER: _ClassVar[int]
    steps: _containers.RepeatedCompositeFieldContainer[TraceStep]
    silent: _containers.RepeatedCompositeFieldContainer[SilentNode]
    cut: bool
    def __init__(self, steps: _Optional[_Iterable[_Union[TraceStep, _Mapping]]] = ..., silent: _Optional[_Iterable[_Union[SilentNode, _Mapping]]] = ..., cut: _Optional[bool] = ...) -> None: ...

class GetConversationRequest(_message.Message):
    __slots__ = ("node", "conversation_id")
    NODE_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    node: str
    conversation_id: str
    def __init__(self, node: _Optional[str] = ..., conversation_id: _Optional[str] = ...) -> None: ...

class Course(_message.Message):
    __slots__ = ("protocol", "initiator", "participant", "stage", "open", "initiator_may", "participant_may", "nodes")
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_MAY_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_MAY_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    protocol: str
    initiator: str
    participant: str
    stage: str
    open: bool
    initiator_may: _containers.RepeatedScalarFieldContainer[str]
    participant_may: _containers.RepeatedScalarFieldContainer[str]
    nodes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, protocol: _Optional[str] = ..., initiator: _Optional[str] = ..., participant: _Optional[str] = ..., stage: _Optional[str] = ..., open: _Optional[bool] = ..., initiator_may: _Optional[_Iterable[str]] = ..., participant_may: _Optional[_Iterable[str]] = ..., nodes: _Optional[_Iterable[str]] = ...) -> None: ...

class ConversationPart(_message.Message):
    __slots__ = ("node", "messages", "faults", "last_unix_us")
    NODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    FAULTS_FIELD_NUMBER: _ClassVar[int]
    LAST_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    node: str
    messages: int
    faults: int
    last_unix_us: int
    def __init__(self, node: _Optional[str] = ..., messages: _Optional[int] = ..., faults: _Optional[int] = ..., last_unix_us: _Optional[int] = ...) -> None: ...

class Conversation(_message.Message):
    __slots__ = ("conversation_id", "initiator", "participants", "courses", "open", "deadline_unix_ms", "parts", "followed", "trace_id", "protocol", "stages")
    class StagesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    INITIATOR_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    COURSES_FIELD_NUMBER: _ClassVar[int]
    OPEN_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    FOLLOWED_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    STAGES_FIELD_NUMBER: _ClassVar[int]
    conversation_id: str
    initiator: str
    participants: _containers.RepeatedScalarFieldContainer[str]
    courses: _containers.RepeatedCompositeFieldContainer[Course]
    open: bool
    deadline_unix_ms: int
    parts: _containers.RepeatedCompositeFieldContainer[ConversationPart]
    followed: bool
    trace_id: str
    protocol: str
    stages: _containers.ScalarMap[str, int]
    def __init__(self, conversation_id: _Optional[str] = ..., initiator: _Optional[str] = ..., participants: _Optional[_Iterable[str]] = ..., courses: _Optional[_Iterable[_Union[Course, _Mapping]]] = ..., open: _Optional[bool] = ..., deadline_unix_ms: _Optional[int] = ..., parts: _Optional[_Iterable[_Union[ConversationPart, _Mapping]]] = ..., followed: _Optional[bool] = ..., trace_id: _Optional[str] = ..., protocol: _Optional[str] = ..., stages: _Optional[_Mapping[str, int]] = ...) -> None: ...

class GetConversationResponse(_message.Message):
    __slots__ = ("conversation", "silent")
    CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    conversation: Conversation
    silent: _containers.RepeatedCompositeFieldContainer[SilentNode]
    def __init__(self, conversation: _Optional[_Union[Conversation, _Mapping]] = ..., silent: _Optional[_Iterable[_Union[SilentNode, _Mapping]]] = ...) -> None: ...

class ListConversationsRequest(_message.Message):
    __slots__ = ("node", "limit", "agent", "all")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    node: str
    limit: int
    agent: str
    all: bool
    def __init__(self, node: _Optional[str] = ..., limit: _Optional[int] = ..., agent: _Optional[str] = ..., all: _Optional[bool] = ...) -> None: ...

class ListConversationsResponse(_message.Message):
    __slots__ = ("conversations", "silent")
    CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    conversations: _containers.RepeatedCompositeFieldContainer[Conversation]
    silent: _containers.RepeatedCompositeFieldContainer[SilentNode]
    def __init__(self, conversations: _Optional[_Iterable[_Union[Conversation, _Mapping]]] = ..., silent: _Optional[_Iterable[_Union[SilentNode, _Mapping]]] = ...) -> None: ...
