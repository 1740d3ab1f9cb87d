"""autogen-core: two routed agents in its single-threaded runtime. Run by the interpreter of `.venv-peers`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from autogen_core import (
    AgentId,
    DefaultTopicId,
    MessageContext,
    RoutedAgent,
    SingleThreadedAgentRuntime,
    TypeSubscription,
    event,
    rpc,
)
from rounds import BODY, WINDOW, best_rates, many, seconds_wanted, show


@dataclass
class Note:
    """What is sent without an answer."""

    body: str


@dataclass
class Question:
    """What is answered with itself."""

    body: str


class Answering(RoutedAgent):
    """The receiving agent."""

    handled = 0
    goal = 0
    reached = asyncio.Event()

    def __init__(self) -> None:
        super().__init__("answers")

    @event
    async def take_note(self, message: Note, ctx: MessageContext) -> None:
        """Count what comes one way."""
        Answering.handled += 1
        if Answering.handled == Answering.goal:
            Answering.reached.set()

    @rpc
    async def answer(self, message: Question, ctx: MessageContext) -> Question:
        """Give a question back."""
        return message


class Asking(RoutedAgent):
    """The sending agent; it only lends its id."""

    def __init__(self) -> None:
        super().__init__("asks")


async def main() -> None:
    """Measure and print."""
    runtime = SingleThreadedAgentRuntime()
    await Answering.register(runtime, "answering", Answering)
    await Asking.register(runtime, "asking", Asking)
    await runtime.add_subscription(TypeSubscription("notes", "answering"))
    runtime.start()
    sender, receiver = AgentId("asking", "default"), AgentId("answering", "default")
    topic = DefaultTopicId("notes", "default")

    async def ask() -> None:
        await runtime.send_message(Question(BODY), receiver, sender=sender)

    async def one_way(count: int) -> None:
        Answering.goal = Answering.handled + count
        Answering.reached.clear()
        for _ in range(count):
            await runtime.publish_message(Note(BODY), topic, sender=sender)
        await Answering.reached.wait()

    best = await best_rates(
        {
            "one_way": one_way,
            "answered": lambda count: many(ask, count, WINDOW),
            "ping_pong": lambda count: many(ask, count, 1),
        },
        seconds_wanted(),
    )
    show("autogen-core", "autogen-core", **best)
    await runtime.stop()


if __name__ == "__main__":
    asyncio.run(main())
