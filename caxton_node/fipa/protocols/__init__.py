"""FIPA's interaction protocols as tables: what an initiator and a participant may say next.

Start at `request.py`, the shortest whole one: its literal is what the specification draws. `exceptions.py`
adds what may happen at any point, `protocol.py` compiles the whole into the stages that a router follows
(`stage.py`), `violation.py` says why something is not allowed. Who waits for whom, deadlines and choices
belong to those who use the tables. Pure.
"""

from typing import Any

from caxton_node.fipa.protocols.brokering import BROKERING
from caxton_node.fipa.protocols.cancel import CANCEL
from caxton_node.fipa.protocols.contract_net import CONTRACT_NET, BidEvent, BidState
from caxton_node.fipa.protocols.dutch_auction import DUTCH_AUCTION
from caxton_node.fipa.protocols.english_auction import ENGLISH_AUCTION
from caxton_node.fipa.protocols.iterated_contract_net import ITERATED_CONTRACT_NET
from caxton_node.fipa.protocols.propose import PROPOSE
from caxton_node.fipa.protocols.protocol import Protocol
from caxton_node.fipa.protocols.query import QUERY
from caxton_node.fipa.protocols.recruiting import RECRUITING
from caxton_node.fipa.protocols.request import REQUEST, RequestEvent, RequestState
from caxton_node.fipa.protocols.request_when import REQUEST_WHEN
from caxton_node.fipa.protocols.stage import Side, Stage
from caxton_node.fipa.protocols.subscribe import SUBSCRIBE
from caxton_node.fipa.protocols.violation import Violation, explain

PROTOCOLS: dict[str, Protocol[Any, Any]] = {
    protocol.name: protocol
    for protocol in (
        REQUEST,
        QUERY,
        REQUEST_WHEN,
        CONTRACT_NET,
        ITERATED_CONTRACT_NET,
        ENGLISH_AUCTION,
        DUTCH_AUCTION,
        BROKERING,
        RECRUITING,
        SUBSCRIBE,
        PROPOSE,
        CANCEL,
    )
}
"""The protocols whose course is followed, by their names in the envelope; others pass unexamined."""

__all__ = [
    "BROKERING",
    "CANCEL",
    "CONTRACT_NET",
    "DUTCH_AUCTION",
    "ENGLISH_AUCTION",
    "ITERATED_CONTRACT_NET",
    "PROPOSE",
    "PROTOCOLS",
    "QUERY",
    "RECRUITING",
    "REQUEST",
    "REQUEST_WHEN",
    "SUBSCRIBE",
    "BidEvent",
    "BidState",
    "Protocol",
    "RequestEvent",
    "RequestState",
    "Side",
    "Stage",
    "Violation",
    "explain",
]
