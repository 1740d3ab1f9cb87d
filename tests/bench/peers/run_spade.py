"""SPADE: two agents in one container. Run by the interpreter of `.venv-peers`.

Agents of one container hand each other messages without XMPP. They would still log in to a server first; here
they do not, since nothing that is measured passes it. Through a server SPADE is slower many times over.
"""

from __future__ import annotations

import asyncio
import logging
import os

from rounds import BODY, WINDOW, best_rates, many, seconds_wanted, show
from spade.agent import Agent
from spade.behaviour import CyclicBehaviour
from spade.container import Container
from spade.message import Message
from spade.template import Template

ASKING, ANSWERING = "asking@localhost", "answering@localhost"


class Offline(Agent):
    """An agent that does not log in."""

    async def _async_connect(self) -> None:
        pass


class Answer(CyclicBehaviour):
    """Gives every question back, and counts what comes one way."""

    handled = goal = 0
    reached = asyncio.Event()

    async def run(self) -> None:
        """Take one message."""
        message = await self.receive(timeout=60)
        if message is None:
            return
        if message.get_metadata("performative") == "request":
            answer = message.make_reply()
            answer.body = message.body
            answer.set_metadata("performative", "inform")
            await self.send(answer)
            return
        Answer.handled += 1
        if Answer.handled == Answer.goal:
            Answer.reached.set()


class Ask(CyclicBehaviour):
    """Sends, and wakes whoever waits for an answer."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: dict[str, asyncio.Future[None]] = {}
        self._number = 0

    async def run(self) -> None:
        """Take one answer."""
        message = await self.receive(timeout=60)
        if message is not None:
            self.waiting.pop(message.thread).set_result(None)

    async def note(self) -> None:
        """Send one message that is not answered."""
        await self.send(Message(to=ANSWERING, body=BODY, metadata={"performative": "inform"}))

    async def ask(self) -> None:
        """Send a question and wait for its answer."""
        self._number += 1
        thread = f"talk-{self._number}"
        self.waiting[thread] = answered = asyncio.get_running_loop().create_future()
        metadata = {"performative": "request"}
        await self.send(Message(to=ANSWERING, body=BODY, thread=thread, metadata=metadata))
        await answered


async def main() -> None:
    """Measure and print."""
    asking, answering, ask = Offline(ASKING, "secret"), Offline(ANSWERING, "secret"), Ask()
    asking.add_behaviour(ask, Template(to=ASKING))
    answering.add_behaviour(Answer(), Template(to=ANSWERING))
    for agent in (asking, answering):
        await agent.start()

    async def one_way(count: int) -> None:
        Answer.goal = Answer.handled + count
        Answer.reached.clear()
        for number in range(count):
            await ask.note()
            if not number % WINDOW:  # the sender never waits by itself, and its messages would pile up
                await asyncio.sleep(0)
        await Answer.reached.wait()

    best = await best_rates(
        {
            "one_way": one_way,
            "answered": lambda count: many(ask.ask, count, WINDOW),
            "ping_pong": lambda count: many(ask.ask, count, 1),
        },
        seconds_wanted(),
    )
    show("spade", "spade", **best)


if __name__ == "__main__":
    logging.disable(logging.WARNING)
    Container().run(main())
    os._exit(0)  # behaviours take a cancellation for the end of one turn, and go on
