from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CapabilityPick(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPABILITY_PICK_UNSPECIFIED: _ClassVar[CapabilityPick]
    CAPABILITY_PICK_ALL: _ClassVar[CapabilityPick]
    CAPABILITY_PICK_BEST: _ClassVar[CapabilityPick]
    CAPABILITY_PICK_ANY: _ClassVar[CapabilityPick]

class CapabilityLocality(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAPABILITY_LOCALITY_UNSPECIFIED: _ClassVar[CapabilityLocality]
    CAPABILITY_LOCALITY_ANYWHERE: _ClassVar[CapabilityLocality]
    CAPABILITY_LOCALITY_NEAR: _ClassVar[CapabilityLocality]
    CAPABILITY_LOCALITY_HERE: _ClassVar[CapabilityLocality]
CAPABILITY_PICK_UNSPECIFIED: CapabilityPick
CAPABILITY_PICK_ALL: CapabilityPick
CAPABILITY_PICK_BEST: CapabilityPick
CAPABILITY_PICK_ANY: CapabilityPick
CAPABILITY_LOCALITY_UNSPECIFIED: CapabilityLocality
CAPABILITY_LOCALITY_ANYWHERE: CapabilityLocality
CAPABILITY_LOCALITY_NEAR: CapabilityLocality
CAPABILITY_LOCALITY_HERE: CapabilityLocality

class CapabilityQuery(_message.Message):
    __slots__ = ("name", "version", "text", "attributes", "performative", "protocol", "agent", "on_node", "locality", "within_ms", "sends_schema_json", "sample_json")
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    PERFORMATIVE_FIELD_NUMBER: _ClassVar[int]
    PROTOCOL_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ON_NODE_FIELD_NUMBER: _ClassVar[int]
    LOCALITY_FIELD_NUMBER: _ClassVar[int]
    WITHIN_MS_FIELD_NUMBER: _ClassVar[int]
    SENDS_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    SAMPLE_JSON_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    text: str
    attributes: _containers.ScalarMap[str, str]
    performative: str
    protocol: str
    agent: str
    on_node: str
    locality: CapabilityLocality
    within_ms: float
    sends_schema_json: str
    sample_json: str
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., text: _Optional[str] = ..., attributes: _Optional[_Mapping[str, str]] = ..., performative: _Optional[str] = ..., protocol: _Optional[str] = ..., agent: _Optional[str] = ..., on_node: _Optional[str] = ..., locality: _Optional[_Union[CapabilityLocality, str]] = ..., within_ms: _Optional[float] = ..., sends_schema_json: _Optional[str] = ..., sample_json: _Optional[str] = ...) -> None: ...

class CapabilityOffer(_message.Message):
    __slots__ = ("name", "version", "agent", "node", "input_schema_json", "output_schema_json", "performatives", "protocols", "cost", "attributes", "description", "distance_ms", "load", "ready")
    class CostEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class AttributesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    NODE_FIELD_NUMBER: _ClassVar[int]
    INPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    OUTPUT_SCHEMA_JSON_FIELD_NUMBER: _ClassVar[int]
    PERFORMATIVES_FIELD_NUMBER: _ClassVar[int]
    PROTOCOLS_FIELD_NUMBER: _ClassVar[int]
    COST_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    DISTANCE_MS_FIELD_NUMBER: _ClassVar[int]
    LOAD_FIELD_NUMBER: _ClassVar[int]
    READY_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    agent: str
    node: str
    input_schema_json: str
    output_schema_json: str
    performatives: _containers.RepeatedScalarFieldContainer[str]
    protocols: _containers.RepeatedScalarFieldContainer[str]
    cost: _containers.ScalarMap[str, float]
    attributes: _containers.ScalarMap[str, str]
    description: str
    distance_ms: float
    load: int
    ready: bool
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., agent: _Optional[str] = ..., node: _Optional[str] = ..., input_schema_json: _Optional[str] = ..., output_schema_json: _Optional[str] = ..., performatives: _Optional[_Iterable[str]] = ..., protocols: _Optional[_Iterable[str]] = ..., cost: _Optional[_Mapping[str, float]] = ..., attributes: _Optional[_Mapping[str, str]] = ..., description: _Optional[str] = ..., distance_ms: _Optional[float] = ..., load: _Optional[int] = ..., ready: _Optional[bool] = ...) -> None: ...

class FindCapabilitiesRequest(_message.Message):
    __slots__ = ("query", "pick", "limit", "include_unready")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    PICK_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_UNREADY_FIELD_NUMBER: _ClassVar[int]
    query: CapabilityQuery
    pick: CapabilityPick
    limit: int
    include_unready: bool
    def __init__(self, query: _Optional[_Union[CapabilityQuery, _Mapping]] = ..., pick: _Optional[_Union[CapabilityPick, str]] = ..., limit: _Optional[int] = ..., include_unready: _Optional[bool] = ...) -> None: ...

class FindCapabilitiesResponse(_message.Message):
    __slots__ = ("offers", "more")
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    MORE_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[CapabilityOffer]
    more: bool
    def __init__(self, offers: _Optional[_Iterable[_Union[CapabilityOffer, _Mapping]]] = ..., more: _Optional[bool] = ...) -> None: ...

class GetCapabilityRequest(_message.Message):
    __slots__ = ("name", "agent", "on_node")
    NAME_FIELD_NUMBER: _ClassVar[int]
    AGENT_FIELD_NUMBER: _ClassVar[int]
    ON_NODE_FIELD_NUMBER: _ClassVar[int]
    name: str
    agent: str
    on_node: str
    def __init__(self, name: _Optional[str] = ..., agent: _Optional[str] = ..., on_node: _Optional[str] = ...) -> None: ...

class GetCapabilityResponse(_message.Message):
    __slots__ = ("offers",)
    OFFERS_FIELD_NUMBER: _ClassVar[int]
    offers: _containers.RepeatedCompositeFieldContainer[CapabilityOffer]
    def __init__(self, offers: _Optional[_Iterable[_Union[CapabilityOffer, _Mapping]]] = ...) -> None: ...

class WatchCapabilitiesRequest(_message.Message):
    __slots__ = ("query",)
    QUERY_FIELD_NUMBER: _ClassVar[int]
    query: CapabilityQuery
    def __init__(self, query: _Optional[_Union[CapabilityQuery, _Mapping]] = ...) -> None: ...

class CapabilityEvent(_message.Message):
    __slots__ = ("change", "offer", "at_unix_ms", "dropped")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    OFFER_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    change: str
    offer: CapabilityOffer
    at_unix_ms: int
    dropped: int
    def __init__(self, change: _Optional[str] = ..., offer: _Optional[_Union[CapabilityOffer, _Mapping]] = ..., at_unix_ms: _Optional[int] = ..., dropped: _Optional[int] = ...) -> None: ...
