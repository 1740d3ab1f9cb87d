"""Who may do what: tokens, principals, roles.

Start reading at `rbac.py` (the table of roles) and `token.py` (the two kinds of token and their text);
`service.py` issues, authenticates and redeems them. It does not own certificates (`certs`) nor when a check
happens (`api/pipeline.py`).
"""

from caxton_node.security.principal import LOCAL, Principal
from caxton_node.security.rbac import Permission, Role, check_permission
from caxton_node.security.service import Redeemed, Tokens
from caxton_node.security.store import TokenRecord
from caxton_node.security.token import JoinToken, hash_token, parse_join_token

__all__ = [
    "LOCAL",
    "JoinToken",
    "Permission",
    "Principal",
    "Redeemed",
    "Role",
    "TokenRecord",
    "Tokens",
    "check_permission",
    "hash_token",
    "parse_join_token",
]
