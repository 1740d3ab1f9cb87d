from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Message(_message.Message):
    __slots__ = ("message_id", "performative", "sender", "receivers", "content", "conversation_id", "reply_with", "in_reply_to", "reply_by_unix_ms", "ontology", "language", "encoding", "protocol", "reply_to", "sent_unix_us", "trace_id")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    PERFORMATIVE_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    RECEIVERS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_WITH_FIELD_NUMBER: _ClassVar[int]
    IN_REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    REPLY_BY_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ONTOLOGY_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    SENT_UNIX_US_FIELD_NUMBER: _ClassVar[int]
    TRACE_ID_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    performative: str
    sender: str
    receivers: _containers.RepeatedScalarFieldContainer[str]
    content: bytes
    conversation_id: str
    reply_with: str
    in_reply_to: str
    reply_by_unix_ms: int
    ontology: str
    language: str
    encoding: str
    protocol: str
    reply_to: str
    sent_unix_us: int
    trace_id: str
    def __init__(self, message_id: _Optional[str] = ..., performative: _Optional[str] = ..., sender: _Optional[str] = ..., receivers: _Optional[_Iterable[str]] = ..., content: _Optional[bytes] = ..., conversation_id: _Optional[str] = ..., reply_with: _Optional[str] = ..., in_reply_to: _Optional[str] = ..., reply_by_unix_ms: _Optional[int] = ..., ontology: _Optional[str] = ..., language: _Optional[str] = ..., encoding: _Optional[str] = ..., protocol: _Optional[str] = ..., reply_to: _Optional[str] = ..., sent_unix_us: _Optional[int] = ..., trace_id: _Optional[str] = ...) -> None: ...

class SendMessageRequest(_message.Message):
    __slots__ = ("to", "performative", "content", "language", "ontology", "protocol", "conversation_id", "no_wait", "timeout_ms")
    TO_FIELD_NUMBER: _ClassVar[int]
    PERFORMATIVE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    ONTOLOGY_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    NO_WAIT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    to: str
    performative: str
    content: bytes
    language: str
    ontology: str
    protocol: str
    conversation_id: str
    no_wait: bool
    timeout_ms: int
    def __init__(self, to: _Optional[str] = ..., performative: _Optional[str] = ..., content: _Optional[bytes] = ..., language: _Optional[str] = ..., ontology: _Optional[str] = ..., protocol: _Optional[str] = ..., conversation_id: _Optional[str] = ..., no_wait: _Optional[bool] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class SendMessageResponse(_message.Message):
    __slots__ = ("message_id", "conversation_id", "reply", "latency_us")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    LATENCY_US_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    conversation_id: str
    reply: Message
    latency_us: int
    def __init__(self, message_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., reply: _Optional[_Union[Message, _Mapping]] = ..., latency_us: _Optional[int] = ...) -> None: ...

class SubscribeMessagesRequest(_message.Message):
    __slots__ = ("agents", "buffer_max")
    AGENTS_FIELD_NUMBER: _ClassVar[int]
    BUFFER_MAX_FIELD_NUMBER: _ClassVar[int]
    agents: _containers.RepeatedScalarFieldContainer[str]
    buffer_max: int
    def __init__(self, agents: _Optional[_Iterable[str]] = ..., buffer_max: _Optional[int] = ...) -> None: ...

class MessageEvent(_message.Message):
    __slots__ = ("message", "dropped")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    message: Message
    dropped: int
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., dropped: _Optional[int] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("node", "limit")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    node: str
    limit: int
    def __init__(self, node: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("message", "receiver", "reason", "at_unix_ms")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    message: Message
    receiver: str
    reason: str
    at_unix_ms: int
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., receiver: _Optional[str] = ..., reason: _Optional[str] = ..., at_unix_ms: _Optional[int] = ...) -> None: ...

class ListDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letters", "total")
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    dead_letters: _containers.RepeatedCompositeFieldContainer[DeadLetter]
    total: int
    def __init__(self, dead_letters: _Optional[_Iterable[_Union[DeadLetter, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...
