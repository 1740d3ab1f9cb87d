"""When a key was shown last: kept to a quarter of an hour, since knowing it better costs a write per call."""

from __future__ import annotations

from collections import OrderedDict

from caxton_node.security.key_register import KeyRegister

INTERVAL_S = 900
KEYS_MAX = 10_000


class KeyUses:
    """Tells all nodes, now and then, which keys are in use.

    Args:
        register: Where that travels.
    """

    def __init__(self, register: KeyRegister) -> None:
        self._register = register
        self._told: OrderedDict[str, int] = OrderedDict()

    def note(self, hash_hex: str, now_unix_s: int) -> None:
        """Note that a key was shown here; the others are told if that is news."""
        told = self._told.get(hash_hex)
        if told is not None and now_unix_s - told < INTERVAL_S:
            return
        self._told[hash_hex] = now_unix_s
        self._told.move_to_end(hash_hex)
        if len(self._told) > KEYS_MAX:
            self._told.popitem(last=False)
        self._register.put_use(hash_hex, now_unix_s)

    def all(self) -> dict[str, int]:
        """Return when each key was shown last, by its id, to a quarter of an hour."""
        return self._register.uses()

    def forget(self, hash_hex: str) -> None:
        """Forget when a key was shown."""
        self._told.pop(hash_hex, None)
        self._register.forget_uses(hash_hex)
