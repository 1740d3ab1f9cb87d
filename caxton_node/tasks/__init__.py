"""Contract Net as a service: a task is put out to tender, and the node that was asked is its initiator.

Start at `criteria.py` (what is wanted), `scoring.py` (who is best, and why) and `choosing.py` (what follows).
`negotiation.py` joins them to the machine of `fipa/contract_net.py` and writes the record of one task. These
are pure. `initiator.py` lets one task speak, listen and keep time, `service.py` holds all tasks of the node,
`store.py` keeps their records.

Not here: the protocol itself (`fipa/`), and how messages travel (`messaging/`).
"""

from caxton_node.tasks.lifecycle import State
from caxton_node.tasks.order import Order
from caxton_node.tasks.record import (
    AGENT,
    Bid,
    Note,
    Record,
    Result,
    Round,
    Summary,
    Verdict,
    What,
    summary_of,
)
from caxton_node.tasks.service import Settings, TaskService
from caxton_node.tasks.store import TaskStore

__all__ = [
    "AGENT",
    "Bid",
    "Note",
    "Order",
    "Record",
    "Result",
    "Round",
    "Settings",
    "State",
    "Summary",
    "TaskService",
    "TaskStore",
    "Verdict",
    "What",
    "summary_of",
]
