from caxton_node.pb import tracking_pb2 as _tracking_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetRegistryRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class GetRegistryResponse(_message.Message):
    __slots__ = ("node_id", "entries", "tombstones", "root", "conflicts")
    class EntriesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TOMBSTONES_FIELD_NUMBER: _ClassVar[int]
    ROOT_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    entries: _containers.ScalarMap[str, int]
    tombstones: int
    root: str
    conflicts: int
    def __init__(self, node_id: _Optional[str] = ..., entries: _Optional[_Mapping[str, int]] = ..., tombstones: _Optional[int] = ..., root: _Optional[str] = ..., conflicts: _Optional[int] = ...) -> None: ...

class ListConflictsRequest(_message.Message):
    __slots__ = ("node", "since_unix_ms", "page_size", "page_token", "here_only")
    NODE_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    HERE_ONLY_FIELD_NUMBER: _ClassVar[int]
    node: str
    since_unix_ms: int
    page_size: int
    page_token: str
    here_only: bool
    def __init__(self, node: _Optional[str] = ..., since_unix_ms: _Optional[int] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., here_only: _Optional[bool] = ...) -> None: ...

class ListConflictsResponse(_message.Message):
    __slots__ = ("conflicts", "next_page_token", "silent")
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SILENT_FIELD_NUMBER: _ClassVar[int]
    conflicts: _containers.RepeatedCompositeFieldContainer[OverruledWrite]
    next_page_token: str
    silent: _containers.RepeatedCompositeFieldContainer[_tracking_pb2.SilentNode]
    def __init__(self, conflicts: _Optional[_Iterable[_Union[OverruledWrite, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., silent: _Optional[_Iterable[_Union[_tracking_pb2.SilentNode, _Mapping]]] = ...) -> None: ...

class OverruledWrite(_message.Message):
    __slots__ = ("kind", "key", "loser", "winner", "noticed_unix_ms", "noticed_by", "actions")
    class ActionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    KIND_FIELD_NUMBER: _ClassVar[int]
    KEY_FIELD_NUMBER: _ClassVar[int]
    LOSER_FIELD_NUMBER: _ClassVar[int]
    WINNER_FIELD_NUMBER: _ClassVar[int]
    NOTICED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    NOTICED_BY_FIELD_NUMBER: _ClassVar[int]
    ACTIONS_FIELD_NUMBER: _ClassVar[int]
    kind: str
    key: str
    loser: EntryVersion
    winner: EntryVersion
    noticed_unix_ms: int
    noticed_by: _containers.RepeatedScalarFieldContainer[str]
    actions: _containers.ScalarMap[str, str]
    def __init__(self, kind: _Optional[str] = ..., key: _Optional[str] = ..., loser: _Optional[_Union[EntryVersion, _Mapping]] = ..., winner: _Optional[_Union[EntryVersion, _Mapping]] = ..., noticed_unix_ms: _Optional[int] = ..., noticed_by: _Optional[_Iterable[str]] = ..., actions: _Optional[_Mapping[str, str]] = ...) -> None: ...

class EntryVersion(_message.Message):
    __slots__ = ("origin", "at_unix_ms", "digest", "summary", "stamp")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SUMMARY_FIELD_NUMBER: _ClassVar[int]
    STAMP_FIELD_NUMBER: _ClassVar[int]
    origin: str
    at_unix_ms: int
    digest: str
    summary: str
    stamp: int
    def __init__(self, origin: _Optional[str] = ..., at_unix_ms: _Optional[int] = ..., digest: _Optional[str] = ..., summary: _Optional[str] = ..., stamp: _Optional[int] = ...) -> None: ...
