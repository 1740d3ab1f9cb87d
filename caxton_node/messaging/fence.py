"""Order through a change of route: messages wait at a fence until what went the old way is through.

When an agent moves from node B to node C, what this node has sent to B may still wait there, or be on its way
to B, or from B to C. What is sent now would go straight to C and overtake it. So before the route changes a
*fence* is put up for the name: messages of this node for conversations that change sides wait here, in order,
and whoever sends more is paused, as at a full mailbox. `clearing.py` asks B whether all is through; then, or
when time is up, the fence is taken down and what waits goes on before anything that comes later.

Only what this node itself sends waits: what has arrived from another node, or is routed again, is older than
all of that and passes. So one move at a time is fenced: if the agent moves on while mail is still being
passed on to where it moved before, that mail may be overtaken by what is passed on next. Addresses that name
their node (`name@node`) do not follow routes and pass as well.
While no fence stands this costs one look at an empty dictionary, on the long way only.

The rejected alternative, sequence numbers per conversation that the receiver sorts by, costs every message,
and needs an agreement about which number is the next one after a loss.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock, get_ident

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import parse_address
from caxton_node.fipa import Envelope, FailureReason
from caxton_node.messaging.destinations import Destinations, key_of
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.pausing import Gate
from caxton_node.messaging.routes import RouteTable, choose
from caxton_node.messaging.trails import Route, Trail, Trails
from caxton_node.observability.logs import get_logger

HELD_MAX = 16_384
HELD_BYTES_MAX = 16 * 1024 * 1024

_log = get_logger("messaging")

GoOn = Callable[[Envelope, bytes, Sender], None]
Refuse = Callable[[Envelope, str, FailureReason, str], None]


@dataclass(slots=True, eq=False)
class Fence:
    """The fence of one name.

    Attributes:
        name: `tenant/name`.
        trail: Where its messages might be when it was put up.
        route: Where they go from now on.
        unclear: Nodes that have not yet said that all is through.
        holds_all: Whether the route has changed again meanwhile: then what waits says nothing of its way.
        is_standing: Whether messages wait at it.
        held: What waits, oldest first; guarded by the lock of `Fences`.
        gate: Where its senders wait as long as it stands.
    """

    name: str
    trail: Trail
    route: Route
    unclear: set[str]
    holds_all: bool = False
    is_standing: bool = True
    held: deque[tuple[Envelope, bytes, Sender]] = field(default_factory=deque)
    gate: Gate = field(default_factory=lambda: Gate(is_shut=True))

    @property
    def nodes(self) -> list[str]:
        """Return the nodes that get messages from now on, sorted."""
        return sorted({target.node for target in self.route if target.weight})

    def holds(self, key: str) -> bool:
        """Return whether earlier messages of a conversation may still be on another way than the next one."""
        if self.holds_all:
            return True
        target = choose(self.route, key)
        return target is not None and self.trail.may_lead(key, target.node)


class Fences:
    """The fences of a node. Workers hold and end turns; all else belongs to the event loop.

    Args:
        destinations: Whose direct addresses would lead around a fence.
        routes: Watched, to be faster than a change.
        go_on: Routes a message past the fence.
        refuse: Returns a message to its sender.

    Attributes:
        standing: The fences by name; empty nearly always.
        trails: Where messages went.
        on_stand: Told of each new fence, and has it taken down in the end; without it none is put up.
    """

    def __init__(self, destinations: Destinations, routes: RouteTable, go_on: GoOn, refuse: Refuse) -> None:
        self.standing: dict[str, Fence] = {}
        self.trails = Trails()
        self.on_stand: Callable[[Fence], None] | None = None
        self._destinations = destinations
        self._go_on = go_on
        self._refuse = refuse
        self._lock = Lock()
        self._count = self._bytes = 0
        self._turns: dict[int, object] = {}
        routes.before_change(self._handle_change)

    def __len__(self) -> int:
        """Return how many messages are held."""
        return self._count

    # -- turns of workers: what was routed before a fence stood may still be put afterwards -----------------

    def begin_turn(self) -> None:
        """Note that this thread routes messages."""
        self._turns[get_ident()] = object()

    def end_turn(self) -> None:
        """Note that this thread has put all that it routed."""
        self._turns.pop(get_ident(), None)

    def turns(self) -> dict[int, object]:
        """Return the turns under way."""
        return self._turns.copy()

    def are_over(self, turns: dict[int, object]) -> bool:
        """Return whether these turns have ended."""
        return all(self._turns.get(thread) is not turn for thread, turn in turns.items())

    # -- holding --------------------------------------------------------------------------------------------

    def hold(self, envelope: Envelope, frame: bytes, sender: Sender) -> bool:
        """Take a message of this node if it must wait; False if it may go on.

        Args:
            envelope: The message.
            frame: The same as bytes.
            sender: Mailbox of the agent that sends it, which is paused.
        """
        receiver = next(iter(envelope.receiver_list()), "")
        try:
            address = parse_address(receiver)
        except InvalidArgument:
            return False
        fence = self.standing.get(address.name)
        if fence is None or address.node is not None:
            return False
        with self._lock:
            if self.standing.get(address.name) is not fence or not fence.holds(key_of(envelope)):
                return False
            full = self._count >= HELD_MAX or self._bytes + len(frame) > HELD_BYTES_MAX
            if not full:
                fence.held.append((envelope, frame, sender))
                self._count += 1
                self._bytes += len(frame)
        if isinstance(sender, Mailbox):
            fence.gate.hold(sender)
        if full:
            detail = f"too much waits until {receiver} has moved"
            self._refuse(envelope, receiver, FailureReason.BACKLOG_FULL, detail)
        return True

    def let_go(self, fence: Fence, count_max: int) -> bool:
        """Let some of what waits go on; when nothing waits any more, take the fence down.

        What comes meanwhile queues up behind it.

        Returns:
            Whether it is down.
        """
        for _ in range(count_max):
            with self._lock:
                if not fence.held:
                    self._take_down(fence)
                    return True
                envelope, frame, sender = fence.held.popleft()
                self._count -= 1
                self._bytes -= len(frame)
            try:
                self._go_on(envelope, frame, sender)
            except Exception:  # noqa: BLE001  a bug costs the message that met it, not those behind it
                _log.exception("a message that has waited could not be routed")
        return False

    def _take_down(self, fence: Fence) -> None:
        fence.is_standing = False
        if self.standing.get(fence.name) is fence:
            del self.standing[fence.name]
        self._destinations.is_fenced = bool(self.standing)
        fence.gate.open()

    def close(self) -> None:
        """Take all down, and put up none any more."""
        self.on_stand = None
        for fence in list(self.standing.values()):
            while not self.let_go(fence, HELD_MAX):
                pass

    # -- changes --------------------------------------------------------------------------------------------

    def _handle_change(self, name: str, old: Route, new: Route) -> None:
        """Put up a fence if messages of this node may be overtaken; called before the route changes."""
        if old == new:
            return
        me = self._destinations.node_id
        if any(target.node == me and target.weight for target in old):
            self.trails.note(name, me)
        trail = self.trails.find(name)
        if trail is None or self.on_stand is None:
            return
        self.trails.add_route(name, old)
        fence = self.standing.get(name)
        if fence is not None:
            with self._lock:
                fence.holds_all = True
                fence.route = new or fence.route
                fence.unclear |= trail.everywhere
            return
        nodes = {target.node for target in new if target.weight}
        if nodes and (len(nodes) > 1 or trail.everywhere - nodes):
            self._put_up(Fence(name, trail.copy(), new, trail.everywhere))

    def _put_up(self, fence: Fence) -> None:
        self.standing[fence.name] = fence
        destinations = self._destinations
        destinations.is_fenced = True
        # Emptied in place: a turn under way would go on with the old one.
        destinations.direct.clear()
        destinations.forget_direct()
        if self.on_stand is not None:
            self.on_stand(fence)
