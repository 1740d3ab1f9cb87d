"""What every authenticator does; `identity.py` asks exactly one of them about each credential."""

from __future__ import annotations

from typing import Protocol

from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import Principal


class Authenticator(Protocol):
    """Recognises callers by one kind of credential."""

    def knows(self, credentials: Credentials) -> bool:
        """Tell by its form alone whether a credential is of this kind; costs no look at any store."""
        ...

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who shows such a credential.

        Raises:
            Unauthorized: It is not good; the error says why, in words and as a `Reason`, and does not repeat
                it.
            Unavailable: Whoever could tell does not answer.
        """
        ...
