from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class NodeCertificate(_message.Message):
    __slots__ = ("node", "error", "subject", "serial", "issuer", "not_before_unix_s", "not_after_unix_s", "state", "skew_s", "trust_revision", "authorities", "primary", "ca_keys", "revocations", "trouble")
    NODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    ISSUER_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SKEW_S_FIELD_NUMBER: _ClassVar[int]
    TRUST_REVISION_FIELD_NUMBER: _ClassVar[int]
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    CA_KEYS_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    TROUBLE_FIELD_NUMBER: _ClassVar[int]
    node: str
    error: str
    subject: str
    serial: str
    issuer: str
    not_before_unix_s: int
    not_after_unix_s: int
    state: str
    skew_s: float
    trust_revision: int
    authorities: _containers.RepeatedScalarFieldContainer[str]
    primary: str
    ca_keys: _containers.RepeatedScalarFieldContainer[str]
    revocations: int
    trouble: str
    def __init__(self, node: _Optional[str] = ..., error: _Optional[str] = ..., subject: _Optional[str] = ..., serial: _Optional[str] = ..., issuer: _Optional[str] = ..., not_before_unix_s: _Optional[int] = ..., not_after_unix_s: _Optional[int] = ..., state: _Optional[str] = ..., skew_s: _Optional[float] = ..., trust_revision: _Optional[int] = ..., authorities: _Optional[_Iterable[str]] = ..., primary: _Optional[str] = ..., ca_keys: _Optional[_Iterable[str]] = ..., revocations: _Optional[int] = ..., trouble: _Optional[str] = ...) -> None: ...

class ListCertificatesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCertificatesResponse(_message.Message):
    __slots__ = ("nodes",)
    NODES_FIELD_NUMBER: _ClassVar[int]
    nodes: _containers.RepeatedCompositeFieldContainer[NodeCertificate]
    def __init__(self, nodes: _Optional[_Iterable[_Union[NodeCertificate, _Mapping]]] = ...) -> None: ...

class RenewCertificateRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class RenewCertificateResponse(_message.Message):
    __slots__ = ("certificate",)
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    certificate: NodeCertificate
    def __init__(self, certificate: _Optional[_Union[NodeCertificate, _Mapping]] = ...) -> None: ...

class RevokeNodeRequest(_message.Message):
    __slots__ = ("target", "reason", "revocation")
    TARGET_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    REVOCATION_FIELD_NUMBER: _ClassVar[int]
    target: str
    reason: str
    revocation: bytes
    def __init__(self, target: _Optional[str] = ..., reason: _Optional[str] = ..., revocation: _Optional[bytes] = ...) -> None: ...

class Revocation(_message.Message):
    __slots__ = ("node", "serial", "since_unix_s", "until_unix_s", "reason", "authority")
    NODE_FIELD_NUMBER: _ClassVar[int]
    SERIAL_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    UNTIL_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    AUTHORITY_FIELD_NUMBER: _ClassVar[int]
    node: str
    serial: str
    since_unix_s: int
    until_unix_s: int
    reason: str
    authority: str
    def __init__(self, node: _Optional[str] = ..., serial: _Optional[str] = ..., since_unix_s: _Optional[int] = ..., until_unix_s: _Optional[int] = ..., reason: _Optional[str] = ..., authority: _Optional[str] = ...) -> None: ...

class RevokeNodeResponse(_message.Message):
    __slots__ = ("revocation", "nodes", "held_ca_key")
    REVOCATION_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    HELD_CA_KEY_FIELD_NUMBER: _ClassVar[int]
    revocation: Revocation
    nodes: _containers.RepeatedCompositeFieldContainer[NodeCertificate]
    held_ca_key: bool
    def __init__(self, revocation: _Optional[_Union[Revocation, _Mapping]] = ..., nodes: _Optional[_Iterable[_Union[NodeCertificate, _Mapping]]] = ..., held_ca_key: _Optional[bool] = ...) -> None: ...

class ListRevocationsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListRevocationsResponse(_message.Message):
    __slots__ = ("revocations",)
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    revocations: _containers.RepeatedCompositeFieldContainer[Revocation]
    def __init__(self, revocations: _Optional[_Iterable[_Union[Revocation, _Mapping]]] = ...) -> None: ...

class GetAuthoritiesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CertificateAuthority(_message.Message):
    __slots__ = ("fingerprint", "not_before_unix_s", "not_after_unix_s", "signs", "holders", "nodes")
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    NOT_BEFORE_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    NOT_AFTER_UNIX_S_FIELD_NUMBER: _ClassVar[int]
    SIGNS_FIELD_NUMBER: _ClassVar[int]
    HOLDERS_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    fingerprint: str
    not_before_unix_s: int
    not_after_unix_s: int
    signs: bool
    holders: _containers.RepeatedScalarFieldContainer[str]
    nodes: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, fingerprint: _Optional[str] = ..., not_before_unix_s: _Optional[int] = ..., not_after_unix_s: _Optional[int] = ..., signs: _Optional[bool] = ..., holders: _Optional[_Iterable[str]] = ..., nodes: _Optional[_Iterable[str]] = ...) -> None: ...

class GetAuthoritiesResponse(_message.Message):
    __slots__ = ("authorities", "stage", "trust_revision", "nodes")
    AUTHORITIES_FIELD_NUMBER: _ClassVar[int]
    STAGE_FIELD_NUMBER: _ClassVar[int]
    TRUST_REVISION_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    authorities: _containers.RepeatedCompositeFieldContainer[CertificateAuthority]
    stage: str
    trust_revision: int
    nodes: _containers.RepeatedCompositeFieldContainer[NodeCertificate]
    def __init__(self, authorities: _Optional[_Iterable[_Union[CertificateAuthority, _Mapping]]] = ..., stage: _Optional[str] = ..., trust_revision: _Optional[int] = ..., nodes: _Optional[_Iterable[_Union[NodeCertificate, _Mapping]]] = ...) -> None: ...

class RotateAuthorityRequest(_message.Message):
    __slots__ = ("step", "force")
    STEP_FIELD_NUMBER: _ClassVar[int]
    FORCE_FIELD_NUMBER: _ClassVar[int]
    step: str
    force: bool
    def __init__(self, step: _Optional[str] = ..., force: _Optional[bool] = ...) -> None: ...

class AuthorityStep(_message.Message):
    __slots__ = ("step", "primary", "trust_revision", "nodes")
    STEP_FIELD_NUMBER: _ClassVar[int]
    PRIMARY_FIELD_NUMBER: _ClassVar[int]
    TRUST_REVISION_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    step: str
    primary: str
    trust_revision: int
    nodes: _containers.RepeatedCompositeFieldContainer[NodeCertificate]
    def __init__(self, step: _Optional[str] = ..., primary: _Optional[str] = ..., trust_revision: _Optional[int] = ..., nodes: _Optional[_Iterable[_Union[NodeCertificate, _Mapping]]] = ...) -> None: ...
