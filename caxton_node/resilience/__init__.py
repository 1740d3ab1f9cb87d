"""How a node protects itself from too much: calls in time, calls at once, sizes, a late event loop.

Start reading at `limits.py`, which decides whether one more call may come in; `rate_limit.py` has the
algorithm, `limit_book.py` says which limit a call counts against, `load_shedding.py` what goes first when
there is too much. All of it is pure: it is told the time, and does no IO.
"""

from caxton_node.resilience.limits import Limits
from caxton_node.resilience.occupancy import NOBODY, Visit
from caxton_node.resilience.rate_limit import Allowance
from caxton_node.resilience.rates import Rate
from caxton_node.resilience.settings import Settings
from caxton_node.resilience.sizes import check_size
from caxton_node.resilience.visitor import OPERATOR, Visitor, stranger_at

__all__ = [
    "NOBODY",
    "OPERATOR",
    "Allowance",
    "Limits",
    "Rate",
    "Settings",
    "Visit",
    "Visitor",
    "check_size",
    "stranger_at",
]
