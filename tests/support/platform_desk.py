"""Platform agents at a real router: whoever speaks is a platform agent too, whose mail a test reads."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import count
from typing import Any

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Router
from tests.support.data_plane import until
from tests.support.post_office import NODE, PostOffice


class Speaker:
    """An agent of node-1 that a test speaks for."""

    def __init__(self, router: Router, name: str) -> None:
        self.address = f"{name}@{NODE}"
        self.got: list[Envelope] = []
        self._router = router
        self._name = name
        self._numbers = count(1)
        router.add_platform_agent(name, self.got.append)

    def send(self, to: str, content: object, act: str = "REQUEST", talk: str = "", **more: Any) -> str:
        """Say something and return the conversation."""
        talk = talk or f"talk-{self._name}-{next(self._numbers)}"
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        envelope = Envelope(Performative[act], self.address, to, data, talk, f"q-{talk}", **more)
        self._router.submit(envelope)
        return talk

    async def ask(self, to: str, content: object, act: str = "REQUEST", **more: Any) -> tuple[str, Any]:
        """Say something and return the first answer: its act and its content."""
        talk = self.send(to, content, act, **more)
        return await self.hear(talk)

    async def hear(self, talk: str, number: int = 0) -> tuple[str, Any]:
        """Return an answer of a conversation, counted from the first."""
        await until(lambda: len(self.of(talk)) > number)
        answer = self.of(talk)[number]
        return answer.performative.word, json.loads(answer.content or b"null")

    def of(self, talk: str) -> list[Envelope]:
        """Return what came in a conversation."""
        return [envelope for envelope in self.got if envelope.conversation_id == talk]

    def leave(self) -> None:
        """Be nobody any more."""
        self._router.remove_platform_agent(self._name)


async def at_rest(office: PostOffice) -> None:
    """Wait until nothing moves."""
    await until(lambda: office.router.counts().in_flight == 0)


async def settled(condition: Callable[[], bool]) -> None:
    """Let the loop turn until something is so, without time passing."""
    for _ in range(10_000):
        if condition():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to be")
