"""What requests make of an agent's keys: quota, versions, compare-and-set. Pure.

A batch of requests of one agent works on a `Ledger`: the agent's account and those of its keys that the batch
names, as they are on the disk. Requests are done on it in order; what they changed is then written in one
piece, and answered when it is durable. So a reader sees what was written before it, and a pipeline of writes
costs one commit.

Versions are the agent's, not the key's: a key that is removed and written again never has a version that it
had before, which is what compare-and-set lives on.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec

from caxton_node.kv.acts import VALUE_BYTES_MAX, Delete, Get, Put, Write
from caxton_node.kv.settings import Settings
from caxton_node.messaging.platform_acts import Refused

_NULL = msgspec.Raw(b"null")
ABSENT = 0


@dataclass(slots=True)
class Account:
    """What an agent uses.

    Attributes:
        keys: How many keys it has.
        bytes: Of keys and values together.
        version: Of its last write.
    """

    keys: int = 0
    bytes: int = 0
    version: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """One key of an agent.

    Attributes:
        value: JSON.
        version: When it was written, counted in writes of the agent.
    """

    value: bytes
    version: int


@dataclass(slots=True)
class Ledger:
    """What a batch knows and changes.

    Attributes:
        account: What the agent uses.
        held: The keys that the batch names; those that are not there are left out.
        changed: The keys that differ from what is on the disk.
    """

    account: Account
    held: dict[str, Held]
    changed: set[str] = field(default_factory=set)

    def do(self, request: Get | Write, settings: Settings) -> dict[str, object]:
        """Carry out one request and return what the answer says.

        Raises:
            Refused: It would go beyond the quota, or the version is another; nothing was changed.
        """
        if isinstance(request, Get):
            return self._get(request)
        present = self.held.get(request.key)
        check_version(request, present.version if present else ABSENT)
        if isinstance(request, Put):
            return self._put(request, present, settings)
        return self._delete(request, present)

    def _get(self, request: Get) -> dict[str, object]:
        held = self.held.get(request.key)
        if held is None:
            return answer_get(request.key, None, ABSENT)
        return answer_get(request.key, held.value, held.version)

    def _put(self, request: Put, present: Held | None, settings: Settings) -> dict[str, object]:
        value = bytes(request.value)
        keys = self.account.keys + (present is None)
        size = self.account.bytes + size_of(request.key, value) - _size(request.key, present)
        check_value(request.key, value, VALUE_BYTES_MAX)
        if present is None and keys > settings.keys_max:
            raise Refused("quota", f"an agent may have {settings.keys_max:,} keys (kv.keys_max)")
        if size > settings.bytes_max and size > self.account.bytes:
            detail = f"{size:,} bytes of keys and values; {settings.bytes_max:,} are allowed (kv.bytes_max)"
            raise Refused("quota", detail)
        self.account.keys, self.account.bytes = keys, size
        self.account.version += 1
        self.held[request.key] = Held(value, self.account.version)
        self.changed.add(request.key)
        return {"key": request.key, "version": self.account.version}

    def _delete(self, request: Delete, present: Held | None) -> dict[str, object]:
        if present is not None:
            self.account.keys -= 1
            self.account.bytes -= _size(request.key, present)
            self.account.version += 1
            del self.held[request.key]
            self.changed.add(request.key)
        return {"key": request.key, "version": ABSENT}


def check_version(request: Write, present: int) -> None:
    """Refuse a write that expects another version.

    Raises:
        Refused: With the version that is there.
    """
    if request.if_version is not None and request.if_version != present:
        raise Refused("conflict", f"{request.key} has version {present}, not {request.if_version}")


def check_value(key: str, value: bytes, bytes_max: int) -> None:
    """Refuse a value that is too large.

    Raises:
        Refused: With its size.
    """
    if len(value) > bytes_max:
        raise Refused("too-large", f"the value of {key} has {len(value):,} bytes; {bytes_max:,} are allowed")


def answer_get(key: str, value: bytes | None, version: int) -> dict[str, object]:
    """Return what an answer says of one key."""
    return {"key": key, "value": _NULL if value is None else msgspec.Raw(value), "version": version}


def size_of(key: str, value: bytes) -> int:
    """Return what a key counts against the quota."""
    return len(key) + len(value)


def _size(key: str, held: Held | None) -> int:
    return 0 if held is None else size_of(key, held.value)
