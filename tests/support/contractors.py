"""Contractors for tests: guests that answer acts with others or not at all, and hands that a test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence

from caxton_node.fipa import Envelope, Performative, reply
from caxton_node.messaging import Router
from caxton_node.registry import CapabilityRecord, InstanceRecord, Registry
from tests.support.guests import wat

ACT = Performative
DELIVERS: Mapping[Performative, Performative] = {ACT.CFP: ACT.PROPOSE, ACT.ACCEPT_PROPOSAL: ACT.INFORM}
NEVER_DELIVERS = {ACT.CFP: ACT.PROPOSE}
REFUSES = {ACT.CFP: ACT.REFUSE}
FAILS = {ACT.CFP: ACT.PROPOSE, ACT.ACCEPT_PROPOSAL: ACT.FAILURE}
SILENT: Mapping[Performative, Performative] = {}

_REQUEST_ONLY = "(if (i32.ne (i32.load8_u (call $field (i32.const 0))) (i32.const 0x13)) (then (return)))"
_SAYS_INFORM = "(i32.store8 offset=5 (local.get $frame) (i32.const 0x08))"
_ANSWER = "(call $answer (i32.add (local.get $at) (i32.const 4)) (local.get $stop))"


def guest(
    answers: Mapping[Performative, Performative], *, traps_on: Sequence[Performative] = (), times: int = 1
) -> bytes:
    """Return a guest that answers acts by others with the same content; its bid is the call.

    Args:
        answers: Which act is answered by which; all others by none.
        traps_on: Acts at which it traps.
        times: How often it gives each answer.
    """
    act = "(i32.load8_u (call $field (i32.const 0)))"
    traps = "".join(f"(if (i32.eq {act} (i32.const {code:d})) (then unreachable))\n" for code in traps_on)
    choose = "".join(
        f"(if (i32.eq {act} (i32.const {heard:d})) (then (global.set $says (i32.const {said:d}))))\n"
        for heard, said in answers.items()
    )
    text = wat("echo")
    assert text.count(_REQUEST_ONLY) == text.count(_SAYS_INFORM) == text.count(_ANSWER) == 1
    decide = (
        f"{traps}(global.set $says (i32.const 0))\n{choose}(if (i32.eqz (global.get $says)) (then (return)))"
    )
    text = text.replace(_REQUEST_ONLY, decide)
    text = text.replace(_SAYS_INFORM, "(i32.store8 offset=5 (local.get $frame) (global.get $says))")
    text = text.replace(_ANSWER, " ".join([_ANSWER] * times))
    return text.replace("(global $out ", "(global $says (mut i32) (i32.const 0))\n  (global $out ").encode()


class Hand:
    """A contractor that says what a test makes it say; what it is told waits until it is looked at.

    Args:
        router: Where it lives.
        name: Its name; it is a platform agent of this node.
    """

    def __init__(self, router: Router, name: str) -> None:
        self.address = f"{name}@{router.node_id}"
        self._name = name
        self._router = router
        self._told: asyncio.Queue[Envelope] = asyncio.Queue()
        self._heard: list[Envelope] = []
        router.add_platform_agent(name, self._told.put_nowait)

    def offers(self, registry: Registry, capability: str) -> Hand:
        """Register a capability, and itself as an agent that runs: nobody else is found."""
        agent, node = f"default/{self._name}", self._router.node_id
        registry.put_instance(InstanceRecord(agent, "1.0.0", 1, node, "Running"))
        registry.put_capability(CapabilityRecord(capability, "1.0", agent, node))
        return self

    async def hears(self, act: Performative, within_s: float = 10.0) -> Envelope:
        """Wait until it is told something by this act, passing over others."""
        async with asyncio.timeout(within_s):
            while (told := await self._told.get()).performative is not act:
                self._heard.append(told)
        self._heard.append(told)
        return told

    def says(self, act: Performative, content: object = None, *, to: Envelope | None = None) -> None:
        """Answer what it heard last, or the message given."""
        answer = reply(to or self._heard[-1], act, json.dumps(content).encode(), self.address)
        answer.reply_with = f"{self._name}-{act.word}"
        answer.trace = None
        self._router.submit(answer)

    async def bids(self, price: float) -> Envelope:
        """Wait for the call and bid; returns the call."""
        call = await self.hears(ACT.CFP)
        self.says(ACT.PROPOSE, {"price": price})
        return call

    def dies(self) -> None:
        """Vanish; what waits for it goes back."""
        self._router.remove_platform_agent(self._name)
