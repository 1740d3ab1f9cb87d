"""Handing the key of a new CA to members that hold the key of the old one.

Every member that signed before a change of the CA should sign after it, or joining would come to depend on
one node. The key travels inside mutual TLS, and only to a node that proves, by a signature over both ends'
ids, that it holds the key of an authority in force: a member that never signed cannot get to sign so. Who
takes a key checks that it is the one of an authority in its own trust list.

Source: story 022; the rejected alternative, copying `ca.key` by hand, leaves every signer but one behind.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caxton_node.cluster.service import Cluster
from caxton_node.core.errors import CaxtonError, Forbidden, NotFound
from caxton_node.observability.logs import get_logger
from caxton_node.trust.keeper import Keeper
from caxton_node.trust.wire import KeyRequest, decode, encode
from certs import Authority, CertificateError
from certs.endorsement import Purpose, is_signed_by

KEY = "trust.key"
TIMEOUT_S = 5.0

_log = get_logger("trust")


class KeyHanding:
    """Fetches CA keys that this node should hold, and hands out those that it does.

    Args:
        keeper: What this node holds.
        cluster: Members, and requests to them.
        signers: Returns the ids of alive members that sign, this node excluded.
    """

    def __init__(self, keeper: Keeper, cluster: Cluster, *, signers: Callable[[], Sequence[str]]) -> None:
        self._keeper = keeper
        self._cluster = cluster
        self._signers = signers
        cluster.serve(KEY, self._handle_key)

    @property
    def wanted(self) -> list[str]:
        """List the authorities in force whose key this node lacks; none if it holds no key of theirs."""
        held = {authority.fingerprint for authority in self._keeper.held.authorities}
        trusted = self._keeper.held.trust.fingerprints
        return [each for each in trusted if each not in held] if held.intersection(trusted) else []

    async def fetch(self) -> None:
        """Fetch the keys that are wanted, from whoever has them; one that nobody has stays wanted."""
        for fingerprint in self.wanted:
            for signer in self._signers():
                if await self._try_fetch(signer, fingerprint):
                    break

    async def _try_fetch(self, signer: str, wanted: str) -> bool:
        try:
            request = self._proof(signer, wanted)
            key_pem = await self._cluster.request(signer, KEY, encode(request), TIMEOUT_S)
            certificate_pem = self._keeper.held.trust.ca_pem
            authority = Authority.load(certificate_pem, key_pem)
            if authority.fingerprint != wanted:
                raise Forbidden("another key came than was asked for", why=authority.fingerprint[:16])
            await self._keeper.keep_key(authority)
        except (CaxtonError, CertificateError) as err:
            _log.warning("a CA key was not handed over", signer=signer, ca=wanted[:16], reason=str(err))
            return False
        _log.info("CA key taken over", signer=signer, ca=wanted[:16])
        return True

    def _proof(self, giver: str, wanted: str) -> KeyRequest:
        """Prove that this node holds a key of the list; the first one will do."""
        trusted = self._keeper.held.trust.fingerprints
        mine = next(key for key in self._keeper.held.authorities if key.fingerprint in trusted)
        statement = _statement(giver=giver, taker=self._cluster.node_id, wanted=wanted)
        return KeyRequest(mine.fingerprint, mine.endorse(Purpose.CA_KEY_WANTED, statement).signature, wanted)

    async def _handle_key(self, peer: str, payload: bytes) -> bytes:
        request = decode(payload, KeyRequest)
        held = self._keeper.held
        authority = held.trust.find(request.authority)
        statement = _statement(giver=self._cluster.node_id, taker=peer, wanted=request.wanted)
        if authority is None or not is_signed_by(
            authority, Purpose.CA_KEY_WANTED, statement=statement, signature=request.signature
        ):
            _log.error("a member asked for a CA key and holds none", member=peer)
            raise Forbidden("no CA key is handed over", why="the asker has not proved that it holds one")
        found = [key for key in held.authorities if key.fingerprint == request.wanted]
        if not found or request.wanted not in held.trust.fingerprints:
            raise NotFound("that CA key is not here")
        _log.warning("CA key handed to a member that signs", member=peer, ca=request.wanted[:16])
        return found[0].key_pem


def _statement(*, giver: str, taker: str, wanted: str) -> bytes:
    return f"{giver}\0{taker}\0{wanted}".encode()
