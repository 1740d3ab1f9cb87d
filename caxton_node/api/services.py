"""What the handlers work with. The daemon fills it; Protocols stand where only it knows the real thing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from caxton_node.agents.service import AgentService
from caxton_node.agents.validation import Validator
from caxton_node.api.fanout import Fanout
from caxton_node.api.last_seen import LastSeen
from caxton_node.audit import AuditLog
from caxton_node.cluster.changes import MemberChanged
from caxton_node.cluster.diary import Diary
from caxton_node.cluster.key_steps import NodeKeys, Step
from caxton_node.cluster.news import News
from caxton_node.cluster.pinging import Pinger
from caxton_node.cluster.sides import Sides
from caxton_node.cluster.sponsor import Grant
from caxton_node.cluster.traffic import Traffic
from caxton_node.config import Config
from caxton_node.core.clock import Clock
from caxton_node.core.events import EventBus
from caxton_node.deployment import DeploymentService
from caxton_node.kv import Keys
from caxton_node.messaging import Clients, Router
from caxton_node.messaging.dead_letter_office import DeadLetterOffice
from caxton_node.observability import Board
from caxton_node.operations import Health, Report
from caxton_node.registry import Registry
from caxton_node.registry.conflict_book import ConflictBook
from caxton_node.registry.discovery.finder import Finder
from caxton_node.registry.discovery.watches import Watches
from caxton_node.registry.shared_limits import SharedLimits
from caxton_node.registry.shared_roles import SharedRoles
from caxton_node.resilience import Limits
from caxton_node.security import Access, ApiKeys, Identity, Tokens
from caxton_node.storage.service import StorageService
from caxton_node.tasks import TaskService
from caxton_node.trust import TrustService
from swim import Member, Membership
from transport import PeerStatus

FrameListener = Callable[[Sequence[bytes]], None]


class ClusterPort(Protocol):
    """Membership and requests to other nodes, as `cluster.service.Cluster` provides them."""

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        ...

    def members(self) -> Sequence[Member]:
        """Return every known member, this node included, by id."""
        ...

    def is_alive(self, node: str) -> bool:
        """Tell whether a node is alive or only suspected; this node always is."""
        ...

    @property
    def membership(self) -> Membership:
        """Return the core, for its numbers."""
        ...

    @property
    def sides(self) -> Sides:
        """Return which side of a split this node is on."""
        ...

    @property
    def news(self) -> News:
        """Return what has happened to members."""
        ...

    @property
    def traffic(self) -> Traffic:
        """Return how much gossip there is."""
        ...

    @property
    def pinger(self) -> Pinger:
        """Return what measures round trips."""
        ...

    async def give_up(self, nodes: Sequence[str], by: str) -> None:
        """Wait no more for dead members."""

    @property
    def stalls(self) -> int:
        """Return how often this process came late to its timers."""
        ...

    def find(self, node: str) -> Member | None:
        """Return what is known of a node, None if nothing is."""
        ...

    def peers(self) -> Sequence[PeerStatus]:
        """Return the links of the mesh."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and return its answer; raises a RemoteError if there is none."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests of a kind by `handler(peer, payload)`."""
        ...


class SponsorPort(Protocol):
    """Whoever lets newcomers in, as `cluster.sponsor.Sponsor` does."""

    async def admit(self, *, token: str, node_id: str, csr_pem: bytes, hosts: Sequence[str]) -> Grant:
        """Judge a newcomer and give it what it needs."""
        ...


class KeysPort(Protocol):
    """The gossip keys of all members, as `cluster.rotation.Rotation` changes them."""

    @property
    def encryption(self) -> str:
        """Return whether this node's gossip is sealed: required, accept-plain, off."""
        ...

    async def survey(self) -> Sequence[NodeKeys]:
        """Return what every live member holds."""
        ...

    def install(self, key: bytes = b"", *, force: bool = False) -> AsyncIterator[Step]:
        """Let every live member open another key."""
        ...

    def use(self, wanted: str, *, force: bool = False) -> AsyncIterator[Step]:
        """Let every live member seal with a key."""
        ...

    def remove(self, wanted: str, *, force: bool = False) -> AsyncIterator[Step]:
        """Let no live member open a key any more."""
        ...

    def rotate(self, *, force: bool = False) -> AsyncIterator[Step]:
        """Put a new key in the place of all others."""
        ...


class TapPort(Protocol):
    """The messages that this node handles, as they are handled."""

    def follow(self, listener: FrameListener) -> Callable[[], None]:
        """Give every run of frames to `listener`, on any thread, until the returned function is called."""
        ...


class DaemonPort(Protocol):
    """What only the composition root knows."""

    def listening(self) -> Mapping[str, str]:
        """Return what this node listens on: mesh, grpc, socket, metrics."""
        ...

    def gossip_bytes(self) -> tuple[int, int]:
        """Return the bytes of gossip received and sent since the start."""
        ...

    def health_score(self) -> int:
        """Return SWIM's local health score; 0 is healthy."""
        ...

    @property
    def health(self) -> Health:
        """Return the latest report on this node, for probes."""
        ...

    async def look(self) -> Report:
        """Look at every part of the node now; in less than a second."""
        ...

    def leave(self) -> None:
        """Begin to leave the cluster and stop; returns at once."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that a handler may use.

    Attributes:
        cluster_name: Name of the cluster.
        started_at: Monotonic instant of the start.
        validator: Tries modules.
        member_changes: Changes of the membership, for those who watch; fed from the bus.
        last_seen: When members went.
    """

    cluster_name: str
    started_at: float
    clock: Clock
    config: Config
    board: Board
    bus: EventBus
    tokens: Tokens
    api_keys: ApiKeys
    identity: Identity
    access: Access
    roles: SharedRoles
    audit: AuditLog
    limits: Limits
    shared_limits: SharedLimits
    sponsor: SponsorPort
    keys: KeysPort
    trust: TrustService
    cluster: ClusterPort
    registry: Registry
    finder: Finder
    watches: Watches
    conflicts: ConflictBook
    router: Router
    clients: Clients
    dead_letters: DeadLetterOffice
    tap: TapPort
    agents: AgentService
    agent_keys: Keys
    validator: Validator
    tasks: TaskService
    deployments: DeploymentService
    diary: Diary
    storage: StorageService
    daemon: DaemonPort
    member_changes: Fanout[MemberChanged] = field(default_factory=Fanout, init=False)
    last_seen: LastSeen = field(default_factory=LastSeen, init=False)

    def __post_init__(self) -> None:
        """Subscribe once: the bus does not let go of a listener."""
        self.bus.subscribe(MemberChanged, self.member_changes.publish)
        self.bus.subscribe(MemberChanged, self._note_change)

    def _note_change(self, changed: MemberChanged) -> None:
        self.last_seen.note(changed, self.clock.unix_us())

    @property
    def node_id(self) -> str:
        """Return this node's id."""
        return self.cluster.node_id

    @property
    def uptime_s(self) -> float:
        """Return for how long the node has been up."""
        return self.clock.now() - self.started_at
