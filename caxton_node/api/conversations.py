"""Handlers about conversations: each node tells its part, and the parts are put together."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from heapq import nlargest
from itertools import islice

from caxton_node.api.asking import ask_others
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.api.whereabouts import read_address
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.core.ids import Address, parse_address
from caxton_node.messaging import courses
from caxton_node.pb import tracking_pb2 as pb

GET, LIST = "CaxtonManagement/GetConversation", "CaxtonManagement/ListConversations"
LISTED, LISTED_MAX = 50, 1000
COURSES_MAX, SHOWN_MAX = 1000, 5
"""Courses of a conversation that is shown, participants of one that is listed."""


async def get_conversation(
    services: Services, request: pb.GetConversationRequest, call: Call
) -> pb.GetConversationResponse:
    """Tell who talks in a conversation and how far its protocols have come."""
    if not request.conversation_id:
        raise InvalidArgument(
            "no conversation is named", hint="caxton message conversation lists the open ones"
        )
    talk = services.router.conversations.find(request.conversation_id)
    mine = [_whole(talk, services.node_id)] if talk is not None else []
    if request.node:
        return pb.GetConversationResponse(conversation=mine[0] if mine else None)

    def ask(node: str) -> pb.GetConversationRequest:
        return pb.GetConversationRequest(node=node, conversation_id=request.conversation_id)

    found = await ask_others(services.cluster, GET, ask, pb.GetConversationResponse, call)
    others = [said.conversation for said in found.by_node.values() if said.HasField("conversation")]
    if not mine and not others:
        raise NotFound(
            f"no conversation {request.conversation_id[:80]!r}",
            why="no node that is alive knows it",
            hint="one in which no protocol goes on is forgotten soon; see messaging.conversation_idle_s",
        )
    return pb.GetConversationResponse(conversation=join([*mine, *others]), silent=found.silent_nodes())


async def list_conversations(
    services: Services, request: pb.ListConversationsRequest, call: Call
) -> pb.ListConversationsResponse:
    """List conversations in which a protocol still expects something, the latest first."""
    limit = min(request.limit or LISTED, LISTED_MAX)
    agent = parse_address(request.agent) if request.agent else None
    mine = _latest_here(services, limit, agent, everything=request.all)
    if request.node:
        return pb.ListConversationsResponse(conversations=mine)

    def ask(node: str) -> pb.ListConversationsRequest:
        return pb.ListConversationsRequest(node=node, limit=limit, agent=request.agent, all=request.all)

    found = await ask_others(services.cluster, LIST, ask, pb.ListConversationsResponse, call)
    by_id: dict[str, list[pb.Conversation]] = defaultdict(list)
    for part in [*mine, *(part for said in found.by_node.values() for part in said.conversations)]:
        by_id[part.conversation_id].append(part)
    joined = nlargest(limit, map(join, by_id.values()), key=_last_us)
    return pb.ListConversationsResponse(conversations=joined, silent=found.silent_nodes())


def join(parts: list[pb.Conversation]) -> pb.Conversation:
    """Put together what several nodes say of one conversation: at least one part, each of one node."""
    parts = sorted(parts, key=lambda part: part.parts[0].node)
    # Whoever began spoke through its own node; to the others the first is whoever they heard of first.
    at_home = (part for part in parts if part.initiator.endswith(f"@{part.parts[0].node}"))
    latest = max(parts, key=_last_us)
    whole = pb.Conversation(
        conversation_id=latest.conversation_id,
        initiator=next(at_home, parts[0]).initiator,
        participants=sorted({name for part in parts for name in part.participants}),
        open=any(part.open for part in parts),
        deadline_unix_ms=max(part.deadline_unix_ms for part in parts),
        parts=[part.parts[0] for part in parts],
        followed=any(part.followed for part in parts),
        trace_id=latest.trace_id,
        protocol=latest.protocol,
        stages=latest.stages,
    )
    whole.courses.extend(_join_courses(course for part in parts for course in part.courses))
    return whole


def _join_courses(found: Iterable[pb.Course]) -> list[pb.Course]:
    """Make one course of those that several nodes see alike; where they differ, something is on its way."""
    alike: dict[tuple[str, ...], pb.Course] = {}
    for course in found:
        key = (course.protocol, course.initiator, course.participant, course.stage)
        if key in alike:
            alike[key].nodes.extend(course.nodes)
        else:
            alike[key] = course
    return [alike[key] for key in sorted(alike)]


def _latest_here(
    services: Services, limit: int, agent: Address | None, *, everything: bool
) -> list[pb.Conversation]:
    talks = list(services.router.conversations.table.values())
    wanted = [talk for talk in talks if (everything or talk.is_open) and _concerns(talk, agent)]
    latest = nlargest(limit, wanted, key=lambda talk: talk.last_us)
    return [_listed(talk, services.node_id) for talk in latest]


def _concerns(talk: courses.Conversation, agent: Address | None) -> bool:
    if agent is None:
        return True
    parties = map(read_address, talk.participants)
    return any(party.name == agent.name and agent.node in {None, party.node} for party in parties)


def _whole(talk: courses.Conversation, node: str) -> pb.Conversation:
    """Write everything that this node knows of a conversation."""
    found = _listed(talk, node)
    found.participants[:] = sorted(talk.participants)
    found.courses.extend(_course_of(course, node) for course in islice(talk.courses(), COURSES_MAX))
    return found


def _listed(talk: courses.Conversation, node: str) -> pb.Conversation:
    part = pb.ConversationPart(
        node=node, messages=talk.messages, faults=talk.faults, last_unix_us=talk.last_us
    )
    return pb.Conversation(
        conversation_id=talk.id,
        initiator=talk.initiator,
        participants=sorted(talk.participants)[:SHOWN_MAX],
        open=talk.is_open,
        deadline_unix_ms=talk.deadline_ms,
        parts=[part],
        followed=talk.is_followed,
        trace_id=talk.trace_id.hex(),
        protocol=talk.protocol or "",
        stages=Counter(course.stage.name for course in talk.courses()),
    )


def _course_of(course: courses.Course, node: str) -> pb.Course:
    return pb.Course(
        protocol=course.protocol.name,
        initiator=course.initiator,
        participant=course.participant,
        stage=course.stage.name,
        open=course.is_open,
        initiator_may=[act.word for act in course.stage.initiator],
        participant_may=[act.word for act in course.stage.participant],
        nodes=[node],
    )


def _last_us(talk: pb.Conversation) -> int:
    return max(part.last_unix_us for part in talk.parts)
