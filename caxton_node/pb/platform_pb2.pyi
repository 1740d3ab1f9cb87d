from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ListAgentKeysRequest(_message.Message):
    __slots__ = ("name", "node", "prefix", "shared", "page_size", "page_token")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    PREFIX_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    prefix: str
    shared: bool
    page_size: int
    page_token: str
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., prefix: _Optional[str] = ..., shared: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAgentKeysResponse(_message.Message):
    __slots__ = ("keys", "next_page_token", "node_id")
    KEYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    keys: _containers.RepeatedCompositeFieldContainer[AgentKey]
    next_page_token: str
    node_id: str
    def __init__(self, keys: _Optional[_Iterable[_Union[AgentKey, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., node_id: _Optional[str] = ...) -> None: ...

class AgentKey(_message.Message):
    __slots__ = ("key", "version", "size_bytes")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SIZE_BYTES_FIELD_NUMBER: _ClassVar[int]
    key: str
    version: int
    size_bytes: int
    def __init__(self, key: _Optional[str] = ..., version: _Optional[int] = ..., size_bytes: _Optional[int] = ...) -> None: ...

class GetAgentKeyRequest(_message.Message):
    __slots__ = ("name", "node", "key", "shared")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    key: str
    shared: bool
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., key: _Optional[str] = ..., shared: _Optional[bool] = ...) -> None: ...

class GetAgentKeyResponse(_message.Message):
    __slots__ = ("key", "value", "node_id")
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    key: AgentKey
    value: bytes
    node_id: str
    def __init__(self, key: _Optional[_Union[AgentKey, _Mapping]] = ..., value: _Optional[bytes] = ..., node_id: _Optional[str] = ...) -> None: ...

class PutAgentKeyRequest(_message.Message):
    __slots__ = ("name", "node", "key", "value", "shared", "if_version")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    IF_VERSION_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    key: str
    value: bytes
    shared: bool
    if_version: int
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., key: _Optional[str] = ..., value: _Optional[bytes] = ..., shared: _Optional[bool] = ..., if_version: _Optional[int] = ...) -> None: ...

class PutAgentKeyResponse(_message.Message):
    __slots__ = ("key", "node_id")
    KEY_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    key: AgentKey
    node_id: str
    def __init__(self, key: _Optional[_Union[AgentKey, _Mapping]] = ..., node_id: _Optional[str] = ...) -> None: ...

class DeleteAgentKeysRequest(_message.Message):
    __slots__ = ("name", "node", "key", "shared", "all")
    NAME_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    SHARED_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    name: str
    node: str
    key: str
    shared: bool
    all: bool
    def __init__(self, name: _Optional[str] = ..., node: _Optional[str] = ..., key: _Optional[str] = ..., shared: _Optional[bool] = ..., all: _Optional[bool] = ...) -> None: ...

class DeleteAgentKeysResponse(_message.Message):
    __slots__ = ("removed", "node_id")
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    removed: int
    node_id: str
    def __init__(self, removed: _Optional[int] = ..., node_id: _Optional[str] = ...) -> None: ...
