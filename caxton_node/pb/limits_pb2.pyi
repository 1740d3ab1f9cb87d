from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Limit(_message.Message):
    __slots__ = ("scope", "client", "calls", "per_s", "burst", "source", "set_by", "set_unix_ms")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    PER_S_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    SET_BY_FIELD_NUMBER: _ClassVar[int]
    SET_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    scope: str
    client: str
    calls: float
    per_s: float
    burst: int
    source: str
    set_by: str
    set_unix_ms: int
    def __init__(self, scope: _Optional[str] = ..., client: _Optional[str] = ..., calls: _Optional[float] = ..., per_s: _Optional[float] = ..., burst: _Optional[int] = ..., source: _Optional[str] = ..., set_by: _Optional[str] = ..., set_unix_ms: _Optional[int] = ...) -> None: ...

class ListLimitsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListLimitsResponse(_message.Message):
    __slots__ = ("limits", "calls_under_way", "loop_lag_s")
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    CALLS_UNDER_WAY_FIELD_NUMBER: _ClassVar[int]
    LOOP_LAG_S_FIELD_NUMBER: _ClassVar[int]
    limits: _containers.RepeatedCompositeFieldContainer[Limit]
    calls_under_way: int
    loop_lag_s: float
    def __init__(self, limits: _Optional[_Iterable[_Union[Limit, _Mapping]]] = ..., calls_under_way: _Optional[int] = ..., loop_lag_s: _Optional[float] = ...) -> None: ...

class SetLimitRequest(_message.Message):
    __slots__ = ("scope", "client", "calls", "per_s", "burst")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    CALLS_FIELD_NUMBER: _ClassVar[int]
    PER_S_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    scope: str
    client: str
    calls: float
    per_s: float
    burst: int
    def __init__(self, scope: _Optional[str] = ..., client: _Optional[str] = ..., calls: _Optional[float] = ..., per_s: _Optional[float] = ..., burst: _Optional[int] = ...) -> None: ...

class SetLimitResponse(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: Limit
    def __init__(self, limit: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...

class ResetLimitRequest(_message.Message):
    __slots__ = ("scope", "client")
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    scope: str
    client: str
    def __init__(self, scope: _Optional[str] = ..., client: _Optional[str] = ...) -> None: ...

class ResetLimitResponse(_message.Message):
    __slots__ = ("limit",)
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    limit: Limit
    def __init__(self, limit: _Optional[_Union[Limit, _Mapping]] = ...) -> None: ...
