"""Conversation budgets: what a conversation may use in all, wherever it goes.

Start at `header.py` (what a message carries), then `shares.py` (how a purse is divided), `budgets.py` (who
pays). Pure but for one lock; it does not own mailboxes, turns or messages. docs/budgets.md has the rules in
words; `messaging/paying.py` is what the data plane does with it:

    of a guest or client          `take_wish` reads its header, and takes it off
    all that a turn sends         `charge` the turn, then `pay` once for all copies of all messages, which
                                  says for each what to write into it by `with_grant`, or why it fails
    before a turn                 `admit` the message, which is alone in its turn
    after it                      `credit` what the message carried and `charge`; not if it waits once more
    given up, not handled         its FAILURE carries what it brought, `returned(message)`, unless `is_kept`;
                                  with nobody to tell: `lose` it
    given up, trapped             `take_back`, which its FAILURE carries
    for the host itself           `credit`; its answers `pay` like all others
    a tool                        `spend` its cost beforehand
    a client has its answer       `close` gives the bill

Whoever is in no budget pays one look into `Budgets.conversations`, an empty dictionary on most nodes, and the
look at `headers` that the router takes anyway.
"""

from caxton_node.messaging.budget.amounts import AMOUNT_MAX, Amounts, Usage
from caxton_node.messaging.budget.budgets import (
    METERED_TURN,
    PURSES_MAX,
    TURN,
    Budgets,
    Verdict,
)
from caxton_node.messaging.budget.header import (
    Grant,
    grant_of,
    has_room,
    nothing_of,
    read_grant,
    returned,
    take_wish,
    with_grant,
    write_grant,
)
from caxton_node.messaging.budget.purses import Ledger
from caxton_node.messaging.budget.sending import Sending
from caxton_node.messaging.budget.spending import OTHERS, SPENDERS_MAX
from caxton_node.messaging.budget.verdicts import Bill, Exhausted, tell_initiator

__all__ = [
    "AMOUNT_MAX",
    "METERED_TURN",
    "OTHERS",
    "PURSES_MAX",
    "SPENDERS_MAX",
    "TURN",
    "Amounts",
    "Bill",
    "Budgets",
    "Exhausted",
    "Grant",
    "Ledger",
    "Sending",
    "Usage",
    "Verdict",
    "grant_of",
    "has_room",
    "nothing_of",
    "read_grant",
    "returned",
    "take_wish",
    "tell_initiator",
    "with_grant",
    "write_grant",
]
