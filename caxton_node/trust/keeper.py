"""Keeps what this node holds: a change is written to disk, then put in force, one at a time and to its end.

Whoever shows or trusts certificates listens here: the mesh, the gRPC server, what the node says of itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from cryptography import x509

from caxton_node.core.clock import Clock
from caxton_node.core.errors import InvalidArgument, LocalError, StateError
from caxton_node.observability.logs import get_logger
from caxton_node.trust.holdings import Holdings, Listener
from certs import Authority, CertificateError, NodeBundle, Revocation, TrustList, Validity, ValidityState
from certs.authority_files import write_authorities
from certs.bridge import leads_from
from certs.bridge_files import write_bridge
from certs.files import write_bundle
from certs.trust_files import write_revocations, write_trust

T = TypeVar("T")

_log = get_logger("trust")


class Keeper:
    """What this node holds, and the only place where that changes.

    Args:
        held: As it was read at the start.
        folder: Where it lies.
        clock: For dates.

    Attributes:
        held: What is in force.
        on_revoked: Called with revocations that were not known before, once they are in force.
    """

    def __init__(self, held: Holdings, folder: Path, clock: Clock) -> None:
        self.held = held
        self.on_revoked: Callable[[tuple[Revocation, ...]], None] = lambda _added: None
        self._folder = folder
        self._clock = clock
        self._listeners: list[Listener] = []
        self._changing = asyncio.Lock()
        self._changes: set[asyncio.Task[Any]] = set()

    @property
    def now(self) -> datetime:
        """Return the present by this node's wall clock."""
        return datetime.fromtimestamp(self._clock.unix_us() / 1e6, UTC)

    def listen(self, listener: Listener) -> None:
        """Give what is held to `listener` after every change."""
        self._listeners.append(listener)

    async def renew(self, certificate_pem: bytes, key_pem: bytes) -> None:
        """Show another certificate from now on.

        Raises:
            StateError: It is not this node's, not about this key, not signed by who is trusted, or outside
                its dates, so that every peer would refuse it.
            LocalError: It cannot be written; the old one stays in force.
        """
        await self._as_a_whole(self._renew(certificate_pem, key_pem))

    async def adopt(self, offered: TrustList, *, bridge_pem: bytes = b"", by: str = "") -> bool:
        """Trust as another list says, if it takes the place of this one; return whether it did.

        Raises:
            StateError: It is not to be believed, or would cut this node off; nothing was changed.
            LocalError: It cannot be written; the old one stays in force.
        """
        return await self._as_a_whole(self._adopt(offered, bridge_pem, by))

    async def merge(self, revocations: Iterable[Revocation]) -> tuple[Revocation, ...]:
        """Refuse revoked certificates from now on; return the revocations that were not known.

        Raises:
            LocalError: They cannot be written; nothing was changed.
        """
        return await self._as_a_whole(self._merge(list(revocations)))

    async def keep_key(self, authority: Authority) -> None:
        """Hold another CA key.

        Raises:
            LocalError: It cannot be written; it is not held.
        """
        await self._as_a_whole(self._keep_key(authority))

    async def announce(self, bridge_pem: bytes) -> bool:
        """Believe in a successor for which an authority in force vouches; return whether that is new.

        It is forgotten when the node stops, or when the trust list comes that names it.
        """
        return await self._as_a_whole(self._announce(bridge_pem))

    # -- inside ---------------------------------------------------------------------------------------------

    async def _as_a_whole(self, change: Coroutine[Any, Any, T]) -> T:
        """Wait for a change that goes on when the waiting is given up: disk and memory must stay the same."""
        task = asyncio.create_task(change, name="trust-change")
        self._changes.add(task)
        task.add_done_callback(self._changes.discard)
        return await asyncio.shield(task)

    async def _renew(self, certificate_pem: bytes, key_pem: bytes) -> None:
        async with self._changing:
            old = self.held.bundle
            bundle = NodeBundle(old.node_id, certificate_pem, key_pem, self.held.trust.ca_pem)
            try:
                validity = bundle.check(self.now)
            except CertificateError as err:
                raise StateError("the new certificate cannot be used", why=str(err)) from err
            _check_dates(validity)
            await self._write(partial(write_bundle, self._folder, bundle))
            self._put_in_force(replace(self.held, bundle=bundle))
        _log.info("certificate renewed", serial=f"{bundle.serial_number:x}", until=str(validity.not_after))

    async def _adopt(self, offered: TrustList, bridge_pem: bytes, by: str) -> bool:
        async with self._changing:
            held = self.held
            try:
                trust = held.trust.accept(offered, self.now)
            except CertificateError as err:
                raise StateError("the trust list is not believed", why=str(err)) from err
            if trust is held.trust:
                return False
            _check_stays_in(held, trust)
            following = _following(held, trust, bridge_pem)
            if following.authorities != held.authorities:  # first: one without its certificate is not read
                await self._write(partial(write_authorities, self._folder, following.authorities))
            if following.bridge_pem != held.bridge_pem:
                await self._write(partial(write_bridge, self._folder, following.bridge_pem))
            await self._write(partial(write_trust, self._folder, trust))
            self._put_in_force(following)
        _log.info(
            "trust changed",
            revision=trust.revision,
            signs=trust.primary[:16],
            trusted=[each[:16] for each in trust.fingerprints],
            by=by,
        )
        return True

    async def _merge(self, revocations: list[Revocation]) -> tuple[Revocation, ...]:
        async with self._changing:
            known = self.held.revocations
            merged = known.merge(revocations, self.held.trust, self.now)
            for revocation, why in merged.refused:
                _log.warning("a revocation is not believed", node=revocation.node_id, reason=why)
            for revocation in merged.dropped:
                _log.error("no room for a revocation", node=revocation.node_id, until=str(revocation.until))
            if not merged.added and len(merged.revocations) == len(known):
                return ()
            await self._write(partial(write_revocations, self._folder, merged.revocations))
            self._put_in_force(replace(self.held, revocations=merged.revocations))
        # One that was only signed by another authority is not news.
        news = tuple(each for each in merged.added if known.earliest_start(each.node_id) != each.since)
        if news:
            self.on_revoked(news)
        return news

    async def _keep_key(self, authority: Authority) -> None:
        async with self._changing:
            held = [key for key in self.held.authorities if key.fingerprint != authority.fingerprint]
            authorities = (*held, authority)
            await self._write(partial(write_authorities, self._folder, authorities))
            self._put_in_force(replace(self.held, authorities=authorities))

    async def _announce(self, bridge_pem: bytes) -> bool:
        async with self._changing:
            held = self.held
            if held.announced_pem or not _is_new_successor(bridge_pem, held.trust):
                return False
            self._put_in_force(replace(held, announced_pem=bridge_pem))
        return True

    async def _write(self, write: Callable[[], None]) -> None:
        """Write first: what is in force must be there after a restart."""
        try:
            await asyncio.to_thread(write)
        except OSError as err:
            raise LocalError(
                "certificates cannot be written",
                why=str(err),
                hint="what was in force stays in force; see to the disk and try again",
            ) from err

    def _put_in_force(self, held: Holdings) -> None:
        self.held = held
        for listener in self._listeners:
            listener(held)


def _check_dates(validity: Validity) -> None:
    if validity.state not in {ValidityState.VALID, ValidityState.RENEWAL_DUE}:
        raise StateError(
            "the new certificate cannot be used",
            why=f"it is good from {validity.not_before.isoformat()} until {validity.not_after.isoformat()}",
            hint="the signer's clock or this one is off; the old certificate stays in force",
        )


def _following(held: Holdings, trust: TrustList, bridge_pem: bytes) -> Holdings:
    """Return what a node holds under another list: keys of CAs that are not in it are worth nothing."""
    return replace(
        held,
        trust=trust,
        bundle=replace(held.bundle, ca_pem=trust.ca_pem),
        authorities=tuple(key for key in held.authorities if key.fingerprint in trust.fingerprints),
        bridge_pem=bridge_pem if _is_bridge(bridge_pem, held, trust) else held.bridge_pem,
        announced_pem=b"",
    )


def _check_stays_in(held: Holdings, trust: TrustList) -> None:
    """Refuse a list under which this node's own certificate is worth nothing."""
    if held.bundle.authority not in trust.fingerprints:
        raise StateError(
            "the certificate of this node is of a CA that the list does not have any more",
            why="it has not been renewed",
            hint="caxton security renew, while the old CA is still trusted",
        )


def _is_bridge(bridge_pem: bytes, held: Holdings, trust: TrustList) -> bool:
    """Tell whether a certificate leads from an authority that is or was in force to the one that signs."""
    certificate = _parse(bridge_pem)
    primary = trust.find(trust.fingerprints[-1])
    if certificate is None or primary is None or certificate.public_key() != primary.public_key():
        return False
    return any(leads_from(certificate, old) for old in {*held.trust.authorities, *trust.authorities})


def _is_new_successor(bridge_pem: bytes, trust: TrustList) -> bool:
    certificate = _parse(bridge_pem)
    if certificate is None:
        raise InvalidArgument("a bridge between authorities cannot be read")
    if any(certificate.public_key() == known.public_key() for known in trust.authorities):
        return False
    return any(leads_from(certificate, old) for old in trust.authorities)


def _parse(bridge_pem: bytes) -> x509.Certificate | None:
    try:
        return x509.load_pem_x509_certificate(bridge_pem) if bridge_pem else None
    except ValueError:
        return None
