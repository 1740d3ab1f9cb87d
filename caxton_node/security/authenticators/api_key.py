"""API keys: a secret that this cluster has made itself."""

from __future__ import annotations

from caxton_node.security.api_keys import ApiKeys
from caxton_node.security.credentials import Credentials
from caxton_node.security.principal import Kind, Principal, parse_grants
from caxton_node.security.token import API_PREFIX, JOIN_PREFIX


class ApiKeyAuthenticator:
    """Recognises callers by API keys, in either header.

    Args:
        keys: Those of the cluster.
    """

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    def knows(self, credentials: Credentials) -> bool:
        """Tell whether it looks like an API key; all that stands in X-API-Key is judged as one."""
        return bool(credentials.api_key) or credentials.bearer.startswith((API_PREFIX, JOIN_PREFIX))

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return the holder of the key.

        Raises:
            Unauthorized: It is malformed, unknown, revoked or expired.
        """
        record = self._keys.check(credentials.bearer or credentials.api_key)
        return Principal(record.name, parse_grants(record.role), Kind.API_KEY, record.expires_unix_s)
