"""On whose account a call goes, by what the surface and the node know of the caller."""

from __future__ import annotations

from caxton_node.api.call import Caller
from caxton_node.resilience import OPERATOR, Visitor, stranger_at
from caxton_node.security.principal import LOCAL, Kind, Principal


def visitor_of(principal: Principal, caller: Caller) -> Visitor:
    """Return whose limits a call counts against: a client's by its name, a stranger's by its address.

    A user whom `security.unix_peers` lets in is a client as any other: it could not stop the node anyway, and
    must not keep those out who could.
    """
    if principal == LOCAL:
        return OPERATOR
    if principal.kind is Kind.NEWCOMER:
        return stranger_at(caller.credentials.source)
    return Visitor(f"{principal.kind}:{principal.name}")
