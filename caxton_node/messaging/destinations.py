"""Where a receiver's address leads: a mailbox here, a platform agent here, or a lane to another node.

    name@this-node, name     a platform agent of that name, else an instance chosen by the route table
    name                     ... which may be on another node
    name@other-node          that node; its own router chooses the instance

An address that can lead to one place only is kept in `direct`, a plain dictionary that the hot path reads
without a lock and that is thrown away whole whenever a route or an agent changes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import Address, parse_address
from caxton_node.fipa import Envelope, FailureReason
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.handover import Handover
from caxton_node.messaging.letterhead import Heads
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.platform import PlatformBox
from caxton_node.messaging.remote import RemotePort
from caxton_node.messaging.routes import RouteTable, Shadow, Target, choose
from caxton_node.messaging.tags import Tag

DIRECT_MAX = 65_536
LANES = 4
"""As many as the mesh has by default: with more here, runs of messages would only be shorter."""
NODES_MAX = 4_096


def key_of(envelope: Envelope) -> str:
    """Return what the choice of an instance sticks to: the conversation, or the sender without one."""
    return envelope.conversation_id or envelope.sender or PLATFORM_SENDER


def lane_of(key: str) -> int:
    """Return the lane of a conversation: the same as long as this process lives, as sessions do."""
    return hash(key) % LANES  # of a key that a dictionary was asked for it is known already


class RemoteLane:
    """One ordered lane to another node; conversations are spread over lanes by hash."""

    __slots__ = ("_key", "_port", "node")

    def __init__(self, port: RemotePort, node: str, key: int) -> None:
        self._port = port
        self._key = key
        self.node = node

    def put_all(
        self,
        frames: list[bytes],
        sender: Sender,
        first: int = 0,  # noqa: ARG002  that it was sent is noted by whoever routed it
        tag: Tag | None = None,  # noqa: ARG002  its headers say the same to the other node
    ) -> int:
        """Hand frames to the mesh's buffer: all of them, or none when it is full."""
        return len(frames) if self._port.send(self.node, self._key, frames, sender) else 0


@dataclass(frozen=True, slots=True, eq=False)
class RemoteWay:
    """The way to one receiver on another node.

    Attributes:
        address: The receiver, `name@node`.
        node: Where it is.
        lanes: All lanes to that node, by number.
    """

    address: str
    node: str
    lanes: tuple[RemoteLane, ...]


Place = Mailbox | PlatformBox
Box = Place | Handover
Destination = Box | RemoteLane


@dataclass(frozen=True, slots=True)
class LocalAgent:
    """An instance on this node.

    Attributes:
        target: Its instance name, as the routes call it.
        address: `name@node`, what its messages carry as sender.
        mailbox: Where its messages wait.
        content_bytes_max: Largest content it may send.
        policy: What becomes of acts that its protocols do not allow.
        is_shadow: Whether it only sees copies, and what it says reaches nobody.
        heads: How its messages begin, by act; see `letterhead.py`.
    """

    target: Target
    address: str
    mailbox: Mailbox
    content_bytes_max: int
    policy: ProtocolPolicy = ProtocolPolicy.ENFORCE
    is_shadow: bool = False
    heads: Heads = field(init=False, compare=False)

    def __post_init__(self) -> None:
        """Begin its letterhead."""
        object.__setattr__(self, "heads", Heads(self.address))


@dataclass(frozen=True, slots=True)
class Found:
    """Where an address leads.

    Attributes:
        destination: None when it leads nowhere.
        address: Canonical `name@node` of the receiver.
        node: Where it is.
        reason: Why it leads nowhere.
        detail: The same as a sentence.
        name: `tenant/name` of the receiver, "" if the address is none.
    """

    destination: Destination | None
    address: str = ""
    node: str = ""
    reason: FailureReason = FailureReason.NO_SUCH_AGENT
    detail: str = ""
    name: str = ""


class Destinations:
    """Everything on this node that can be addressed, and the ways out of it.

    Args:
        node_id: This node.
        routes: The route table; it is watched for changes.
        remote: The way to other nodes, None on a node without a cluster.

    Attributes:
        agents: The instances here, by instance.
        platform: The platform agents here, by `tenant/name`.
        direct: Addresses that lead to one place only.
        arrived: The same for what comes from other nodes, which stays here if it can.
        handovers: Agents that are leaving, by `tenant/name`.
        is_fenced: Whether a fence stands (`fence.py`): no direct address may lead around it.
    """

    def __init__(self, node_id: str, routes: RouteTable, remote: RemotePort | None) -> None:
        self.node_id = node_id
        self.agents: dict[str, LocalAgent] = {}
        self.platform: dict[str, PlatformBox] = {}
        self.direct: dict[str, Place | RemoteWay] = {}
        self.arrived: dict[str, Place] = {}
        self.handovers: dict[str, Handover] = {}
        self.is_fenced = False
        self._by_name: dict[str, tuple[LocalAgent, ...]] = {}
        self._lanes: dict[str, tuple[RemoteLane, ...]] = {}
        self._routes = routes
        self._remote = remote
        routes.on_change(self.forget_direct)

    @property
    def held(self) -> Mapping[str, object]:
        """Return the receivers on other nodes for which mail is to be held, by address."""
        return self._remote.held if self._remote is not None else {}

    def may_send(self, address: str, sender: Sender) -> bool:
        """Pause an agent if mail for this receiver is to be held; False if its patience is over."""
        gate = self._remote.held.get(address) if self._remote is not None else None
        return gate is None or not isinstance(sender, Mailbox) or gate.hold(sender)

    # -- what is here ---------------------------------------------------------------------------------------

    def forget_direct(self) -> None:
        """Start the dictionaries of direct addresses anew; a batch under way may finish with the old ones."""
        self.direct, self.arrived = {}, {}

    def add_agent(self, agent: LocalAgent) -> None:
        """Make an instance addressable."""
        name = parse_address(agent.address).name
        self.agents[agent.target.instance] = agent
        if agent.is_shadow:
            return
        self._by_name[name] = (*self._by_name.get(name, ()), agent)
        self.forget_direct()

    def remove_agent(self, instance: str) -> LocalAgent | None:
        """Take an instance out; None if it is not here."""
        agent = self.agents.pop(instance, None)
        if agent is not None and not agent.is_shadow:
            name = parse_address(agent.address).name
            rest = tuple(other for other in self._by_name[name] if other is not agent)
            if rest:
                self._by_name[name] = rest
            else:
                del self._by_name[name]
            self.forget_direct()
        return agent

    def rename_agent(self, old: str, new: LocalAgent) -> None:
        """Let another instance take over the mailbox of one, at once."""
        name = parse_address(new.address).name
        agent = self.agents[old]
        self.agents[new.target.instance] = new  # first, so that there is no moment in which it is nowhere
        self._by_name[name] = tuple(new if other is agent else other for other in self._by_name[name])
        if old != new.target.instance:
            del self.agents[old]
        self.forget_direct()

    def begin_handover(self, name: str, handover: Handover) -> None:
        """Let an agent leave: from now on every message for this name is asked for its side."""
        self.handovers[name] = handover
        self.forget_direct()

    def end_handover(self, name: str, handover: Handover) -> None:
        """Forget that an agent was leaving, but not that another of the same name is."""
        if self.handovers.get(name) is handover:
            del self.handovers[name]
        self.forget_direct()

    def add_platform_agent(self, name: str, box: PlatformBox) -> None:
        """Make a platform agent addressable."""
        self.platform[name] = box
        self.forget_direct()

    def remove_platform_agent(self, name: str) -> PlatformBox | None:
        """Take a platform agent out; None if it is not here."""
        box = self.platform.pop(name, None)
        self.forget_direct()
        return box

    def mailboxes(self) -> list[Mailbox]:
        """List the mailboxes of all instances here."""
        return [agent.mailbox for agent in list(self.agents.values())]

    def leads_somewhere(self, name: str, *, pinned: bool = False) -> bool:
        """Return whether a message for this name would be taken by anybody: on this node, if pinned to it."""
        if name in self.handovers and self.handovers[name].successor is None:
            return False
        if self._by_name.get(name):
            return True
        return not pinned and any(target.weight for target in self._routes.targets(name))

    # -- where an address leads -----------------------------------------------------------------------------

    def find(self, receiver: str, key: str, *, arrived: bool = False) -> Found:
        """Follow an address.

        Args:
            receiver: As written in the envelope.
            key: What the choice sticks to: the conversation id, or the sender.
            arrived: Whether the message came from another node, which chose this one: stay here if possible.
        """
        direct: dict[str, Any] = self.arrived if arrived else {} if self.is_fenced else self.direct
        try:
            address = parse_address(receiver)
        except InvalidArgument as err:
            return Found(None, detail=str(err))
        name, pinned = address.name, address.node is not None
        if address.node is not None and address.node != self.node_id:
            self._remember_way(direct, receiver, address.node, name)
            return self._way_to(address.node, name, key)
        box = self.platform.get(name)
        if box is not None:
            self._remember(direct, receiver, box)
            return Found(box, box.address, self.node_id)
        handover = self.handovers.get(name)
        side, kept = handover.find_side(key) if handover is not None else (None, False)
        if side is not None and kept:
            return Found(side, side.address, self.node_id)
        route = self._routes.targets(name)
        near = tuple(target for target in route if target.node == self.node_id)
        target = choose(near if arrived or pinned else route, key)
        if target is not None and target.node != self.node_id:
            if len(route) == 1 and handover is None:
                self._remember_way(direct, receiver, target.node, name)
            return self._way_to(target.node, name, key)
        if handover is not None and side is not None:
            side = handover.give(key) or side  # if it is refused by now, the closed mailbox says so
            return Found(side, side.address, self.node_id)
        agent = None  # what leaves without a successor takes nothing new: it is as if it were not here
        if handover is None:
            agent = (self.agents.get(target.instance) if target else None) or self._find_bearer(name, key)
        if agent is None:
            onward = choose(route, key) if arrived and not pinned else None
            if onward is not None and onward.node != self.node_id:
                return self._way_to(onward.node, name, key)
            if handover is not None:
                detail = f"{handover.address} is draining and takes no new conversations"
                return Found(None, reason=FailureReason.DRAINING, detail=detail, name=name)
            detail = f"no agent {address} is known to node {self.node_id}"
            return Found(None, detail=detail, name=name)
        if self._routes.shadows(name):
            return Found(agent.mailbox, agent.address, self.node_id, name=name)
        if len(near if pinned or arrived else route) <= 1 and len(self._by_name.get(name, ())) == 1:
            self._remember(direct, receiver, agent.mailbox)
        return Found(agent.mailbox, agent.address, self.node_id)

    def shadows_of(self, found: Found, key: str) -> list[Shadow]:
        """List who sees a copy of a message that leads somewhere."""
        return (
            [shadow for shadow in self._routes.shadows(found.name) if shadow.sees(key)] if found.name else []
        )

    def lanes_to(self, node: str) -> tuple[RemoteLane, ...]:
        """Return all lanes to another node; none without a cluster."""
        return self._lanes_to(node, self._remote) if self._remote is not None else ()

    def agents_of(self, name: str) -> tuple[LocalAgent, ...]:
        """Return the instances of a name here, those that leave among them."""
        return self._by_name.get(name, ())

    def lane_to(self, node: str, name: str, key: str) -> Destination | None:
        """Return the lane of a conversation to another node; None without a cluster."""
        return self._way_to(node, name, key).destination

    def _find_bearer(self, name: str, key: str) -> LocalAgent | None:
        """Find an instance here that no route names: not yet, or not any more."""
        chosen = choose(tuple(agent.target for agent in self._by_name.get(name, ())), key)
        return self.agents.get(chosen.instance) if chosen is not None else None

    def _way_to(self, node: str, name: str, key: str) -> Found:
        if self._remote is None:
            detail = f"node {node} cannot be reached: this node has no cluster"
            return Found(None, reason=FailureReason.UNROUTABLE, detail=detail, name=name)
        lane = self._lanes_to(node, self._remote)[lane_of(key)]
        return Found(lane, str(Address(name, node)), node, name=name)

    def _lanes_to(self, node: str, remote: RemotePort) -> tuple[RemoteLane, ...]:
        lanes = self._lanes.get(node)
        if lanes is None:
            if len(self._lanes) >= NODES_MAX:  # a lane holds nothing, and senders may name endless nodes
                self._lanes.clear()
            lanes = self._lanes[node] = tuple(RemoteLane(remote, node, lane) for lane in range(LANES))
        return lanes

    def forget_node(self, node: str) -> None:
        """Drop the ways to a node that is gone."""
        self._lanes.pop(node, None)
        self.forget_direct()

    def _remember_way(self, direct: dict[str, Any], receiver: str, node: str, name: str) -> None:
        """Keep the only way that an address of another node leads, for what is sent here."""
        if self._remote is not None and direct is self.direct and not self._routes.shadows(name):
            way = RemoteWay(str(Address(name, node)), node, self._lanes_to(node, self._remote))
            self._remember(direct, receiver, way)

    @staticmethod
    def _remember(direct: dict[str, Any], receiver: str, destination: Place | RemoteWay) -> None:
        """Keep a direct address; the bound matters because senders may spell an address in endless ways."""
        if len(direct) >= DIRECT_MAX:
            direct.clear()
        direct[receiver] = destination
