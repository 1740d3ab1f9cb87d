"""Agents that go as far as they may, or fall as often as they can, beside a pair that only wants to work.

    load -> near -> far -> witness        the pair, on the same workers as
    mail -> hostile                       which always has mail

A hostile *running* behaviour is none that ends: each stays within its limits, or falls and is started again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.agents.manifest import Manifest
from caxton_node.agents.supervision import RestartPolicy
from caxton_node.fipa import Envelope, Performative
from caxton_node.runtime import Limits
from tests.integration.runtime.hostile.building import (
    LOG,
    NOW,
    OUTBOX_AT,
    TRAP,
    WITNESS,
    escape,
    frame,
    framed,
    pages_for,
)
from tests.support.agents import NODE, House, open_house
from tests.support.guests import tiny, wat

HOSTILE = "hostile"
SINK = "sink"
MAIL_WAITING = 50
"""Messages that always wait for the hostile agent."""
STUBBORN = RestartPolicy(first_wait_s=0.01, factor=1.0, wait_max_s=0.01, failures_max=1_000_000, jitter=0.0)
"""Restarts whatever falls, at once and for ever: the worst that a supervisor could do to the neighbours."""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """What a hostile agent does with every message.

    Attributes:
        name: In reports.
        make: Writes its module.
        falls: Whether it traps on every message.
    """

    name: str
    make: Callable[[], str]
    falls: bool = False


def _each_message(act: str, *, imports: str = "", extra: str = "", memory: str = "1") -> str:
    """Return an agent that does something for each message of a batch, and counts them."""
    return tiny(
        imports=imports,
        memory=memory,
        handle=f"""(local $at i32) (local $end i32) (local $done i32) (local $n i32)
          (local.set $at (i32.const 1024))
          (local.set $end (i32.add (i32.const 1024) (local.get 0)))
          (loop $next
            {act}
            (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
            (local.set $done (i32.add (local.get $done) (i32.const 1)))
            (call $handled (local.get $done))
            (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
          (i32.const 0)""",
        extra=extra,
    )


def _turns(count: int, act: str = "") -> str:
    return f"""(local.set $n (i32.const {count}))
      (loop $turn {act} (br_if $turn (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))"""


def _sends(one: bytes, count: int) -> str:
    """Return an agent that answers every batch with one frame, many times over."""
    outbox = framed([one] * count)
    return _each_message(
        f"(call $out (i32.const {OUTBOX_AT}) (i32.const {len(outbox)}))",
        memory=str(pages_for(len(outbox))),
        extra=f'(data (i32.const {OUTBOX_AT}) "{escape(outbox)}")',
    )


_GROW = "(loop $more (br_if $more (i32.ne (memory.grow (i32.const 8)) (i32.const -1)))) unreachable"
_LOGS = "(call $log (i32.const 3) (i32.const 0) (i32.const 16))"

BEHAVIOURS = [
    Behaviour("spins", lambda: _each_message(_turns(1_900_000))),
    Behaviour("spins-on-host-calls", lambda: _each_message(_turns(5_000, "(drop (call $now))"), imports=NOW)),
    Behaviour("floods-an-agent", lambda: _sends(frame(SINK, b"7" * 16), 2_000)),
    Behaviour("floods-nobody", lambda: _sends(frame("nobody"), 500)),
    Behaviour("floods-with-rubbish", lambda: _sends(b"rubbish", 5_000)),
    Behaviour("fans-out", lambda: _sends(frame([f"{SINK}#{n}" for n in range(256)]), 20)),
    Behaviour("floods-the-log", lambda: _each_message(_turns(5_000, _LOGS), imports=LOG)),
    Behaviour("grows-and-falls", lambda: tiny(handle=_GROW), falls=True),
    Behaviour("falls", lambda: tiny(handle=TRAP), falls=True),
]


@dataclass
class Street:
    """A node with the pair on it, and perhaps a hostile neighbour.

    Attributes:
        house: The node.
        arrived: What came out at the end of the pair: the content and nothing else.
        when_it_comes: Called with the content of each.
    """

    house: House
    arrived: list[bytes] = field(default_factory=list)
    when_it_comes: Callable[[bytes], None] = lambda _content: None

    @property
    def work(self) -> int:
        """Return how many messages the hostile agent has handled in this life, and how often it fell."""
        charge = self.house.service._roster.get(f"default/{HOSTILE}")
        return charge.instance.handled + charge.restarts

    def take(self, envelope: Envelope) -> None:
        """Take a message that went down the pair; what fell comes back here too."""
        if envelope.performative is not Performative.INFORM:
            return
        content = envelope.content or b""
        self.arrived.append(content)
        self.when_it_comes(content)

    @asynccontextmanager
    async def beside(self, behaviour: Behaviour) -> AsyncIterator[None]:
        """Let a hostile agent be busy meanwhile."""
        service = self.house.service
        await service.deploy(Manifest(HOSTILE, limits=Limits(mailbox_depth=1_000)), behaviour.make().encode())
        feeding = asyncio.create_task(self._feed())
        try:
            yield
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            await service.undeploy(HOSTILE, drain_s=0)

    async def _feed(self) -> None:
        while True:
            waiting = self.house.service.get(HOSTILE).waiting
            for _ in range(MAIL_WAITING - waiting):
                self.house.router.submit(
                    Envelope(Performative.INFORM, f"{WITNESS}@{NODE}", HOSTILE, b"1", "talk-0")
                )
            await asyncio.sleep(0.005)


@asynccontextmanager
async def open_street(folder: Path) -> AsyncIterator[Street]:
    """Open a node with the pair, and an agent that takes whatever is sent to it."""
    async with open_house(folder, policy=STUBBORN) as house:
        street = Street(house)
        house.router.add_platform_agent(WITNESS, street.take)
        relay = wat("relay").encode()
        await house.service.deploy(Manifest(SINK), relay)
        await house.service.deploy(Manifest("far", config={"next": WITNESS}), relay)
        await house.service.deploy(Manifest("near", config={"next": "far"}), relay)
        yield street
