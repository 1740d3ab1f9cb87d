"""From what a caller shows to who it is: asks each authenticator that knows such credentials."""

from __future__ import annotations

from caxton_node.core.errors import Unauthorized
from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import LOCAL, Principal
from caxton_node.security.service import Tokens


class Identity:
    """Tells who calls.

    Args:
        tokens: The API keys.
    """

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who shows these credentials.

        Raises:
            Unauthorized: Nobody that is known here; a wrong credential is never passed over for another one.
        """
        if credentials.peer is not None:
            return LOCAL
        text = credentials.bearer or credentials.api_key
        if not text:
            raise Unauthorized(
                "no credentials came with the call",
                why="only the Unix socket of the node needs none",
                hint="give --token or CAXTON_TOKEN, or use the socket on the node's own host",
            )
        return await self._tokens.authenticate(text)
