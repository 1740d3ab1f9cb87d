"""Two nodes, five agents, a wire, and everything that may happen to them; the books are kept all the while.

Every method is one thing that happens. Commands of operators may run while others go on; `settle` waits for
all of them and for every message to come to its end, and then the books must balance.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from caxton_node.agents.change import Change
from caxton_node.agents.instance import Instance
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.service import AgentService
from caxton_node.core.errors import CaxtonError
from caxton_node.core.ids import full_name
from caxton_node.fipa.rules import BrokenRule
from caxton_node.runtime import Limits
from caxton_node.runtime.profile import Cpu
from tests.soak.books import Books, Unbalanced
from tests.soak.node import CLIENT, DEAF, Node
from tests.soak.plan import HOMES, NODES, Plan
from tests.soak.rest import Rest
from tests.soak.scribe import scribe
from tests.soak.wire import Wire

FUEL = 400_000
WALL_S = 0.05
SAY_BYTES_MAX = 10_000
LATER_S = 7_200.0
"""By then every time to live in these tests is over, but nothing that a node keeps for a day."""
MARKS = "ab"
VERSIONS = 32
"""They come again, or what the registry remembers of versions that are gone would look like growth."""


class World:
    """Everything that the test plays with.

    Args:
        folder: Data of the nodes.
        workers: Threads for guests, of each node.

    Attributes:
        books: What was sent and what came of it.
        wire: Joins the nodes.
        nodes: The nodes by id.
        rest: Knows when nothing moves.
    """

    def __init__(self, folder: Path, workers: int = 4) -> None:
        self.books = Books()
        self.wire = Wire()
        self.nodes = {
            node_id: Node(node_id, folder / node_id, self.wire, self.books, workers) for node_id in NODES
        }
        self.rest = Rest(self.nodes.values(), self.wire)
        self._errors: list[str] = []
        self._commands: set[asyncio.Task[None]] = set()
        self._held: dict[str, Instance] = {}
        self._version = 0

    async def open(self) -> None:
        """Start both nodes, without agents."""
        asyncio.get_running_loop().set_exception_handler(self._note_error)
        for node in self.nodes.values():
            await node.open()

    async def close(self, *, check: bool = True) -> None:
        """Shut both nodes down; without `check` whatever is wrong with them was reported before."""
        for node in self.nodes.values():
            await node.close(check=check)
        await self.finish_commands()

    # -- messages -------------------------------------------------------------------------------------------

    def send(self, node_id: str, plan: Plan) -> None:
        """Let a client send what is planned."""
        router = self.nodes[node_id].router
        for number, envelope in self.books.author.write(plan, f"{CLIENT}@{node_id}"):
            envelope.sender = f"{CLIENT}@{node_id}"
            self.books.note_submitted(number)
            try:
                router.submit(envelope)
            except BrokenRule:
                self.books.withdraw_submitted(number)

    # -- commands of an operator ----------------------------------------------------------------------------

    def deploy(
        self, name: str, depth: int, batch: int = 16, keeps: bool = False, cpu: Cpu = Cpu.BOTH
    ) -> None:
        """Deploy an agent, if there is none of this name."""
        limits = Limits(
            mailbox_depth=depth,
            batch_max=batch,
            fuel_per_message=FUEL,
            wall_time_s=WALL_S,
            message_bytes_max=SAY_BYTES_MAX,
        )
        manifest = Manifest(name, version=self._next_version(), limits=limits, cpu=cpu)
        self._command(self._service(name).deploy(manifest, scribe(keeps=keeps)))

    def undeploy(self, name: str, drain_s: float) -> None:
        """Drain an agent and remove it."""
        self._command(self._service(name).undeploy(name, drain_s=drain_s))

    def stop(self, name: str, drain_s: float) -> None:
        """Drain an agent and stop it."""
        self._command(self._service(name).stop(name, drain_s=drain_s))

    def start(self, name: str) -> None:
        """Start an agent that was stopped or given up."""
        self._command(self._service(name).start(name))

    def restart(self, name: str) -> None:
        """Give an agent a fresh sandbox."""
        self._command(self._service(name).restart(name))

    def reload(self, name: str, keeps: bool, drain_s: float) -> None:
        """Put another version in an agent's place: state moves if both keep it, else conversations divide."""
        version = self._next_version()
        change = Change(module=scribe(MARKS[self._version % 2], keeps=keeps), version=version)
        self._command(self._service(name).update(name, change, drain_s=drain_s))

    def set_depth(self, name: str, depth: int) -> None:
        """Give an agent's mailbox another depth."""
        self._command(self._service(name).update(name, Change(limits={"mailbox_depth": depth})))

    async def finish_commands(self, within_s: float = 20.0) -> None:
        """Wait for all commands that were given.

        Raises:
            Unbalanced: One does not end.
        """
        if self._commands:
            _, unending = await asyncio.wait(self._commands, timeout=within_s)
            if unending:
                raise Unbalanced("\n".join(f"a command does not end: {task}" for task in unending))

    # -- other things that happen ---------------------------------------------------------------------------

    async def hold(self, name: str, old: bool = False) -> None:
        """Let an agent, or its old version that drains, have no turn until `release`, as if it were slow."""
        charge = self._service(name)._roster._charges.get(full_name(name))
        if charge is None or charge.lock.locked() or name in self._held:
            return
        instance = charge.retiring.instance if old and charge.retiring else charge.instance
        self._held[name] = instance
        await instance.pause()

    def release(self, name: str) -> None:
        """Let an agent that was held go on; one that a command has changed meanwhile goes on already."""
        instance = self._held.pop(name, None)
        charge = self._service(name)._roster._charges.get(full_name(name))
        if charge is None or instance is None or charge.lock.locked():
            return
        if charge.find_instance(instance.id) is instance:
            instance.resume()

    def visit(self, node_id: str = NODES[0]) -> None:
        """Let the visitor of a node come, or go."""
        self.nodes[node_id].visit()

    def cut(self) -> None:
        """Break the link between the nodes."""
        self.wire.cut()

    def mend(self) -> None:
        """Mend it."""
        self.wire.mend()

    def time_passes(self, ahead_s: float) -> None:
        """Let all routers look at a clock that is ahead."""
        for node in self.nodes.values():
            node.tick(ahead_s)

    async def bounce(self, node_id: str) -> None:
        """Shut a node down in the middle of everything, and start it again over its data."""
        node = self.nodes[node_id]
        await node.close()
        self._held = {name: held for name, held in self._held.items() if HOMES[name] != node_id}
        await node.open()

    async def settle(self, within_s: float = 20.0) -> None:
        """Wait until nothing moves, and close the books.

        Raises:
            Unbalanced: Something was lost, doubled, out of order or miscounted, or does not come to an end.
        """
        self.wire.mend()
        await self.finish_commands(within_s)
        for name in list(self._held):
            self.release(name)
        await self.rest.wait(within_s)
        for node in self.nodes.values():
            node.tick(LATER_S)
        await self.rest.wait(within_s)
        if self._errors:
            raise Unbalanced("\n".join(["an error was raised where nobody catches it:", *self._errors]))
        nodes = self.nodes.values()
        for node in nodes:
            node.write_down()
            node.check_counts()
        self.books.close(
            waiting=sum(node.waiting() for node in nodes),
            expired=sum(node.take_expired() for node in nodes),
            unread={f"{DEAF}@{node.node_id}": node.take_unread() for node in nodes},
        )

    def _note_error(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Keep what asyncio would only log: a bug in a callback, or in a task for whom nobody waits."""
        self._errors.append(f"{context['message']}: {context.get('exception')!r}")

    def _service(self, name: str) -> AgentService:
        return self.nodes[HOMES[name]].house.service

    def _next_version(self) -> str:
        self._version = (self._version + 1) % VERSIONS
        return f"1.0.{self._version}"

    def _command(self, command: Coroutine[Any, Any, object]) -> None:
        task = asyncio.create_task(_carry_out(command))
        self._commands.add(task)
        task.add_done_callback(self._commands.discard)


async def _carry_out(command: Coroutine[Any, Any, object]) -> None:
    """Wait for a command; one that is not allowed now, or that the end of its node cuts short, is over."""
    try:
        await command
    except CaxtonError:
        return
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
