"""Redeeming a join token through any member.

Only the node that printed a token has its record, so only there a use can be counted down, and a token for
one node admits one, through whichever members it is tried at once. What travels is the hash of the token: a
member that is asked learns nothing it could join with.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, Unauthorized, Unavailable
from caxton_node.observability.logs import get_logger
from caxton_node.security import Redeemed, Tokens, hash_token, parse_join_token

REDEEM = "cluster.redeem"
TIMEOUT_S = 5.0
AT_ONCE = 32
HASH_CHARS = 64

_log = get_logger("cluster")


class Answer(StrEnum):
    """What came of asking the members about a token."""

    TAKEN = "taken"
    USED_UP = "used-up"
    EXPIRED = "expired"
    UNKNOWN = "unknown"
    UNSURE = "unsure"
    """Nobody who answered knows it, and somebody did not answer."""


class Redeeming:
    """Counts down join tokens, here or where they were printed.

    Args:
        cluster: Members, and requests to them.
        tokens: Of this node.
    """

    def __init__(self, cluster: Cluster, tokens: Tokens) -> None:
        self._cluster = cluster
        self._tokens = tokens
        cluster.serve(REDEEM, self._handle_redeem)

    async def redeem(self, text: str) -> None:
        """Use a join token once, if it admits another node.

        Raises:
            InvalidArgument: It is not a join token.
            Unauthorized: It is expired, used up, or no member that is alive printed it.
            Unavailable: The member that printed it may be one that did not answer; whether a use was counted
                is not known.
        """
        parse_join_token(text).check_expiry(self._tokens.now_unix_s)
        hash_hex = hash_token(text)
        here = await self._tokens.take_join_use(hash_hex)
        answer = Answer(here.value) if here is not Redeemed.UNKNOWN else await self._ask_others(hash_hex)
        if answer is not Answer.TAKEN:
            raise _refusal(answer)

    async def _ask_others(self, hash_hex: str) -> Answer:
        """Ask every live member; one of them at most has the token."""
        others = [node for node in self._cluster.alive_nodes() if node != self._cluster.node_id]
        door = asyncio.Semaphore(AT_ONCE)

        async def ask(node: str) -> Answer:
            async with door:
                return await self._ask(node, hash_hex)

        answers = set(await asyncio.gather(*map(ask, others)))
        for answer in (Answer.TAKEN, Answer.USED_UP, Answer.EXPIRED, Answer.UNSURE):
            if answer in answers:
                return answer
        return Answer.UNKNOWN

    async def _ask(self, node: str, hash_hex: str) -> Answer:
        try:
            answer = await self._cluster.request(node, REDEEM, hash_hex.encode(), TIMEOUT_S)
            return Answer(answer.decode())
        except (CaxtonError, ValueError) as err:
            _log.warning("a member did not say whether a join token is its own", member=node, reason=str(err))
            return Answer.UNSURE

    async def _handle_redeem(self, peer: str, payload: bytes) -> bytes:
        if len(payload) != HASH_CHARS or not payload.isalnum():
            raise InvalidArgument("a request to redeem a token cannot be read")
        outcome = await self._tokens.take_join_use(payload.decode())
        if outcome is not Redeemed.UNKNOWN:
            _log.info("join token presented at another member", member=peer, outcome=str(outcome))
        return outcome.value.encode()


def _refusal(answer: Answer) -> CaxtonError:
    match answer:
        case Answer.USED_UP:
            return Unauthorized(
                "the join token is used up",
                why="it has admitted as many nodes as it was issued for",
                hint="get a new one on a member: caxton-node token",
            )
        case Answer.EXPIRED:
            return Unauthorized(
                "the join token has expired",
                why="by the clock of the member that printed it",
                hint="get a new one on a member: caxton-node token",
            )
        case Answer.UNSURE:
            return Unavailable(
                "the member that printed the join token did not answer",
                why="a token is counted where it was printed, and a member did not say whether it did",
                hint="try again when it is back, or get a new one on another member: caxton-node token",
            )
        case _:
            return Unauthorized(
                "no member that is alive printed the join token",
                why="a token is counted where it was printed",
                hint="start that node, or get a new one on another member: caxton-node token",
            )
