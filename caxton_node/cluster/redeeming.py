"""Redeeming a join token through any member.

Only the node that printed a token has its record, so only there a use can be counted down, and a token for
one node admits one, through whichever members it is tried at once. What travels is the hash of the token: a
member that is asked learns nothing it could join with. The node that signs asks, after it has found nothing
wrong with the request to be signed, so that a newcomer's mistake costs no use.

Anybody may knock, so knocking has a bound: nobody is asked about a token that does not name a CA of this
cluster, and few tokens at a time are asked about. That an id is taken is told to strangers; to hide it would
burn a use.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from enum import StrEnum

from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, InvalidArgument, ResourceLimit, Unauthorized, Unavailable
from caxton_node.observability.logs import get_logger
from caxton_node.security import Redeemed, Tokens, hash_token, parse_join_token

REDEEM = "cluster.redeem"
TIMEOUT_S = 5.0
AT_ONCE = 32
TOKENS_AT_ONCE = 4
TOKENS_WAITING_MAX = 64
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
        self._door = asyncio.Semaphore(TOKENS_AT_ONCE)
        self._waiting = 0
        cluster.serve(REDEEM, self._handle_redeem)

    def check(self, text: str, authorities: Collection[str]) -> str:
        """Return the hash of a join token that may be good, as far as its text says; nobody is asked.

        Args:
            text: As the newcomer showed it.
            authorities: Fingerprints of the CAs of this cluster.

        Raises:
            InvalidArgument: It is not a join token.
            Unauthorized: It is expired, or of another cluster.
        """
        token = parse_join_token(text)
        token.check_expiry(self._tokens.now_unix_s)
        if token.ca_fingerprint not in authorities:
            raise Unauthorized(
                "the join token is of another cluster",
                why="it names a CA that this cluster does not have, or not any more",
                hint="get a new one on a member: caxton-node token",
            )
        return hash_token(text)

    async def count(self, hash_hex: str, *, besides: str = "") -> Answer:
        """Use a join token once, if it admits another node.

        Args:
            hash_hex: Of its text.
            besides: A member that is not asked, since its word is not enough.

        Raises:
            ResourceLimit: Too many others are being asked about.
        """
        here = await self._tokens.take_join_use(hash_hex)
        if here is not Redeemed.UNKNOWN:
            return Answer(here.value)
        if self._waiting >= TOKENS_WAITING_MAX:
            raise ResourceLimit(
                "too many join tokens are presented at once",
                why=f"{TOKENS_WAITING_MAX} wait for the members to say whether they printed them",
                hint="try again in some seconds",
            )
        self._waiting += 1
        try:
            async with self._door:
                return await self._ask_others(hash_hex, besides)
        finally:
            self._waiting -= 1

    async def _ask_others(self, hash_hex: str, besides: str) -> Answer:
        """Ask every live member but one; one of them at most has the token."""
        left_out = {self._cluster.node_id, besides}
        others = [node for node in self._cluster.alive_nodes() if node not in left_out]
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


def refusal(answer: Answer) -> CaxtonError:
    """Return what a newcomer is told whose token was not taken."""
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
