"""What API keys need of whatever carries them between the nodes; `registry/shared_tokens.py` provides it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from caxton_node.security.store import TokenRecord

Changes = Iterable[tuple[str, TokenRecord | None]]


class KeyRegister(Protocol):
    """What is known of the keys of all nodes, by hash."""

    def find(self, hash_hex: str) -> TokenRecord | None:
        """Return what is known of a key."""
        ...

    def all(self) -> list[TokenRecord]:
        """Return what is known of all keys."""
        ...

    def put(self, record: TokenRecord) -> None:
        """Let all nodes know this of a key."""
        ...

    def forget(self, hash_hex: str) -> None:
        """Let all nodes know nothing of a key any more."""
        ...

    def was_forgotten(self, hash_hex: str) -> bool:
        """Tell whether a key was forgotten not long ago."""
        ...

    def watch(self, listener: Callable[[Changes], None]) -> None:
        """Tell of keys that are not what they were, here or elsewhere; None for one that is gone."""
        ...

    def put_use(self, hash_hex: str, unix_s: int) -> None:
        """Let all nodes know when a key was shown to this one."""
        ...

    def uses(self) -> dict[str, int]:
        """Return when each key was shown last to any node, by its id; to a quarter of an hour."""
        ...

    def forget_uses(self, hash_hex: str) -> None:
        """Forget when a key was shown."""
        ...
