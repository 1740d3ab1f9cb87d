from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeKeys(_message.Message):
    __slots__ = ("node", "key_ids", "revision", "encryption", "unopened", "refused_plain", "error", "state")
    NODE_FIELD_NUMBER: _ClassVar[int]
    KEY_IDS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_FIELD_NUMBER: _ClassVar[int]
    UNOPENED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_PLAIN_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    node: str
    key_ids: _containers.RepeatedScalarFieldContainer[str]
    revision: int
    encryption: str
    unopened: int
    refused_plain: int
    error: str
    state: str
    def __init__(self, node: _Optional[str] = ..., key_ids: _Optional[_Iterable[str]] = ..., revision: _Optional[int] = ..., encryption: _Optional[str] = ..., unopened: _Optional[int] = ..., refused_plain: _Optional[int] = ..., error: _Optional[str] = ..., state: _Optional[str] = ...) -> None: ...

class ListKeysRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListKeysResponse(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeKeys]
    def __init__(self, nodes: _Optional[_Iterable[_Union[NodeKeys, _Mapping]]] = ...) -> None: ...

class InstallKeyRequest(_message.Message):
    __slots__ = ("key", "force")
    KEY_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    key: bytes
    force: bool
    def __init__(self, key: _Optional[bytes] = ..., force: _Optional[bool] = ...) -> None: ...

class UseKeyRequest(_message.Message):
    __slots__ = ("key_id", "force")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    force: bool
    def __init__(self, key_id: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class RemoveKeyRequest(_message.Message):
    __slots__ = ("key_id", "force")
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    key_id: str
    force: bool
    def __init__(self, key_id: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class RotateKeysRequest(_message.Message):
    __slots__ = ("force",)
    FORCE_FIELD_NUMBER: _ClassVar[int]
    force: bool
    def __init__(self, force: _Optional[bool] = ...) -> None: ...

class KeysStep(_message.Message):
    __slots__ = ("step", "key_id", "nodes")
    STEP_FIELD_NUMBER: _ClassVar[int]
    KEY_ID_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    step: str
    key_id: str
    nodes: _containers.RepeatedCompositeFieldContainer[NodeKeys]
    def __init__(self, step: _Optional[str] = ..., key_id: _Optional[str] = ..., nodes: _Optional[_Iterable[_Union[NodeKeys, _Mapping]]] = ...) -> None: ...
