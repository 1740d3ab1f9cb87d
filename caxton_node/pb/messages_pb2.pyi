from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Message(_message.Message):
    __slots__ = ("message_id", "performative", "sender", "receivers", "content", "conversation_id", "reply_with", "in_reply_to", "reply_by_unix_ms", "ontology", "language", "encoding", "protocol", "reply_to", "sent_unix_us", "trace_id", "headers")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
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
    HEADERS_FIELD_NUMBER: _ClassVar[int]
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
    headers: _containers.ScalarMap[str, str]
    def __init__(self, message_id: _Optional[str] = ..., performative: _Optional[str] = ..., sender: _Optional[str] = ..., receivers: _Optional[_Iterable[str]] = ..., content: _Optional[bytes] = ..., conversation_id: _Optional[str] = ..., reply_with: _Optional[str] = ..., in_reply_to: _Optional[str] = ..., reply_by_unix_ms: _Optional[int] = ..., ontology: _Optional[str] = ..., language: _Optional[str] = ..., encoding: _Optional[str] = ..., protocol: _Optional[str] = ..., reply_to: _Optional[str] = ..., sent_unix_us: _Optional[int] = ..., trace_id: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ...) -> None: ...

class Budget(_message.Message):
    __slots__ = ("fuel", "time_us", "messages", "bytes", "cost")
    FUEL_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    fuel: int
    time_us: int
    messages: int
    bytes: int
    cost: int
    def __init__(self, fuel: _Optional[int] = ..., time_us: _Optional[int] = ..., messages: _Optional[int] = ..., bytes: _Optional[int] = ..., cost: _Optional[int] = ...) -> None: ...

class Spending(_message.Message):
    __slots__ = ("agent", "fuel", "time_us", "messages", "bytes", "cost")
    AGENT_FIELD_NUMBER: _ClassVar[int]
    FUEL_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    agent: str
    fuel: int
    time_us: int
    messages: int
    bytes: int
    cost: int
    def __init__(self, agent: _Optional[str] = ..., fuel: _Optional[int] = ..., time_us: _Optional[int] = ..., messages: _Optional[int] = ..., bytes: _Optional[int] = ..., cost: _Optional[int] = ...) -> None: ...

class SendMessageRequest(_message.Message):
    __slots__ = ("to", "performative", "content", "language", "ontology", "protocol", "conversation_id", "no_wait", "timeout_ms", "reply_to", "encoding", "in_reply_to", "reply_with", "headers", "also_to", "reply_by_unix_ms", "ttl_ms", "trace", "budget", "durable")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TO_FIELD_NUMBER: _ClassVar[int]
    PERFORMATIVE_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    LANGUAGE_FIELD_NUMBER: _ClassVar[int]
    ONTOLOGY_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    NO_WAIT_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    ENCODING_FIELD_NUMBER: _ClassVar[int]
    IN_REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    REPLY_WITH_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    ALSO_TO_FIELD_NUMBER: _ClassVar[int]
    REPLY_BY_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    TTL_MS_FIELD_NUMBER: _ClassVar[int]
    TRACE_FIELD_NUMBER: _ClassVar[int]
    BUDGET_FIELD_NUMBER: _ClassVar[int]
    DURABLE_FIELD_NUMBER: _ClassVar[int]
    to: str
    performative: str
    content: bytes
    language: str
    ontology: str
    protocol: str
    conversation_id: str
    no_wait: bool
    timeout_ms: int
    reply_to: str
    encoding: str
    in_reply_to: str
    reply_with: str
    headers: _containers.ScalarMap[str, str]
    also_to: _containers.RepeatedScalarFieldContainer[str]
    reply_by_unix_ms: int
    ttl_ms: int
    trace: bool
    budget: Budget
    durable: bool
    def __init__(self, to: _Optional[str] = ..., performative: _Optional[str] = ..., content: _Optional[bytes] = ..., language: _Optional[str] = ..., ontology: _Optional[str] = ..., protocol: _Optional[str] = ..., conversation_id: _Optional[str] = ..., no_wait: _Optional[bool] = ..., timeout_ms: _Optional[int] = ..., reply_to: _Optional[str] = ..., encoding: _Optional[str] = ..., in_reply_to: _Optional[str] = ..., reply_with: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., also_to: _Optional[_Iterable[str]] = ..., reply_by_unix_ms: _Optional[int] = ..., ttl_ms: _Optional[int] = ..., trace: _Optional[bool] = ..., budget: _Optional[_Union[Budget, _Mapping]] = ..., durable: _Optional[bool] = ...) -> None: ...

class SendMessageResponse(_message.Message):
    __slots__ = ("message_id", "conversation_id", "reply", "latency_us", "budget_left", "spent")
    MESSAGE_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    REPLY_FIELD_NUMBER: _ClassVar[int]
    LATENCY_US_FIELD_NUMBER: _ClassVar[int]
    BUDGET_LEFT_FIELD_NUMBER: _ClassVar[int]
    SPENT_FIELD_NUMBER: _ClassVar[int]
    message_id: str
    conversation_id: str
    reply: Message
    latency_us: int
    budget_left: Budget
    spent: _containers.RepeatedCompositeFieldContainer[Spending]
    def __init__(self, message_id: _Optional[str] = ..., conversation_id: _Optional[str] = ..., reply: _Optional[_Union[Message, _Mapping]] = ..., latency_us: _Optional[int] = ..., budget_left: _Optional[_Union[Budget, _Mapping]] = ..., spent: _Optional[_Iterable[_Union[Spending, _Mapping]]] = ...) -> None: ...

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

class DeadLetterFilter(_message.Message):
    __slots__ = ("reason", "receiver", "sender", "conversation_id", "since_unix_ms")
    REASON_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    SENDER_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    reason: str
    receiver: str
    sender: str
    conversation_id: str
    since_unix_ms: int
    def __init__(self, reason: _Optional[str] = ..., receiver: _Optional[str] = ..., sender: _Optional[str] = ..., conversation_id: _Optional[str] = ..., since_unix_ms: _Optional[int] = ...) -> None: ...

class ListDeadLettersRequest(_message.Message):
    __slots__ = ("node", "limit", "filter", "page_token")
    NODE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    node: str
    limit: int
    filter: DeadLetterFilter
    page_token: str
    def __init__(self, node: _Optional[str] = ..., limit: _Optional[int] = ..., filter: _Optional[_Union[DeadLetterFilter, _Mapping]] = ..., page_token: _Optional[str] = ...) -> None: ...

class DeadLetter(_message.Message):
    __slots__ = ("message", "receiver", "reason", "at_unix_ms", "id", "detail", "size_bytes", "sent_again", "sent_again_unix_ms", "content_left_out", "node")
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RECEIVER_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    SENT_AGAIN_FIELD_NUMBER: _ClassVar[int]
    SENT_AGAIN_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    CONTENT_LEFT_OUT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    message: Message
    receiver: str
    reason: str
    at_unix_ms: int
    id: int
    detail: str
    size_bytes: int
    sent_again: int
    sent_again_unix_ms: int
    content_left_out: bool
    node: str
    def __init__(self, message: _Optional[_Union[Message, _Mapping]] = ..., receiver: _Optional[str] = ..., reason: _Optional[str] = ..., at_unix_ms: _Optional[int] = ..., id: _Optional[int] = ..., detail: _Optional[str] = ..., size_bytes: _Optional[int] = ..., sent_again: _Optional[int] = ..., sent_again_unix_ms: _Optional[int] = ..., content_left_out: _Optional[bool] = ..., node: _Optional[str] = ...) -> None: ...

class DeadLetterCount(_message.Message):
    __slots__ = ("reason", "total", "kept", "forgotten")
    REASON_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    reason: str
    total: int
    kept: int
    forgotten: int
    def __init__(self, reason: _Optional[str] = ..., total: _Optional[int] = ..., kept: _Optional[int] = ..., forgotten: _Optional[int] = ...) -> None: ...

class ListDeadLettersResponse(_message.Message):
    __slots__ = ("dead_letters", "total", "next_page_token", "counts")
    DEAD_LETTERS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    dead_letters: _containers.RepeatedCompositeFieldContainer[DeadLetter]
    total: int
    next_page_token: str
    counts: _containers.RepeatedCompositeFieldContainer[DeadLetterCount]
    def __init__(self, dead_letters: _Optional[_Iterable[_Union[DeadLetter, _Mapping]]] = ..., total: _Optional[int] = ..., next_page_token: _Optional[str] = ..., counts: _Optional[_Iterable[_Union[DeadLetterCount, _Mapping]]] = ...) -> None: ...

class GetDeadLetterRequest(_message.Message):
    __slots__ = ("node", "id")
    NODE_FIELD_NUMBER: _ClassVar[int]
    ID_FIELD_NUMBER: _ClassVar[int]
    node: str
    id: int
    def __init__(self, node: _Optional[str] = ..., id: _Optional[int] = ...) -> None: ...

class GetDeadLetterResponse(_message.Message):
    __slots__ = ("dead_letter", "envelope")
    DEAD_LETTER_FIELD_NUMBER: _ClassVar[int]
    ENVELOPE_FIELD_NUMBER: _ClassVar[int]
    dead_letter: DeadLetter
    envelope: bytes
    def __init__(self, dead_letter: _Optional[_Union[DeadLetter, _Mapping]] = ..., envelope: _Optional[bytes] = ...) -> None: ...

class ResendDeadLettersRequest(_message.Message):
    __slots__ = ("node", "ids", "filter", "all", "max")
    NODE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    MAX_FIELD_NUMBER: _ClassVar[int]
    node: str
    ids: _containers.RepeatedScalarFieldContainer[int]
    filter: DeadLetterFilter
    all: bool
    max: int
    def __init__(self, node: _Optional[str] = ..., ids: _Optional[_Iterable[int]] = ..., filter: _Optional[_Union[DeadLetterFilter, _Mapping]] = ..., all: _Optional[bool] = ..., max: _Optional[int] = ...) -> None: ...

class ResendDeadLettersResponse(_message.Message):
    __slots__ = ("sent", "came_back", "skipped", "left")
    SENT_FIELD_NUMBER: _ClassVar[int]
    CAME_BACK_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    LEFT_FIELD_NUMBER: _ClassVar[int]
    sent: int
    came_back: int
    skipped: int
    left: int
    def __init__(self, sent: _Optional[int] = ..., came_back: _Optional[int] = ..., skipped: _Optional[int] = ..., left: _Optional[int] = ...) -> None: ...

class DropDeadLettersRequest(_message.Message):
    __slots__ = ("node", "ids", "filter", "all")
    NODE_FIELD_NUMBER: _ClassVar[int]
    IDS_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    node: str
    ids: _containers.RepeatedScalarFieldContainer[int]
    filter: DeadLetterFilter
    all: bool
    def __init__(self, node: _Optional[str] = ..., ids: _Optional[_Iterable[int]] = ..., filter: _Optional[_Union[DeadLetterFilter, _Mapping]] = ..., all: _Optional[bool] = ...) -> None: ...

class DropDeadLettersResponse(_message.Message):
    __slots__ = ("dropped",)
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    dropped: int
    def __init__(self, dropped: _Optional[int] = ...) -> None: ...
