"""Making the next trust list of a change of the CA, on a member that holds the CA key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.serialization import Encoding

from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import StateError
from caxton_node.observability.logs import get_logger
from caxton_node.trust.exchange import whole
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.steps import STAGE_BEFORE, StepName, check_retirable, read_step
from caxton_node.trust.survey import Survey
from caxton_node.trust.wire import Bundle, StepRequest, decode, encode
from certs import Authority, CertificateError, TrustList
from certs.bridge import bridge
from certs.rotation import abandon, announce, retire, stage_of, switch

NEXT = "trust.next"

_log = get_logger("trust")


class Stepping:
    """Makes and signs trust lists for this node and for members that drive a change without a CA key.

    Args:
        keeper: What this node holds.
        cluster: For answering members.
        survey: Asks everybody.
        missing: Returns the members that count and are not alive.
    """

    def __init__(
        self, keeper: Keeper, cluster: Cluster, *, survey: Survey, missing: Callable[[], Sequence[str]]
    ) -> None:
        self._keeper = keeper
        self._survey = survey
        self._missing = missing
        self._making = asyncio.Lock()
        cluster.serve(NEXT, self._handle_next)

    @property
    def is_able(self) -> bool:
        """Tell whether the key of a CA in force lies here."""
        held = self._keeper.held
        return any(key.fingerprint in held.trust.fingerprints for key in held.authorities)

    async def make(self, request: StepRequest) -> Bundle:
        """Take a step here, and return what others are to take over.

        Raises:
            StateError: It does not follow on the list in force here, or no CA key is here.
            CaNotRetirable: The old CA would go and somebody needs it. Never with `request.force`.
            LocalError: It cannot be written; nothing was changed.
        """
        async with self._making:
            name = read_step(request.step)
            self._check(name, request.digest)
            if name is StepName.RETIRE and not request.force:  # whoever asks: this node answers for its name
                await self.check_retirable()
            try:
                trust, bridge_pem = await self._next(name)
            except CertificateError as err:
                raise StateError(f"the step {name} cannot be taken", why=str(err)) from err
            await self._keeper.adopt(trust, bridge_pem=bridge_pem, by=f"the step {name}")
            if name is StepName.SWITCH:
                await self._sign_revocations_again()
        return whole(self._keeper.held)

    async def check_retirable(self) -> None:
        """Make sure that nobody needs the old CA any more, as far as this node can see.

        Raises:
            CaNotRetirable: Somebody does.
        """
        primary = self._keeper.held.trust.primary
        check_retirable(await self._survey.show(), primary, self._missing())

    # -- inside ---------------------------------------------------------------------------------------------

    def _check(self, name: StepName, digest: str) -> None:
        trust = self._keeper.held.trust
        if digest != trust.digest:
            raise StateError(
                "the member that signs trusts another list than the one that drives the change",
                why=f"here it is revision {trust.revision}",
                hint="they compare by themselves within a minute; then give the command again",
            )
        stage = stage_of(trust)
        if name not in STAGE_BEFORE or STAGE_BEFORE[name] is not stage or name is StepName.RENEW:
            raise StateError(
                f"the step {name} does not follow",
                why=f"the change of the CA is {stage}",
                hint="caxton security ca status shows where it stands",
            )

    async def _next(self, name: StepName) -> tuple[TrustList, bytes]:
        held = self._keeper.held
        match name:
            case StepName.ANNOUNCE:
                return await self._announce(held.trust), b""
            case StepName.SWITCH:
                return self._switch(held.trust)
            case StepName.RETIRE:
                return retire(held.trust, held.authorities), b""
            case _:
                return abandon(held.trust, held.authorities), b""

    async def _announce(self, trust: TrustList) -> TrustList:
        signer = self._keeper.held.signer
        if signer is None:
            raise StateError("no successor can be made here", why="the key of the CA in force is not here")
        successor = Authority.create(trust.cluster, self._keeper.now)
        following = announce(trust, successor, [signer])
        # Before the list that names it: a list whose CA has no key would lead nowhere.
        await self._keeper.keep_key(successor)
        _log.warning(
            "a new CA was made",
            ca=successor.fingerprint,
            until=str(successor.certificate.not_valid_after_utc),
        )
        return following

    def _switch(self, trust: TrustList) -> tuple[TrustList, bytes]:
        """Let the new CA sign; only now does the old one vouch for it: a bridge cannot be taken back."""
        self._check_has_new_key(trust)
        signer = self._keeper.held.signer
        if signer is None:
            raise StateError(
                "nobody vouches for the new CA here", why="the key of the CA that signs is not here"
            )
        bridge_pem = bridge(signer, trust.authorities[-1]).public_bytes(Encoding.PEM)
        return switch(trust, self._keeper.held.authorities), bridge_pem

    def _check_has_new_key(self, trust: TrustList) -> None:
        new = trust.fingerprints[-1]
        if all(key.fingerprint != new for key in self._keeper.held.authorities):
            raise StateError(
                "the new CA cannot begin to sign here",
                why="its key is not here",
                hint="start the member that made it, or caxton security ca rotate --step abandon",
            )

    async def _sign_revocations_again(self) -> None:
        """Or they would lose their force when the CA goes that has signed them."""
        held = self._keeper.held
        if held.signer is not None:
            await self._keeper.merge(held.revocations.resigned(held.signer, held.trust.revision))

    async def _handle_next(self, peer: str, payload: bytes) -> bytes:
        request = decode(payload, StepRequest)
        bundle = await self.make(request)
        _log.warning(
            "a step of a change of the CA was made for a member",
            member=peer,
            step=request.step,
            forced=request.force,
        )
        return encode(bundle)
