"""The workers: which agent runs next, on which thread, for how many messages.

An agent with mail stands in the ready queue once. A worker takes the first one, hands it a batch in one
guest call, routes what came out, and puts it at the end of the queue if mail is left. So no agent is ever
run by two workers, and an agent that is flooded waits its turn like everyone else.

Threads are cheap while they are parked, running ones compete for Python's lock; so `Demand` says how many
run. It learns from finished calls, which says nothing about the call under way: if agents are ready and no
turn has ended for `STALL_S`, one parked worker, the *sentinel*, goes to work beyond the demand.

Heavy agents, whose single messages take longer than a turn may, have a lane of their own: as many workers as
cores, but never all of them. They hardly need Python's lock, and everybody else finds a worker at once
however many of them there are.

    wake       idle slot -> ready queue; a parked worker is woken at once if one more may run
    turn       take a batch, call the guest, route the outbox, settle the mailbox
    rest       an agent that went beyond a rate, or is degraded, waits before its next turn
    trap       fatal: the slot is detached and the watch told; otherwise that one message goes back

Source: ADR 0001; batching.py and demand.py for the two rules.
"""

from __future__ import annotations

import os
import traceback
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from threading import Condition, Lock, Thread, current_thread
from time import perf_counter, thread_time
from typing import Protocol

from caxton_node.runtime.batching import Batching
from caxton_node.runtime.demand import Demand
from caxton_node.runtime.outcomes import Outcome
from caxton_node.runtime.ports import Post, Watch
from caxton_node.runtime.resting import Resting
from caxton_node.runtime.slot import Slot
from caxton_node.runtime.traps import Trap, TrapKind
from caxton_node.runtime.turns import TurnCounts, Turns

STALL_S = 0.005
SWITCH_INTERVAL_S = 0.0005
"""For `sys.setswitchinterval` in a process that runs workers: the default of 5 ms starves its loop."""

DEMAND_EVERY = 16
ROUTE_MANY = 64
"""Messages in an outbox from which on it is measured how long they keep this thread busy."""
ROUTE_LONG_S = 0.01
ROUTE_REST = 3.0
"""How many times longer than the routing of a large outbox its sender rests: a quarter of the time is its."""
# A turn that is over: how many messages it had and might have had, how long the guest took and must rest.
_Done = tuple[int, int, float, float]
_NOTHING: _Done = (0, 0, 0.0, 0.0)


class Exchange(Post, Protocol):
    """The way out of an agent, and back for what it would not handle."""

    def return_trapped(self, frame: bytes, trap: Trap) -> None:
        """Tell the sender of this message that its receiver did not handle it."""
        ...


class _Worker(Thread):
    """A thread, and the gate at which it is parked: a lock that it holds shut itself."""

    def __init__(self, work: Callable[[_Worker], None], number: int) -> None:
        super().__init__(name=f"caxton-worker-{number}", daemon=True)
        self.gate = Lock()
        self.gate.acquire()
        self.called = False
        self._work = work

    def run(self) -> None:
        """Work until the scheduler closes."""
        self._work(self)


@dataclass(frozen=True, slots=True)
class Load:
    """What the workers are doing.

    Attributes:
        workers: Threads there are.
        running: Threads in a turn.
        wanted: Threads that are worth running, beside those for heavy agents.
        ready: Agents waiting for a turn.
        turns: Turns so far.
        by_strategy: The same by batching strategy, with what they took.
    """

    workers: int
    running: int
    wanted: int
    ready: int
    turns: int
    by_strategy: Mapping[Batching, TurnCounts]

    @property
    def batch_cells(self) -> tuple[int, ...]:
        """Return the turns of all strategies by bit length of their size; see `TurnCounts.cells`."""
        return tuple(map(sum, zip(*(counts.cells for counts in self.by_strategy.values()), strict=True)))


class _Lane:
    """Agents of one kind that are ready, and how many of that kind run."""

    __slots__ = ("ready", "running", "width")

    def __init__(self, width: int) -> None:
        self.ready: deque[Slot] = deque()
        self.running = 0
        self.width = width


class Scheduler:
    """Runs agents on worker threads.

    Args:
        post: Where outboxes go.
        watch: Who is told of lost instances.
        workers: Threads; some more than cores, since a few long guest calls must not hold everybody up.
    """

    def __init__(self, post: Exchange, watch: Watch, workers: int | None = None) -> None:
        self._post = post
        self._watch = watch
        self._cores = os.cpu_count() or 1
        self._lock = Lock()
        self._left = Condition(self._lock)  # some slot has ended its turn detached
        count = workers or max(4, self._cores + 2)
        self._light = _Lane(1)
        self._heavy = _Lane(max(1, min(self._cores, count - 1)))
        self._resting: Resting[tuple[Slot, int]] = Resting(self._end_rest)
        self._parked: list[_Worker] = []
        self._sentinel: _Worker | None = None
        self._called = 0  # woken and on their way
        self._turns = self._light_turns = 0
        self._demand = Demand()
        self._guest_s = self._turn_s = 0.0  # of the turns since the demand was last looked at
        self._turns_by = {batching: Turns() for batching in Batching}
        self._closed = False
        self._workers = [_Worker(self._work, number) for number in range(count)]
        for worker in self._workers:
            worker.start()

    # -- for agents and mailboxes ---------------------------------------------------------------------------

    def attach(self, slot: Slot) -> None:
        """Run this instance from now on, at once if mail is waiting."""
        with self._lock:
            slot.detached = False
        self.wake(slot)

    def detach(self, slot: Slot) -> None:
        """Stop running this instance, waiting for the call under way; its sandbox is the caller's then.

        A worker that detaches the very slot that it runs does not wait for itself.
        """
        with self._lock:
            self._take_out(slot)
            while slot.worker is not None and slot.worker is not current_thread():
                self._left.wait()

    def try_detach(self, slot: Slot) -> bool:
        """Stop running this instance; False if a call is under way, which `detach` waits for."""
        with self._lock:
            self._take_out(slot)
            return slot.worker is None

    def wake(self, slot: Slot) -> None:
        """Note that an instance has mail; any thread."""
        with self._lock:
            if not (slot.queued or slot.resting or slot.worker is not None):
                self._queue(slot)

    def close(self) -> None:
        """Let every call under way end and stop all workers; agents that are ready stay unserved."""
        with self._lock:
            self._closed = True
            for worker in self._parked:
                worker.gate.release()
            self._parked.clear()
            self._left.notify_all()
        self._resting.close()
        for worker in self._workers:
            if worker is not current_thread():
                worker.join()

    def load(self) -> Load:
        """Read what the workers are doing."""
        with self._lock:
            counts = {batching: turns.read() for batching, turns in self._turns_by.items()}
            light, heavy = self._light, self._heavy
            running, ready = light.running + heavy.running, len(light.ready) + len(heavy.ready)
            return Load(len(self._workers), running, light.width, ready, self._turns, counts)

    def workers_alive(self) -> tuple[int, int]:
        """Return how many workers live, and how many there should be; any thread."""
        return sum(worker.is_alive() for worker in self._workers), len(self._workers)

    # -- who is ready ---------------------------------------------------------------------------------------

    def _lane_of(self, slot: Slot) -> _Lane:
        return self._heavy if slot.is_heavy else self._light

    def _queue(self, slot: Slot) -> None:
        if not (slot.queued or slot.detached or self._closed):
            self._append(slot)
            if self._parked:
                self._call_worker()

    def _append(self, slot: Slot) -> None:
        slot.queued = True
        slot.is_heavy = heavy = slot.batch.is_heavy or slot.share < 1
        (self._heavy if heavy else self._light).ready.append(slot)

    def _take_out(self, slot: Slot) -> None:
        slot.detached = True
        if slot.queued:
            self._lane_of(slot).ready.remove(slot)
            slot.queued = False

    def _end_rest(self, rest: tuple[Slot, int]) -> None:
        slot, number = rest
        with self._lock:
            if number != slot.rest_number:
                return
            slot.resting = False
            if slot.worker is None and slot.mail.ready:
                self._queue(slot)

    # -- workers: who runs next -----------------------------------------------------------------------------

    def _work(self, worker: _Worker) -> None:
        slot = self._next(worker)
        while slot is not None:
            started_at = perf_counter()
            try:
                done = self._turn(slot)
            except Exception as err:  # noqa: BLE001  a bug of the host may cost one agent, never a worker
                done = 1, 1, 0.0, 0.0
                self._lose(slot, _blame_host(err), None, ())
            slot = self._next(worker, slot, done, perf_counter() - started_at)

    def _next(
        self, worker: _Worker, ended: Slot | None = None, done: _Done = _NOTHING, turn_s: float = 0.0
    ) -> Slot | None:
        """End a turn and wait until there is another one to begin; None when the scheduler closes."""
        with self._lock:
            if ended is not None:
                self._end_turn(ended, done, turn_s)
            overdue = False
            while not self._closed:
                lane = self._choose(overdue)
                if lane is not None:
                    return self._begin_turn(worker, lane)
                overdue = self._park(worker)
            return None

    def _choose(self, overdue: bool) -> _Lane | None:
        """Choose whose turn it is: light agents first, since theirs is short."""
        light, heavy = self._light, self._heavy
        if light.ready and (overdue or light.running < light.width):
            return light
        if heavy.ready and (overdue or heavy.running < heavy.width):
            return heavy
        return None

    def _begin_turn(self, worker: _Worker, lane: _Lane) -> Slot:
        slot = lane.ready.popleft()
        slot.queued = False
        slot.worker = worker
        lane.running += 1
        if self._sentinel is worker:
            self._sentinel = None
        if self._parked and (self._light.ready or self._heavy.ready):
            self._call_worker()
        return slot

    def _end_turn(self, slot: Slot, done: _Done, turn_s: float) -> None:
        count, room, guest_s, rest_s = done
        self._turns += 1
        if count:
            self._turns_by[slot.batching].note(count, room)
        if slot.is_heavy:  # they have workers of their own, and nothing to say about how many others need
            self._heavy.running -= 1
        else:
            self._light.running -= 1
            self._light_turns += 1
            self._guest_s += guest_s
            self._turn_s += turn_s
            if not self._light_turns % DEMAND_EVERY:
                self._learn()
        slot.worker = None
        if slot.detached:
            self._left.notify_all()
        elif rest_s:
            slot.resting = True
            self._resting.add((slot, slot.rest_number), rest_s)
        elif slot.mail.ready:
            self._append(slot)

    def _learn(self) -> None:
        self._demand.observe(DEMAND_EVERY, self._guest_s, self._turn_s)
        self._guest_s = self._turn_s = 0.0
        self._light.width = min(self._cores, self._demand.workers)

    def _call_worker(self) -> None:
        """Wake a parked worker if one more may run; else make sure that somebody watches for a stall."""
        light, heavy, coming = self._light, self._heavy, self._called
        if (light.ready and light.running + coming < light.width) or (
            heavy.ready and heavy.running + coming < heavy.width
        ):
            self._called += 1
            worker = self._parked.pop()
            worker.called = True
            worker.gate.release()
        elif self._sentinel is None:
            self._sentinel = self._parked.pop()
            self._sentinel.gate.release()

    def _park(self, worker: _Worker) -> bool:
        """Wait at the gate, the sentinel for `STALL_S` only; return whether no turn has ended meanwhile."""
        light, heavy = self._light, self._heavy
        if (light.ready or heavy.ready) and self._sentinel is None:
            self._sentinel = worker
        busy = light.ready or heavy.ready or light.running or heavy.running
        watches = self._sentinel is worker and bool(busy)
        if not watches:
            if self._sentinel is worker:
                self._sentinel = None
            self._parked.append(worker)
        turns = self._turns
        self._lock.release()
        try:
            worker.gate.acquire(timeout=STALL_S if watches else -1)
        finally:
            self._lock.acquire()
        if worker.called:
            worker.called = False
            self._called -= 1
        return watches and turns == self._turns

    # -- workers: one turn ----------------------------------------------------------------------------------

    def _turn(self, slot: Slot) -> _Done:
        """Run one batch."""
        room = slot.batch.now
        frames = slot.mail.take(room, slot.bytes_max)
        if not frames:
            return _NOTHING
        count = len(frames)
        is_alone = slot.mail.lone_in_hand() is not None
        try:
            if is_alone and not self._may_handle(slot, frames[0]):
                slot.mail.settle(0, poisoned=1)
                return 1, room, 0.0, 0.0
            outcome = slot.sandbox.handle(frames)
        except Exception as err:  # noqa: BLE001  whatever a guest provokes stays with that guest
            outcome = Outcome(0, [], _blame_host(err), 0, 0.0, count)
        if is_alone and (outcome.handled or outcome.poisoned is not None):
            self._charge(slot, frames[0], outcome)
        slot.handled += outcome.handled
        slot.fuel_units += outcome.fuel_units
        trap = outcome.trap
        route_s = busy_s = 0.0
        if outcome.outbox or (is_alone and outcome.handled):  # though it sent nothing: that it was handled
            is_measured = len(outcome.outbox) >= ROUTE_MANY
            began_at, busy_from = perf_counter(), thread_time() if is_measured else 0.0
            try:
                self._post.accept(slot.instance, outcome.outbox)
            except Exception as err:  # noqa: BLE001  the batch behind the message at fault must not go with it
                trap = outcome.trap = trap or _blame_host(err)
            route_s = perf_counter() - began_at
            busy_s = thread_time() - busy_from if is_measured else 0.0
        slot.batch.observe(count, outcome.elapsed_s + route_s)
        if trap is None:
            slot.mail.settle(count)
        else:
            self._handle_trap(slot, frames, outcome, trap)
        for violation in outcome.violations:
            self._watch.handle_violation(slot.instance, violation)
        rest_s = outcome.rest_s
        if busy_s > ROUTE_LONG_S:  # it kept everybody from Python's lock: whoever sends so much waits for it
            rest_s = max(rest_s, busy_s * ROUTE_REST)
        if slot.share < 1:
            rest_s = max(rest_s, outcome.elapsed_s * (1 / slot.share - 1))
        return count, room, outcome.elapsed_s, rest_s

    def _may_handle(self, slot: Slot, frame: bytes) -> bool:
        return self._post.admit(slot.instance, frame, counts_fuel=slot.sandbox.counts_fuel)

    def _charge(self, slot: Slot, frame: bytes, outcome: Outcome) -> None:
        try:
            self._post.charge(
                slot.instance, frame, fuel_units=outcome.fuel_units, elapsed_s=outcome.elapsed_s
            )
        except Exception as err:  # noqa: BLE001  what was taken must be settled all the same
            outcome.trap = outcome.trap or _blame_host(err)

    def _handle_trap(self, slot: Slot, frames: list[bytes], outcome: Outcome, trap: Trap) -> None:
        at = outcome.poisoned
        poisoned = None if at is None else frames[at]
        waiting = frames[outcome.handled if at is None else at + 1 :]
        slot.mail.settle(outcome.handled, poisoned=0 if at is None else 1)
        if trap.fatal:
            self._lose(slot, trap, poisoned, waiting)
            return
        if poisoned is not None:
            self._post.return_trapped(poisoned, trap)
        slot.mail.put_back(waiting)

    def give_up(self, slot: Slot, trap: Trap) -> None:
        """Treat an instance that trapped outside of a turn, as in its checkpoint, like any that is lost."""
        self._lose(slot, trap, None, ())

    def _lose(self, slot: Slot, trap: Trap, poisoned: bytes | None, waiting: Sequence[bytes]) -> None:
        with self._lock:
            slot.detached = True
        self._watch.handle_trap(slot.instance, trap, poisoned, waiting)


def _blame_host(err: Exception) -> Trap:
    lines = traceback.format_exception(err)
    return Trap(
        TrapKind.HOST, f"{type(err).__name__}: {err}", tuple(line.rstrip() for line in reversed(lines))
    )
