"""Calls about tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import tasks_pb2 as pb

FOLLOW_S = 20.0
OVER = frozenset(
    {
        pb.TASK_STATE_COMPLETED,
        pb.TASK_STATE_PARTIAL,
        pb.TASK_STATE_FAILED,
        pb.TASK_STATE_CANCELLED,
    }
)


class Tasks(Noun):
    """Put work out to tender among agents, and see what came of it.

    A task is named by its id, or by `id@node` when another node than the one that is asked is its initiator.
    """

    service = "TaskService"

    def run(
        self,
        content: bytes,
        *,
        capability: str = "",
        contractors: Sequence[str] = (),
        prefer: Sequence[str] = (),
        require: Sequence[str] = (),
        steps: Sequence[str] = (),
        winners: int = 0,
        reserves: int | None = None,
        rounds_max: int = 0,
        proposals_within_s: float = 0.0,
        results_within_s: float = 0.0,
        participants_max: int = 0,
        protocol: str = "",
        node: str = "",
    ) -> pb.Task:
        """Begin a task; `follow` tells how it goes on, `wait` how it ends.

        Args:
            content: What is to be done, JSON.
            capability: Call everybody in the cluster who has it.
            contractors: Call these too: `name` for every node that runs it, or `name@node`.
            prefer: By what bids are ranked: `min:price`, `max:quality*2`.
            require: What a bid must fulfil: `price<=100`.
            steps: By how much a further round must better a term: `price=5`.
            winners: How many get the work; 0 means 1.
            reserves: How many of the next best bids are kept in case a winner fails; None: all that qualify.
            rounds_max: How often may be called; 0 means 1.
            proposals_within_s: How long each call waits for bids; 0 means 5 s.
            results_within_s: How long a winner may work; 0 means 30 s.
            participants_max: How many are called at most; 0 means 500.
            protocol: fipa-contract-net or fipa-iterated-contract-net; empty: by the number of rounds.
            node: The initiator; empty means the node that is asked.

        Raises:
            InvalidArgument: It cannot be carried out; nobody was called.
            ResourceLimit: The node has too many tasks at work.
        """
        request = pb.RunTaskRequest(
            node=node,
            content=content,
            capability=capability,
            contractors=contractors,
            prefer=prefer,
            require=require,
            steps=steps,
            winners=winners,
            reserves=reserves,
            rounds_max=rounds_max,
            proposals_within_ms=_ms(proposals_within_s),
            results_within_ms=_ms(results_within_s),
            participants_max=participants_max,
            protocol=protocol,
            no_wait=True,
        )
        return self._call("RunTask", request, pb.RunTaskResponse).task

    def get(self, task: str, *, seen_version: int = 0, wait_s: float = 0.0) -> pb.Task:
        """Return everything about a task.

        Args:
            task: Its id, or `id@node`.
            seen_version: Version that is known.
            wait_s: How long to wait for a newer one, or for the end; at most 60 s.

        Raises:
            NotFound: The node has no such task, or no longer.
        """
        task_id, node = _split(task)
        request = pb.GetTaskRequest(
            node=node, task_id=task_id, seen_version=seen_version, wait_ms=_ms(wait_s)
        )
        return self._call("GetTask", request, pb.GetTaskResponse, extra_s=wait_s).task

    def follow(self, task: pb.Task) -> Iterator[pb.Task]:
        """Yield the task as it is, and again after changes, until it is over."""
        yield task
        while task.state not in OVER:
            name = f"{task.task_id}@{task.node}"
            task = self.get(name, seen_version=task.detail.version, wait_s=FOLLOW_S)
            yield task

    def wait(self, task: pb.Task) -> pb.Task:
        """Return the task when it is over."""
        *_, last = self.follow(task)
        return last

    def list(self, *, node: str = "", limit: int = 0, state: str = "") -> Sequence[pb.Task]:
        """Return the latest tasks of a node, newest first.

        Args:
            node: Whose; empty means the node that is asked.
            limit: At most so many; 0 means 50.
            state: Only those in this state, such as completed; empty means all.
        """
        wanted = f"TASK_STATE_{state.upper() or 'UNSPECIFIED'}"
        request = pb.ListTasksRequest(node=node, limit=limit, state=wanted)
        return self._call("ListTasks", request, pb.ListTasksResponse).tasks

    def cancel(self, task: str) -> pb.Task:
        """Give a task up and return how it ended; one that was over before stays as it is.

        Raises:
            NotFound: The node has no such task, or no longer.
        """
        task_id, node = _split(task)
        request = pb.CancelTaskRequest(node=node, task_id=task_id)
        return self._call("CancelTask", request, pb.CancelTaskResponse).task


def _split(task: str) -> tuple[str, str]:
    task_id, _, node = task.removeprefix("task~").partition("@")
    return task_id, node


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000)) if seconds else 0
