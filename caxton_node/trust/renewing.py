"""Renews this node's certificate: when it is due by `renewal.py`, when somebody asks, or another CA signs.

The new key never leaves this node. Links that are up go on with the certificate that they began with; new
ones show the new certificate from the moment it is on disk.
"""

from __future__ import annotations

import asyncio
import random

from caxton_node.core.errors import CaxtonError, InternalError, InvalidArgument
from caxton_node.observability.logs import get_logger
from caxton_node.trust.holdings import Holdings
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.renewal import SWITCH_SPREAD_S, Due, Schedule, due
from caxton_node.trust.signing import Signing
from caxton_node.trust.wire import RenewalRequest
from certs import CertificateError, TrustList, decode_trust_list, make_request

_log = get_logger("trust")


class Renewing:
    """Keeps the certificate of this node from running out.

    Args:
        keeper: What this node holds.
        signing: Who signs.
        schedule: How often to look.
        rng: Spreads the looks of the nodes.

    Attributes:
        renewals: How often it was renewed since the start.
        failures: How often that failed since the start.
        trouble: Why the latest try failed; empty when it did not.
    """

    def __init__(self, keeper: Keeper, signing: Signing, schedule: Schedule, rng: random.Random) -> None:
        self.renewals = 0
        self.failures = 0
        self.trouble = ""
        self._failed_in_a_row = 0
        self._keeper = keeper
        self._signing = signing
        self._schedule = schedule
        self._rng = rng
        self._renewing = asyncio.Lock()
        self._primary = keeper.held.trust.primary
        self._switched = asyncio.Event()
        keeper.listen(self._handle_change)

    @property
    def due(self) -> Due:
        """Say whether the certificate is to be renewed, and why."""
        held = self._keeper.held
        return due(
            held.validity(self._keeper.now), signed_by=held.bundle.authority, primary=held.trust.primary
        )

    async def renew(self) -> None:
        """Get another certificate now and show it from now on.

        Raises:
            CaxtonError: Why there is none; the old one stays in use.
        """
        async with self._renewing:
            try:
                await self._renew()
            except CertificateError as err:
                raise self._note_failure(InternalError("no request could be made", why=str(err))) from err
            except CaxtonError as err:
                raise self._note_failure(err) from None
        self.renewals += 1
        self.trouble, self._failed_in_a_row = "", 0

    async def renew_if_due(self) -> Due:
        """Renew if it is due; return why it was."""
        reason = self.due
        if reason is not Due.NOT:
            await self.renew()
        return reason

    async def watch(self) -> None:
        """Look at the certificate for ever, and renew it when it is due."""
        wait_s = self._schedule.first_wait_s(self._rng)
        while True:
            await self._pause(wait_s)
            wait_s = await self._look()

    # -- inside ---------------------------------------------------------------------------------------------

    async def _look(self) -> float:
        """Renew if it is due; return the time until the next look."""
        validity, now = self._keeper.held.validity(self._keeper.now), self._keeper.now
        try:
            await self.renew_if_due()
        except CaxtonError as err:
            wait_s = self._schedule.retry_wait_s(self._failed_in_a_row, validity, self._rng)
            _log.warning(
                "the certificate could not be renewed",
                reason=str(err),
                until=str(validity.not_after),
                failures=self._failed_in_a_row,
                retry_in_s=round(wait_s),
            )
            return wait_s
        return self._schedule.next_wait_s(self._keeper.held.validity(now), now, self._rng)

    async def _pause(self, wait_s: float) -> None:
        """Wait, but only a chance part of a minute when another authority begins to sign meanwhile."""
        try:
            async with asyncio.timeout(wait_s):  # wait_for of Python 3.11 may swallow that it is cancelled
                await self._switched.wait()
        except TimeoutError:
            return
        self._switched.clear()
        await asyncio.sleep(self._rng.uniform(0, min(SWITCH_SPREAD_S, wait_s)))

    async def _renew(self) -> None:
        held = self._keeper.held
        key_pem, csr_pem = make_request(held.bundle.node_id)
        signed = await self._signing.renew(RenewalRequest(csr_pem, held.bundle.certificate_pem))
        if signed.trust:  # who signed may know of a change that has not come here yet
            await self._keeper.adopt(_read(signed.trust), by="a signer")
        await self._keeper.renew(signed.certificate_pem, key_pem)

    def _note_failure(self, error: CaxtonError) -> CaxtonError:
        self.failures += 1
        self._failed_in_a_row += 1
        self.trouble = str(error)
        return error

    def _handle_change(self, held: Holdings) -> None:
        if held.trust.primary != self._primary:
            self._primary = held.trust.primary
            self._switched.set()


def _read(trust: bytes) -> TrustList:
    try:
        return decode_trust_list(trust)
    except CertificateError as err:
        raise InvalidArgument("the trust list of the signer cannot be read", why=str(err)) from err
