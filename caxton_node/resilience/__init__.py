"""How a node protects itself from too much: limits of calls.

Start reading at `limits.py`, which decides whether one more call may come in.
"""

from caxton_node.resilience.limits import Limits
from caxton_node.resilience.rates import Rate

__all__ = ["Limits", "Rate"]
