"""The trust of one node, put together: what it holds, who signs, how that changes and how it spreads.

Everything that is decided is decided in the files beside this one; here they meet, open and close.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from caxton_node.cluster.changes import MemberChanged
from caxton_node.cluster.facts import facts_of
from caxton_node.cluster.files import CERTIFICATES, NodeFiles
from caxton_node.cluster.rotation import Rotation
from caxton_node.cluster.service import Cluster
from caxton_node.core.clock import Clock
from caxton_node.core.events import EventBus
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.trust.announcing import Announcing
from caxton_node.trust.exchange import INTERVAL_S, Exchange
from caxton_node.trust.expiry import Expiry
from caxton_node.trust.holdings import Holdings, Listener
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.key_handing import KeyHanding
from caxton_node.trust.outcast import WAY_OUT, WORDS, Outcast, Verdict
from caxton_node.trust.renewal import Schedule
from caxton_node.trust.renewing import Renewing
from caxton_node.trust.revoking import Revoking
from caxton_node.trust.signing import Signing
from caxton_node.trust.stepping import Stepping
from caxton_node.trust.succession import Succession
from caxton_node.trust.survey import Survey
from swim import Address

LOOK_S, LOOKS = 5.0, 3

_log = get_logger("trust")


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may set.

    Attributes:
        check_interval_s: Time between two looks at this node's certificate.
        lifetime_days: Of certificates that this node signs.
        compare_interval_s: Time between two comparisons of trust with another member.
    """

    check_interval_s: float = 86_400.0
    lifetime_days: int = 365
    compare_interval_s: float = INTERVAL_S


class TrustService:
    """Keeps certificate, trust and revocations of a node as the cluster has them.

    Args:
        files: As they were read at the start.
        data_dir: Where they lie.
        cluster: Members, and requests to them.
        rotation: Changes the gossip keys.
        bus: Tells who comes.
        clock: Time.
        settings: What an operator may set.
        rng: Spreads and draws.

    Attributes:
        signing: Has certificates signed; lets the sponsor admit newcomers.
        renewing: Renews this node's certificate.
        revoking: Cuts nodes off.
        succession: Changes the CA.
        survey: Asks all members how they stand.
        expiry: Numbers and health.
    """

    def __init__(
        self,
        *,
        files: NodeFiles,
        data_dir: Path,
        cluster: Cluster,
        rotation: Rotation,
        bus: EventBus,
        clock: Clock,
        settings: Settings,
        rng: random.Random,
    ) -> None:
        self._cluster = cluster
        self._clock = clock
        self._keeper = keeper = Keeper(_held(files), data_dir / CERTIFICATES, clock)
        self.signing = Signing(keeper, cluster, signers=self._signers, lifetime_days=settings.lifetime_days)
        self.renewing = Renewing(keeper, self.signing, Schedule(settings.check_interval_s), rng)
        self._exchange = Exchange(keeper, cluster, rng, interval_s=settings.compare_interval_s)
        self.survey = Survey(cluster, self._exchange, clock)
        self.revoking = Revoking(
            keeper,
            cluster,
            signing=self.signing,
            survey=self.survey,
            rotation=rotation,
            signers=self._signers,
        )
        self._key_handing = KeyHanding(keeper, cluster, signers=self._signers)
        self.succession = Succession(
            keeper,
            cluster,
            signing=self.signing,
            stepping=Stepping(keeper, cluster, survey=self.survey, missing=self._missing),
            survey=self.survey,
            renewing=self.renewing,
        )
        self._announcing = Announcing(keeper, cluster, bus, catch_up=self._catch_up)
        self.expiry = Expiry(keeper, self.renewing, self.signing, self.revoking)
        self._outcast = Outcast(patience=LOOKS)
        self._tasks: list[asyncio.Task[None]] = []
        self._exchange.trouble = lambda: self.renewing.trouble
        self._exchange.after_put = self._key_handing.fetch
        bus.subscribe(MemberChanged, self._exchange.handle_member)
        keeper.listen(lambda held: cluster.use_credentials(held.credentials))

    @property
    def held(self) -> Holdings:
        """Return what this node holds."""
        return self._keeper.held

    @property
    def signs(self) -> bool:
        """Tell whether this node signs certificates now."""
        return self.held.signer is not None

    def listen(self, listener: Listener) -> None:
        """Give what is held to `listener` after every change."""
        self._keeper.listen(listener)

    def start(self) -> None:
        """Begin to look at certificates and to compare with others."""
        for work, name in (
            (self.renewing.watch(), "certificate-renewal"),
            (self._exchange.watch(), "trust-compare"),
            (self._watch(), "trust-watch"),
        ):
            self._start(work, name)

    async def compare_with(self, node: str, address: Address) -> None:
        """Learn what another node knows of trust, which need not be a member at present; or do without."""
        await self._exchange.try_compare(node, address)

    async def close(self) -> None:
        """Stop; a change that is being written is finished."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.revoking.close()
        await self._exchange.close()
        await self._announcing.close()

    # -- inside ---------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(tell_of_bug)
        self._tasks.append(task)

    def _signers(self) -> list[str]:
        cluster = self._cluster
        live = [member for member in cluster.members() if cluster.is_alive(member.node_id)]
        signing = [member.node_id for member in live if facts_of(member).signer]
        return [node for node in signing if node != cluster.node_id]

    def _missing(self) -> Sequence[str]:
        """List the members that count and are not here."""
        return [
            member.node_id
            for member in self._cluster.members()
            if self._cluster.sides.counts(member.node_id) and not self._cluster.is_alive(member.node_id)
        ]

    async def _catch_up(self) -> None:
        await self._exchange.compare_with_some(3)

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            await self._key_handing.fetch()
            await self.revoking.look()
            self._look_at_refusals()

    def _look_at_refusals(self) -> None:
        denied = self.held.revocations.denied_nodes
        verdict = self._outcast.judge(peer for peer in self._cluster.peers() if peer.node_id not in denied)
        if verdict is Verdict.REVOKED:
            self.revoking.note_self_revoked("it is not known here; ask on another node")
        elif verdict is not None:
            _log.error(WORDS[verdict], hint=WAY_OUT)


def _held(files: NodeFiles) -> Holdings:
    return Holdings(
        files.cluster,
        files.bundle,
        files.trust,
        files.revocations,
        files.authorities,
        files.bridge_pem,
    )
