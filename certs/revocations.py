"""All denials that a node knows: a set that only grows, so that nodes may exchange it in any order.

Intuition: two nodes that have heard the same denials hold the same set, whatever came first, twice, or by way
of whom. Rule: one entry for each thing denied (a serial number, or a node); of two about the same thing the
larger `Revocation.rank` holds; entries whose certificates have all ended are dropped. That is a join, so
merging is commutative, associative and idempotent, and a digest tells whether two nodes agree.

The set is bounded. Over the bound, the entries that end first go, on every node the same ones; whoever signs
looks at `is_full` first and says that a change of authorities denies everything at one stroke.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec

from certs.authority import Authority
from certs.errors import MalformedTrust, UntrustedRevocation
from certs.revocation import Revocation, decode_revocation
from certs.trust_list import TrustList

REVOCATIONS_MAX = 4096
ENTRY_BYTES_MAX = 512
VERSION = 1
_Key = tuple[str, int | None]


class _Written(msgspec.Struct, array_like=True, frozen=True):
    """A set as it travels."""

    version: Annotated[int, msgspec.Meta(ge=VERSION, le=VERSION)]
    entries: Annotated[
        list[Annotated[bytes, msgspec.Meta(max_length=ENTRY_BYTES_MAX)]],
        msgspec.Meta(max_length=REVOCATIONS_MAX),
    ]


_decode = msgspec.msgpack.Decoder(_Written).decode


class Revocations:
    """An immutable set of denials.

    Args:
        entries: Believed already; of two about the same certificates the larger holds.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: Iterable[Revocation] = ()) -> None:
        self._entries: dict[_Key, Revocation] = {}
        for entry in entries:
            known = self._entries.get(_key(entry))
            if known is None or entry.rank > known.rank:
                self._entries[_key(entry)] = entry

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Revocation]:
        """Go through them by node, the denial of the node itself first."""
        ordered = sorted(self._entries, key=lambda key: (key[0], -1 if key[1] is None else key[1]))
        return iter([self._entries[key] for key in ordered])

    def __eq__(self, other: object) -> bool:
        """Say whether two sets hold the same denials by the same authorities."""
        return isinstance(other, Revocations) and self.digest == other.digest

    def __hash__(self) -> int:
        """Return a hash that equal sets share."""
        return hash(self.digest)

    @property
    def digest(self) -> str:
        """Return a digest of what is denied and by whom.

        Who signed is part of it: a denial that was signed again in a change of authorities must spread, or it
        would lose force with the old one.
        """
        return hashlib.sha256(b"".join(sorted(each.id.encode() for each in self))).hexdigest()

    @property
    def is_full(self) -> bool:
        """Say whether one more would push another out."""
        return len(self) >= REVOCATIONS_MAX

    @property
    def denied_serials(self) -> frozenset[int]:
        """Return the certificates that are denied one by one."""
        return frozenset(each.serial for each in self._entries.values() if each.serial is not None)

    @property
    def denied_nodes(self) -> dict[str, datetime]:
        """Return for each denied node the date from which its certificates may begin again."""
        return {each.node_id: each.since for each in self._entries.values() if each.serial is None}

    def earliest_start(self, node_id: str) -> datetime | None:
        """Return when a new certificate of a node must begin to be good; None when it is not denied."""
        entry = self._entries.get((node_id, None))
        return None if entry is None else entry.since

    def find(self, node_id: str, *, serial: int, not_before: datetime) -> Revocation | None:
        """Return what denies a certificate, or None."""
        by_node = self._entries.get((node_id, None))
        if by_node is not None and by_node.denies(node_id, serial=serial, not_before=not_before):
            return by_node
        return next((each for each in self._entries.values() if each.serial == serial), None)

    def merge(self, other: Iterable[Revocation], trust: TrustList, now: datetime) -> Merged:
        """Take in what somebody else knows.

        Args:
            other: As it came; what is known already costs no look at its signature.
            trust: Whose signatures are believed.
            now: The present, with a time zone.
        """
        entries = dict(self._entries)
        refused: list[tuple[Revocation, str]] = []
        for entry in other:
            known = entries.get(_key(entry))
            if entry.until < now or (known is not None and entry.rank <= known.rank):
                continue
            try:
                entry.verify(trust, now)
            except UntrustedRevocation as err:
                refused.append((entry, str(err)))
            else:
                entries[_key(entry)] = entry
        living = sorted((each for each in entries.values() if each.until >= now), key=_lasting, reverse=True)
        kept, dropped = living[:REVOCATIONS_MAX], tuple(living[REVOCATIONS_MAX:])
        added = tuple(each for each in kept if self._entries.get(_key(each)) != each)
        return Merged(Revocations(kept), added, tuple(refused), dropped)

    def pruned(self, now: datetime) -> Revocations:
        """Return the set without denials of certificates that have all ended."""
        return Revocations(each for each in self._entries.values() if each.until >= now)

    def resigned(self, authority: Authority, revision: int) -> Revocations:
        """Return the set with every entry signed anew.

        The authority that signs from now on does this: what only the old one has signed is not believed any
        more when that one goes.

        Args:
            authority: The new one.
            revision: Of the trust list that made it the signer.
        """
        return Revocations(
            each if each.authority == authority.fingerprint else each.signed_by(authority, revision)
            for each in self._entries.values()
        )

    def encode(self) -> bytes:
        """Write the whole set, for a node that has none and for the disk."""
        return msgspec.msgpack.encode(_Written(VERSION, [each.encode() for each in self]))


@dataclass(frozen=True, slots=True)
class Merged:
    """What came of a merge.

    Attributes:
        revocations: What is known now.
        added: What was not known before; tell others.
        refused: What was not believed, each with the reason.
        dropped: What had no room any more; its certificates are good again, so somebody must be told.
    """

    revocations: Revocations
    added: tuple[Revocation, ...]
    refused: tuple[tuple[Revocation, str], ...]
    dropped: tuple[Revocation, ...] = ()


def decode_revocations(data: bytes) -> list[Revocation]:
    """Read a set; `Revocations.merge` says which of it is to be believed.

    Raises:
        MalformedTrust: It is none, of a later version, or over the bound.
    """
    try:
        written = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise MalformedTrust(f"a set of revocations cannot be read: {err}") from err
    return [decode_revocation(entry) for entry in written.entries]


def _lasting(entry: Revocation) -> tuple[datetime, tuple[datetime, datetime, int, bytes]]:
    return entry.until, entry.rank


def _key(entry: Revocation) -> _Key:
    # a serial number is unique within the cluster, so the node beside it is for people
    return (entry.node_id, None) if entry.serial is None else ("", entry.serial)
