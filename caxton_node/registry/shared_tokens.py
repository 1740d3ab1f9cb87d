"""API keys made good on every node: what is known of them travels as registry entries of the kind `token`.

Only hashes, names, grants and dates travel; the text of a key is never stored anywhere. When a key was shown
last is an entry of the kind `token-use` for each node that saw it: two nodes never write the same one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from caxton_node.registry.entry import Entry
from caxton_node.registry.service import Registry
from caxton_node.registry.values import ValueReader
from caxton_node.security.key_register import Changes
from caxton_node.security.store import ID_DIGITS, TokenRecord

KIND, USE_KIND = "token", "token-use"


class _Value(msgspec.Struct, array_like=True, frozen=True):
    """A key as it travels; the fields of a `TokenRecord`, later ones last."""

    hash: str
    kind: str
    name: str
    role: str
    created_unix_s: int
    expires_unix_s: int | None
    uses_left: int | None
    issuer: str = ""
    revoked_unix_s: int | None = None


_READER = ValueReader(_Value)
_USES = ValueReader(int)


class SharedTokens:
    """The API keys of the whole cluster, by hash; implements `security.key_register.KeyRegister`.

    Args:
        registry: Where they travel.
        node_id: This node.
    """

    def __init__(self, registry: Registry, node_id: str = "") -> None:
        self._registry = registry
        self._node_id = node_id

    def find(self, hash_hex: str) -> TokenRecord | None:
        """Return the key with this hash that some node has published, if this node can read it."""
        entry = self._registry.find_entry(KIND, hash_hex)
        return None if entry is None else _read(entry)

    def all(self) -> list[TokenRecord]:
        """Return the keys that this node can read."""
        found = map(_read, self._registry.entries(KIND))
        return [record for record in found if record is not None]

    def put(self, record: TokenRecord) -> None:
        """Let all nodes know this of a key; repeating it changes nothing."""
        self._registry.put_entry(KIND, record.hash, msgspec.msgpack.encode(_value_of(record)))

    def forget(self, hash_hex: str) -> None:
        """Let all nodes know nothing of a key any more."""
        self._registry.remove_entry(KIND, hash_hex)

    def was_forgotten(self, hash_hex: str) -> bool:
        """Tell whether a key was forgotten not long ago."""
        return self._registry.was_deleted(KIND, hash_hex)

    def watch(self, listener: Callable[[Changes], None]) -> None:
        """Tell of keys that are not what they were; None for one that is gone, or cannot be read."""

        def tell(entries: Sequence[Entry]) -> None:
            listener([(entry.key, _read(entry)) for entry in entries])

        self._registry.watch(KIND, tell)

    def put_use(self, hash_hex: str, unix_s: int) -> None:
        """Let all nodes know when a key was shown to this one."""
        self._registry.put_entry(
            USE_KIND, f"{hash_hex[:ID_DIGITS]}@{self._node_id}", msgspec.msgpack.encode(unix_s)
        )

    def forget_uses(self, hash_hex: str) -> None:
        """Forget when a key was shown."""
        for entry in self._registry.entries(USE_KIND):
            if entry.key.startswith(f"{hash_hex[:ID_DIGITS]}@"):
                self._registry.remove_entry(USE_KIND, entry.key)

    def uses(self) -> dict[str, int]:
        """Return when each key was shown last to any node, by its id."""
        found: dict[str, int] = {}
        for entry in self._registry.entries(USE_KIND):
            key_id = entry.key.partition("@")[0]
            found[key_id] = max(_USES.find(entry) or 0, found.get(key_id, 0))
        return found


def _read(entry: Entry) -> TokenRecord | None:
    value = _READER.find(entry)
    if value is None or value.hash != entry.key:
        return None
    return TokenRecord(*(getattr(value, name) for name in value.__struct_fields__))


def _value_of(record: TokenRecord) -> _Value:
    return _Value(*(getattr(record, name) for name in _Value.__struct_fields__))
