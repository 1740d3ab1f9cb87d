"""Changing the CA of a running cluster, step by step, each confirmed by every live member before the next.

    announce   everybody trusts the new CA beside the old one, which goes on signing
    switch     the new one signs; clients and nodes that know only the old one follow a bridge
    renew      every live member shows a certificate of the new one
    retire     nobody trusts the old one any more

Any member can drive it; the trust lists are signed by a member that holds the CA key. Where it stands is
written in the list itself, so a change that stopped goes on with the same command on any member. Until
`retire` everything that was good before is good still.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import InvalidArgument
from caxton_node.observability.logs import get_logger
from caxton_node.trust.exchange import whole
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.renewing import Renewing
from caxton_node.trust.signing import SIGN_TIMEOUT_S, Signing
from caxton_node.trust.stepping import NEXT, Stepping
from caxton_node.trust.steps import Step, StepName, check_done, check_settled, failed, judged
from caxton_node.trust.survey import Survey
from caxton_node.trust.wire import Bundle, Shown, StepRequest, decode, encode
from certs import CertificateError, decode_trust_list
from certs.rotation import Stage, stage_of

RENEW_NOW = "trust.renew-now"

_log = get_logger("trust")


class Succession:
    """Puts another CA in the place of the one that signs.

    Args:
        keeper: What this node holds.
        cluster: Members, and requests to them.
        signing: For asking signers.
        stepping: Makes the next trust list, where a CA key lies.
        survey: Asks everybody.
        renewing: Renews this node's certificate.
    """

    def __init__(
        self,
        keeper: Keeper,
        cluster: Cluster,
        *,
        signing: Signing,
        stepping: Stepping,
        survey: Survey,
        renewing: Renewing,
    ) -> None:
        self._keeper = keeper
        self._cluster = cluster
        self._signing = signing
        self._stepping = stepping
        self._survey = survey
        self._renewing = renewing
        cluster.serve(RENEW_NOW, self._handle_renew_now)

    @property
    def stage(self) -> Stage:
        """Return where a change of the CA stands, as far as this node knows."""
        return stage_of(self._keeper.held.trust)

    async def rotate(self, *, force: bool = False) -> AsyncIterator[Step]:
        """Go from wherever it stands to the end, and stop at the first step that not everybody confirms.

        Raises:
            StateError: It is at the end, and some live members do not know that yet. Never with `force`.
            CaNotRetirable: Members that count are away, or have not renewed: the old CA stays. Never with
                `force`.
            Unavailable: No signer can be reached, or members have not confirmed a step. Never with `force`.
        """
        if self.stage is Stage.SETTLED and not force:
            check_settled(await self._survey.show(), self._keeper.held.trust.digest)
        if self.stage in {Stage.SETTLED, Stage.ANNOUNCED}:
            yield (step := await self._announce())
            check_done(step, force=force)
        if self.stage is Stage.ANNOUNCED:
            yield (step := await self._take(StepName.SWITCH))
            check_done(step, force=force)
        yield (step := await self._renew_all())
        check_done(step, force=force)
        yield (step := await self._retire(force=force))
        check_done(step, force=force)

    async def take(self, name: StepName, *, force: bool = False) -> AsyncIterator[Step]:
        """Take one step.

        Raises:
            StateError: It does not follow on where the change stands; nothing was changed.
            Unavailable: No signer can be reached, or members have not confirmed it. Never with `force`.
        """
        match name:
            case StepName.RENEW:
                step = await self._renew_all()
            case StepName.RETIRE:
                step = await self._retire(force=force)
            case StepName.SWITCH if self.stage is Stage.ANNOUNCED:
                check_done(await self._announce(), force=force)
                step = await self._take(name)
            case _:
                step = await self._take(name)
        yield step
        check_done(step, force=force)

    # -- steps ----------------------------------------------------------------------------------------------

    async def _take(self, name: StepName, *, force: bool = False) -> Step:
        """Have the next list made and signed, and give it to every live member."""
        before = self._keeper.held.trust
        request = StepRequest(name.value, before.digest, force)
        bundle = await self._made(request)
        try:
            trust = decode_trust_list(bundle.trust)
        except CertificateError as err:
            raise InvalidArgument("the trust list of the signer cannot be read", why=str(err)) from err
        nodes = await self._survey.put(bundle)
        _log.info("a step of a change of the CA", step=str(name), revision=trust.revision)
        return Step(name, trust.primary, trust.revision, judged(nodes, trust))

    async def _announce(self) -> Step:
        """Announce a CA, or see that the one that is announced is trusted by every live member.

        A member that does not trust it yet would refuse those that show a certificate of it.
        """
        if self.stage is Stage.SETTLED:
            return await self._take(StepName.ANNOUNCE)
        trust = self._keeper.held.trust
        nodes = await self._survey.put(whole(self._keeper.held))
        return Step(StepName.ANNOUNCE, trust.primary, trust.revision, judged(nodes, trust))

    async def _made(self, request: StepRequest) -> Bundle:
        if self._stepping.is_able:
            return await self._stepping.make(request)

        async def ask(signer: str) -> bytes:
            return await self._cluster.request(signer, NEXT, encode(request), SIGN_TIMEOUT_S)

        return decode(await self._signing.ask_signers(ask), Bundle)

    async def _renew_all(self) -> Step:
        """Let every live member renew now whose certificate is of another CA than the one that signs."""
        trust = self._keeper.held.trust
        nodes = await self._survey.ask_everybody(self._ask_to_renew)
        judged = [
            found if found.error or found.shown.issuer == trust.primary else failed(found, _STILL_OLD)
            for found in nodes
        ]
        return Step(StepName.RENEW, trust.primary, trust.revision, tuple(judged))

    async def _retire(self, *, force: bool) -> Step:
        if not force:  # here too, since of the signer's refusal only the words come back
            await self._stepping.check_retirable()
        return await self._take(StepName.RETIRE, force=force)

    async def _ask_to_renew(self, node: str) -> Shown:
        if node == self._cluster.node_id:
            await self._renewing.renew_if_due()
        return await self._survey.ask(node, RENEW_NOW, encode(whole(self._keeper.held)))

    async def _handle_renew_now(self, peer: str, payload: bytes) -> bytes:
        """Renew if that is due, by what the asker trusts."""
        await self._survey.exchange.take(decode(payload, Bundle), by=peer)
        await self._renewing.renew_if_due()
        return encode(self._survey.exchange.shown)


_STILL_OLD = "its certificate is still of another CA"
