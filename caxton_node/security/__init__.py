"""Who may do what: tokens, principals, roles.

Start reading at `rbac.py` (the table of roles) and `token.py` (the two kinds of token and their text);
`service.py` issues, authenticates and redeems them. It does not own certificates (`certs`) nor when a check
happens (`api/pipeline.py`).
"""

from caxton_node.security.access import Access
from caxton_node.security.credentials import Credentials, UnixPeer
from caxton_node.security.identity import Identity
from caxton_node.security.principal import EVERYWHERE, LOCAL, NEWCOMER, Grant, Kind, Principal
from caxton_node.security.rbac import Permission, Role
from caxton_node.security.service import Redeemed, Tokens
from caxton_node.security.store import TokenRecord
from caxton_node.security.token import JoinToken, hash_token, parse_join_token

__all__ = [
    "EVERYWHERE",
    "LOCAL",
    "NEWCOMER",
    "Access",
    "Credentials",
    "Grant",
    "Identity",
    "JoinToken",
    "Kind",
    "Permission",
    "Principal",
    "Redeemed",
    "Role",
    "TokenRecord",
    "Tokens",
    "UnixPeer",
    "hash_token",
    "parse_join_token",
]
