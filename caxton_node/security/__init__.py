"""Who may do what: tokens, principals, roles.

Start reading at `rbac.py` (the table of roles) and `identity.py` (from what a caller shows to who it is, with
one file per kind of credential in `authenticators/`); `token.py` has the text of tokens, `api_keys.py` the
life of API keys, `service.py` the tokens that admit nodes. It does not own certificates (`certs`) nor when a
check happens (`api/pipeline.py`).
"""

from caxton_node.security.access import Access
from caxton_node.security.api_keys import ApiKeys
from caxton_node.security.credentials import Credentials, UnixPeer, read_api_key, read_bearer
from caxton_node.security.identity import Identity
from caxton_node.security.principal import EVERYWHERE, LOCAL, NEWCOMER, Grant, Kind, Principal
from caxton_node.security.rbac import Permission, Role
from caxton_node.security.role_book import CustomRole, Holder, RoleBook
from caxton_node.security.service import Redeemed, Tokens
from caxton_node.security.store import TokenRecord
from caxton_node.security.token import JoinToken, hash_token, parse_join_token

__all__ = [
    "EVERYWHERE",
    "LOCAL",
    "NEWCOMER",
    "Access",
    "ApiKeys",
    "Credentials",
    "CustomRole",
    "Grant",
    "Holder",
    "Identity",
    "JoinToken",
    "Kind",
    "Permission",
    "Principal",
    "Redeemed",
    "Role",
    "RoleBook",
    "TokenRecord",
    "Tokens",
    "UnixPeer",
    "hash_token",
    "parse_join_token",
    "read_api_key",
    "read_bearer",
]
