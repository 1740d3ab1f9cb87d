"""Handlers about tasks."""

from __future__ import annotations

import asyncio

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.api.task_answers import listed_task_of, task_of
from caxton_node.core.errors import InvalidArgument
from caxton_node.pb import tasks_pb2 as pb
from caxton_node.tasks import AGENT, Order, State

LISTED, LISTED_MAX = 50, 1_000
WAIT_S_MAX = 60.0
FOLLOW_EVERY_S = 0.1
"""The least time between two answers to one who follows: bids come in hundreds."""


async def run_task(services: Services, request: pb.RunTaskRequest, _call: Call) -> pb.RunTaskResponse:
    """Put work out to tender among agents, and wait for the result."""
    record = await services.tasks.run(read_order(services, request))
    if not request.no_wait:
        await services.tasks.wait_end(record.id)  # a caller that leaves leaves the task as it is
    return pb.RunTaskResponse(task=task_of(record))


async def get_task(services: Services, request: pb.GetTaskRequest, _call: Call) -> pb.GetTaskResponse:
    """Tell everything about a task, at once or when something has changed."""
    wait_s = min(request.wait_ms / 1000, WAIT_S_MAX)
    record = await services.tasks.get(bare_id(request.task_id), seen=request.seen_version, wait_s=wait_s)
    if wait_s and not record.is_over:
        await asyncio.sleep(min(wait_s, FOLLOW_EVERY_S))
    return pb.GetTaskResponse(task=task_of(record))


async def list_tasks(services: Services, request: pb.ListTasksRequest, _call: Call) -> pb.ListTasksResponse:
    """List the latest tasks of a node, newest first."""
    limit = min(request.limit or LISTED, LISTED_MAX)
    found = await services.tasks.newest(limit, _state_word(request.state))
    return pb.ListTasksResponse(tasks=map(listed_task_of, found))


async def cancel_task(services: Services, request: pb.CancelTaskRequest, call: Call) -> pb.CancelTaskResponse:
    """Give a task up and tell its contractors."""
    record = await services.tasks.cancel(bare_id(request.task_id), f"cancelled by {call.principal.name}")
    return pb.CancelTaskResponse(task=task_of(record))


def read_order(services: Services, request: pb.RunTaskRequest) -> Order:
    """Read what is asked for; zero values mean the defaults."""
    content_max = services.config.agents.message_bytes_max
    if len(request.content) > content_max:
        raise InvalidArgument(
            f"the task has {len(request.content):,} bytes",
            why=f"at most {content_max:,} are taken",
            hint="send the details only to whoever wins, or raise agents.message_bytes_max",
        )
    plain = Order(content=request.content)
    return Order(
        content=request.content,
        capability=request.capability,
        contractors=tuple(request.contractors),
        prefer=tuple(request.prefer),
        require=tuple(request.require),
        steps=tuple(request.steps),
        winners=request.winners or plain.winners,
        reserves=request.reserves if request.HasField("reserves") else None,
        rounds_max=request.rounds_max or plain.rounds_max,
        proposals_within_s=request.proposals_within_ms / 1000 or plain.proposals_within_s,
        results_within_s=request.results_within_ms / 1000 or plain.results_within_s,
        participants_max=request.participants_max or plain.participants_max,
        protocol=request.protocol,
    )


def bare_id(text: str) -> str:
    """Return the id of a task that may be written as the address of its initiator, `task~<id>@<node>`."""
    return text.removeprefix(f"{AGENT}~").partition("@")[0]


def _state_word(number: int) -> str:
    name = pb.TaskState.Name(number) if number in pb.TaskState.values() else ""
    word = name.removeprefix("TASK_STATE_").capitalize()
    return word if word in set(State) else ""
