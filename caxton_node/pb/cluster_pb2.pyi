from caxton_node.pb import keys_pb2 as _keys_pb2
from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class MemberState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    MEMBER_STATE_UNSPECIFIED: _ClassVar[MemberState]
    MEMBER_STATE_ALIVE: _ClassVar[MemberState]
    MEMBER_STATE_SUSPECT: _ClassVar[MemberState]
    MEMBER_STATE_DEAD: _ClassVar[MemberState]
    MEMBER_STATE_LEFT: _ClassVar[MemberState]
MEMBER_STATE_UNSPECIFIED: MemberState
MEMBER_STATE_ALIVE: MemberState
MEMBER_STATE_SUSPECT: MemberState
MEMBER_STATE_DEAD: MemberState
MEMBER_STATE_LEFT: MemberState

class Member(_message.Message):
    __slots__ = ("node_id", "address", "api_address", "state", "incarnation", "epoch", "is_self", "version", "since_unix_ms", "flaps", "last_change", "accusers", "rtt_ms", "link", "counts")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    API_ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    IS_SELF_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    FLAPS_FIELD_NUMBER: _ClassVar[int]
    LAST_CHANGE_FIELD_NUMBER: _ClassVar[int]
    ACCUSERS_FIELD_NUMBER: _ClassVar[int]
    RTT_MS_FIELD_NUMBER: _ClassVar[int]
    LINK_FIELD_NUMBER: _ClassVar[int]
    COUNTS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    address: str
    api_address: str
    state: MemberState
    incarnation: int
    epoch: int
    is_self: bool
    version: str
    since_unix_ms: int
    flaps: int
    last_change: str
    accusers: _containers.RepeatedScalarFieldContainer[str]
    rtt_ms: float
    link: str
    counts: bool
    def __init__(self, node_id: _Optional[str] = ..., address: _Optional[str] = ..., api_address: _Optional[str] = ..., state: _Optional[_Union[MemberState, str]] = ..., incarnation: _Optional[int] = ..., epoch: _Optional[int] = ..., is_self: _Optional[bool] = ..., version: _Optional[str] = ..., since_unix_ms: _Optional[int] = ..., flaps: _Optional[int] = ..., last_change: _Optional[str] = ..., accusers: _Optional[_Iterable[str]] = ..., rtt_ms: _Optional[float] = ..., link: _Optional[str] = ..., counts: _Optional[bool] = ...) -> None: ...

class ListMembersRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListMembersResponse(_message.Message):
    __slots__ = ("members", "next_page_token")
    MEMBERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    members: _containers.RepeatedCompositeFieldContainer[Member]
    next_page_token: str
    def __init__(self, members: _Optional[_Iterable[_Union[Member, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetStatusRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class Link(_message.Message):
    __slots__ = ("peer", "kind", "state", "rtt_ms", "bytes_in", "bytes_out", "last_failure")
    PEER_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    RTT_MS_FIELD_NUMBER: _ClassVar[int]
    BYTES_IN_FIELD_NUMBER: _ClassVar[int]
    BYTES_OUT_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    peer: str
    kind: str
    state: str
    rtt_ms: float
    bytes_in: int
    bytes_out: int
    last_failure: str
    def __init__(self, peer: _Optional[str] = ..., kind: _Optional[str] = ..., state: _Optional[str] = ..., rtt_ms: _Optional[float] = ..., bytes_in: _Optional[int] = ..., bytes_out: _Optional[int] = ..., last_failure: _Optional[str] = ...) -> None: ...

class ListPeersRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class ListPeersResponse(_message.Message):
    __slots__ = ("node_id", "peers")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    PEERS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    peers: _containers.RepeatedCompositeFieldContainer[Peer]
    def __init__(self, node_id: _Optional[str] = ..., peers: _Optional[_Iterable[_Union[Peer, _Mapping]]] = ...) -> None: ...

class Peer(_message.Message):
    __slots__ = ("node_id", "address", "state", "kind", "why", "rtt_ms", "loss", "bytes_in", "bytes_out", "in_per_s", "out_per_s", "backlog_bytes", "unacked_batches", "resent_batches", "clock_skew_s", "certificate_ends_unix_ms", "last_failure")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    WHY_FIELD_NUMBER: _ClassVar[int]
    RTT_MS_FIELD_NUMBER: _ClassVar[int]
    LOSS_FIELD_NUMBER: _ClassVar[int]
    BYTES_IN_FIELD_NUMBER: _ClassVar[int]
    BYTES_OUT_FIELD_NUMBER: _ClassVar[int]
    IN_PER_S_FIELD_NUMBER: _ClassVar[int]
    OUT_PER_S_FIELD_NUMBER: _ClassVar[int]
    BACKLOG_BYTES_FIELD_NUMBER: _ClassVar[int]
    UNACKED_BATCHES_FIELD_NUMBER: _ClassVar[int]
    RESENT_BATCHES_FIELD_NUMBER: _ClassVar[int]
    CLOCK_SKEW_S_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_ENDS_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_FAILURE_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    address: str
    state: str
    kind: str
    why: str
    rtt_ms: float
    loss: float
    bytes_in: int
    bytes_out: int
    in_per_s: float
    out_per_s: float
    backlog_bytes: int
    unacked_batches: int
    resent_batches: int
    clock_skew_s: float
    certificate_ends_unix_ms: int
    last_failure: str
    def __init__(self, node_id: _Optional[str] = ..., address: _Optional[str] = ..., state: _Optional[str] = ..., kind: _Optional[str] = ..., why: _Optional[str] = ..., rtt_ms: _Optional[float] = ..., loss: _Optional[float] = ..., bytes_in: _Optional[int] = ..., bytes_out: _Optional[int] = ..., in_per_s: _Optional[float] = ..., out_per_s: _Optional[float] = ..., backlog_bytes: _Optional[int] = ..., unacked_batches: _Optional[int] = ..., resent_batches: _Optional[int] = ..., clock_skew_s: _Optional[float] = ..., certificate_ends_unix_ms: _Optional[int] = ..., last_failure: _Optional[str] = ...) -> None: ...

class MessageCounts(_message.Message):
    __slots__ = ("accepted", "delivered", "forwarded", "refused", "dead_lettered", "handed_back", "in_flight", "malformed", "parked", "kept", "outbox", "outbox_bytes")
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_FIELD_NUMBER: _ClassVar[int]
    REFUSED_FIELD_NUMBER: _ClassVar[int]
    DEAD_LETTERED_FIELD_NUMBER: _ClassVar[int]
    HANDED_BACK_FIELD_NUMBER: _ClassVar[int]
    IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    MALFORMED_FIELD_NUMBER: _ClassVar[int]
    PARKED_FIELD_NUMBER: _ClassVar[int]
    KEPT_FIELD_NUMBER: _ClassVar[int]
    OUTBOX_FIELD_NUMBER: _ClassVar[int]
    OUTBOX_BYTES_FIELD_NUMBER: _ClassVar[int]
    accepted: int
    delivered: int
    forwarded: int
    refused: int
    dead_lettered: int
    handed_back: int
    in_flight: int
    malformed: int
    parked: int
    kept: int
    outbox: int
    outbox_bytes: int
    def __init__(self, accepted: _Optional[int] = ..., delivered: _Optional[int] = ..., forwarded: _Optional[int] = ..., refused: _Optional[int] = ..., dead_lettered: _Optional[int] = ..., handed_back: _Optional[int] = ..., in_flight: _Optional[int] = ..., malformed: _Optional[int] = ..., parked: _Optional[int] = ..., kept: _Optional[int] = ..., outbox: _Optional[int] = ..., outbox_bytes: _Optional[int] = ...) -> None: ...

class GetStatusResponse(_message.Message):
    __slots__ = ("node_id", "cluster", "version", "uptime_s", "members_alive", "members_suspect", "members_dead", "members_left", "agents_running", "links", "messages", "gossip_bytes_in", "gossip_bytes_out", "health_score", "listening", "partition_view", "agreed", "agreed_seen", "on_minority", "gossip_in_per_s", "gossip_out_per_s", "suspicions_per_min", "gossip_dropped", "gossip_loss", "encryption", "stalls", "conflicts")
    class ListeningEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class GossipDroppedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    UPTIME_S_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_ALIVE_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_SUSPECT_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_DEAD_FIELD_NUMBER: _ClassVar[int]
    MEMBERS_LEFT_FIELD_NUMBER: _ClassVar[int]
    AGENTS_RUNNING_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_BYTES_IN_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_BYTES_OUT_FIELD_NUMBER: _ClassVar[int]
    HEALTH_SCORE_FIELD_NUMBER: _ClassVar[int]
    LISTENING_FIELD_NUMBER: _ClassVar[int]
    PARTITION_VIEW_FIELD_NUMBER: _ClassVar[int]
    AGREED_FIELD_NUMBER: _ClassVar[int]
    AGREED_SEEN_FIELD_NUMBER: _ClassVar[int]
    ON_MINORITY_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_IN_PER_S_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_OUT_PER_S_FIELD_NUMBER: _ClassVar[int]
    SUSPICIONS_PER_MIN_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_DROPPED_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_LOSS_FIELD_NUMBER: _ClassVar[int]
    ENCRYPTION_FIELD_NUMBER: _ClassVar[int]
    STALLS_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    cluster: str
    version: str
    uptime_s: float
    members_alive: int
    members_suspect: int
    members_dead: int
    members_left: int
    agents_running: int
    links: _containers.RepeatedCompositeFieldContainer[Link]
    messages: MessageCounts
    gossip_bytes_in: int
    gossip_bytes_out: int
    health_score: int
    listening: _containers.ScalarMap[str, str]
    partition_view: str
    agreed: int
    agreed_seen: int
    on_minority: str
    gossip_in_per_s: float
    gossip_out_per_s: float
    suspicions_per_min: float
    gossip_dropped: _containers.ScalarMap[str, int]
    gossip_loss: float
    encryption: str
    stalls: int
    conflicts: int
    def __init__(self, node_id: _Optional[str] = ..., cluster: _Optional[str] = ..., version: _Optional[str] = ..., uptime_s: _Optional[float] = ..., members_alive: _Optional[int] = ..., members_suspect: _Optional[int] = ..., members_dead: _Optional[int] = ..., members_left: _Optional[int] = ..., agents_running: _Optional[int] = ..., links: _Optional[_Iterable[_Union[Link, _Mapping]]] = ..., messages: _Optional[_Union[MessageCounts, _Mapping]] = ..., gossip_bytes_in: _Optional[int] = ..., gossip_bytes_out: _Optional[int] = ..., health_score: _Optional[int] = ..., listening: _Optional[_Mapping[str, str]] = ..., partition_view: _Optional[str] = ..., agreed: _Optional[int] = ..., agreed_seen: _Optional[int] = ..., on_minority: _Optional[str] = ..., gossip_in_per_s: _Optional[float] = ..., gossip_out_per_s: _Optional[float] = ..., suspicions_per_min: _Optional[float] = ..., gossip_dropped: _Optional[_Mapping[str, int]] = ..., gossip_loss: _Optional[float] = ..., encryption: _Optional[str] = ..., stalls: _Optional[int] = ..., conflicts: _Optional[int] = ...) -> None: ...

class WatchMembersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class MemberEvent(_message.Message):
    __slots__ = ("change", "member", "at_unix_ms", "dropped", "accusers")
    CHANGE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    DROPPED_FIELD_NUMBER: _ClassVar[int]
    ACCUSERS_FIELD_NUMBER: _ClassVar[int]
    change: str
    member: Member
    at_unix_ms: int
    dropped: int
    accusers: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, change: _Optional[str] = ..., member: _Optional[_Union[Member, _Mapping]] = ..., at_unix_ms: _Optional[int] = ..., dropped: _Optional[int] = ..., accusers: _Optional[_Iterable[str]] = ...) -> None: ...

class LeaveRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class LeaveResponse(_message.Message):
    __slots__ = ("node_id",)
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    def __init__(self, node_id: _Optional[str] = ...) -> None: ...

class JoinRequest(_message.Message):
    __slots__ = ("token", "node_id", "csr_pem", "hosts")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    CSR_PEM_FIELD_NUMBER: _ClassVar[int]
    HOSTS_FIELD_NUMBER: _ClassVar[int]
    token: str
    node_id: str
    csr_pem: bytes
    hosts: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, token: _Optional[str] = ..., node_id: _Optional[str] = ..., csr_pem: _Optional[bytes] = ..., hosts: _Optional[_Iterable[str]] = ...) -> None: ...

class JoinResponse(_message.Message):
    __slots__ = ("cluster", "certificate_pem", "ca_pem", "gossip_keys", "seeds", "sponsor", "trust_list", "revocations", "clock_unix_ms")
    CLUSTER_FIELD_NUMBER: _ClassVar[int]
    CERTIFICATE_PEM_FIELD_NUMBER: _ClassVar[int]
    CA_PEM_FIELD_NUMBER: _ClassVar[int]
    GOSSIP_KEYS_FIELD_NUMBER: _ClassVar[int]
    SEEDS_FIELD_NUMBER: _ClassVar[int]
    SPONSOR_FIELD_NUMBER: _ClassVar[int]
    TRUST_LIST_FIELD_NUMBER: _ClassVar[int]
    REVOCATIONS_FIELD_NUMBER: _ClassVar[int]
    CLOCK_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    cluster: str
    certificate_pem: bytes
    ca_pem: bytes
    gossip_keys: _containers.RepeatedScalarFieldContainer[bytes]
    seeds: _containers.RepeatedScalarFieldContainer[str]
    sponsor: str
    trust_list: bytes
    revocations: bytes
    clock_unix_ms: int
    def __init__(self, cluster: _Optional[str] = ..., certificate_pem: _Optional[bytes] = ..., ca_pem: _Optional[bytes] = ..., gossip_keys: _Optional[_Iterable[bytes]] = ..., seeds: _Optional[_Iterable[str]] = ..., sponsor: _Optional[str] = ..., trust_list: _Optional[bytes] = ..., revocations: _Optional[bytes] = ..., clock_unix_ms: _Optional[int] = ...) -> None: ...

class CreateJoinTokenRequest(_message.Message):
    __slots__ = ("lifetime_s",)
    LIFETIME_S_FIELD_NUMBER: _ClassVar[int]
    lifetime_s: int
    def __init__(self, lifetime_s: _Optional[int] = ...) -> None: ...

class CreateJoinTokenResponse(_message.Message):
    __slots__ = ("token", "expires_unix_ms", "seed")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    EXPIRES_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    token: str
    expires_unix_ms: int
    seed: str
    def __init__(self, token: _Optional[str] = ..., expires_unix_ms: _Optional[int] = ..., seed: _Optional[str] = ...) -> None: ...

class GetPartitionRequest(_message.Message):
    __slots__ = ("node",)
    NODE_FIELD_NUMBER: _ClassVar[int]
    node: str
    def __init__(self, node: _Optional[str] = ...) -> None: ...

class PartitionReport(_message.Message):
    __slots__ = ("began_unix_ms", "ended_unix_ms", "view", "here", "there", "restarted", "missing", "conflicts")
    BEGAN_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    HERE_FIELD_NUMBER: _ClassVar[int]
    THERE_FIELD_NUMBER: _ClassVar[int]
    RESTARTED_FIELD_NUMBER: _ClassVar[int]
    MISSING_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    began_unix_ms: int
    ended_unix_ms: int
    view: str
    here: _containers.RepeatedScalarFieldContainer[str]
    there: _containers.RepeatedScalarFieldContainer[str]
    restarted: _containers.RepeatedScalarFieldContainer[str]
    missing: _containers.RepeatedScalarFieldContainer[str]
    conflicts: int
    def __init__(self, began_unix_ms: _Optional[int] = ..., ended_unix_ms: _Optional[int] = ..., view: _Optional[str] = ..., here: _Optional[_Iterable[str]] = ..., there: _Optional[_Iterable[str]] = ..., restarted: _Optional[_Iterable[str]] = ..., missing: _Optional[_Iterable[str]] = ..., conflicts: _Optional[int] = ...) -> None: ...

class GetPartitionResponse(_message.Message):
    __slots__ = ("node_id", "view", "on_minority", "alive", "agreed", "lost", "waiting", "reports")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ON_MINORITY_FIELD_NUMBER: _ClassVar[int]
    ALIVE_FIELD_NUMBER: _ClassVar[int]
    AGREED_FIELD_NUMBER: _ClassVar[int]
    LOST_FIELD_NUMBER: _ClassVar[int]
    WAITING_FIELD_NUMBER: _ClassVar[int]
    REPORTS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    view: str
    on_minority: str
    alive: _containers.RepeatedScalarFieldContainer[str]
    agreed: _containers.RepeatedScalarFieldContainer[str]
    lost: _containers.RepeatedScalarFieldContainer[str]
    waiting: _containers.RepeatedScalarFieldContainer[str]
    reports: _containers.RepeatedCompositeFieldContainer[PartitionReport]
    def __init__(self, node_id: _Optional[str] = ..., view: _Optional[str] = ..., on_minority: _Optional[str] = ..., alive: _Optional[_Iterable[str]] = ..., agreed: _Optional[_Iterable[str]] = ..., lost: _Optional[_Iterable[str]] = ..., waiting: _Optional[_Iterable[str]] = ..., reports: _Optional[_Iterable[_Union[PartitionReport, _Mapping]]] = ...) -> None: ...

class ResolvePartitionRequest(_message.Message):
    __slots__ = ("node", "forget", "forget_all_dead", "here_only")
    NODE_FIELD_NUMBER: _ClassVar[int]
    FORGET_FIELD_NUMBER: _ClassVar[int]
    FORGET_ALL_DEAD_FIELD_NUMBER: _ClassVar[int]
    HERE_ONLY_FIELD_NUMBER: _ClassVar[int]
    node: str
    forget: _containers.RepeatedScalarFieldContainer[str]
    forget_all_dead: bool
    here_only: bool
    def __init__(self, node: _Optional[str] = ..., forget: _Optional[_Iterable[str]] = ..., forget_all_dead: _Optional[bool] = ..., here_only: _Optional[bool] = ...) -> None: ...

class Resolution(_message.Message):
    __slots__ = ("node", "view", "error")
    NODE_FIELD_NUMBER: _ClassVar[int]
    VIEW_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    node: str
    view: str
    error: str
    def __init__(self, node: _Optional[str] = ..., view: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class ResolvePartitionResponse(_message.Message):
    __slots__ = ("forgotten", "nodes")
    FORGOTTEN_FIELD_NUMBER: _ClassVar[int]
    NODES_FIELD_NUMBER: _ClassVar[int]
    forgotten: _containers.RepeatedScalarFieldContainer[str]
    nodes: _containers.RepeatedCompositeFieldContainer[Resolution]
    def __init__(self, forgotten: _Optional[_Iterable[str]] = ..., nodes: _Optional[_Iterable[_Union[Resolution, _Mapping]]] = ...) -> None: ...

class PingMemberRequest(_message.Message):
    __slots__ = ("node", "target", "over_link", "timeout_ms")
    NODE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    OVER_LINK_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    node: str
    target: str
    over_link: bool
    timeout_ms: int
    def __init__(self, node: _Optional[str] = ..., target: _Optional[str] = ..., over_link: _Optional[bool] = ..., timeout_ms: _Optional[int] = ...) -> None: ...

class PingMemberResponse(_message.Message):
    __slots__ = ("rtt_ms", "way", "address")
    RTT_MS_FIELD_NUMBER: _ClassVar[int]
    WAY_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    rtt_ms: float
    way: str
    address: str
    def __init__(self, rtt_ms: _Optional[float] = ..., way: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class ListMemberEventsRequest(_message.Message):
    __slots__ = ("node", "member", "since_unix_ms", "after", "limit")
    NODE_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    SINCE_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    node: str
    member: str
    since_unix_ms: int
    after: int
    limit: int
    def __init__(self, node: _Optional[str] = ..., member: _Optional[str] = ..., since_unix_ms: _Optional[int] = ..., after: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class HistoryEvent(_message.Message):
    __slots__ = ("number", "at_unix_ms", "what", "member", "epoch", "incarnation", "address", "accusers", "detail")
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    AT_UNIX_MS_FIELD_NUMBER: _ClassVar[int]
    WHAT_FIELD_NUMBER: _ClassVar[int]
    MEMBER_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    ACCUSERS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    number: int
    at_unix_ms: int
    what: str
    member: str
    epoch: int
    incarnation: int
    address: str
    accusers: _containers.RepeatedScalarFieldContainer[str]
    detail: str
    def __init__(self, number: _Optional[int] = ..., at_unix_ms: _Optional[int] = ..., what: _Optional[str] = ..., member: _Optional[str] = ..., epoch: _Optional[int] = ..., incarnation: _Optional[int] = ..., address: _Optional[str] = ..., accusers: _Optional[_Iterable[str]] = ..., detail: _Optional[str] = ...) -> None: ...

class ListMemberEventsResponse(_message.Message):
    __slots__ = ("node_id", "events")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    events: _containers.RepeatedCompositeFieldContainer[HistoryEvent]
    def __init__(self, node_id: _Optional[str] = ..., events: _Optional[_Iterable[_Union[HistoryEvent, _Mapping]]] = ...) -> None: ...
