"""The platform agent `ams`: agent management, FIPA's white pages, and timers.

Start reading at `acts.py`, which has the requests. `white_pages.py` finds agents, `watching.py` tells of
their lives, `commands.py` starts and stops them for those who may, `timers.py` (pure) and `timekeeping.py`
remind them; `service.py` introduces these to one another.

It does not own the lives of agents, which are `agents/`, nor what they can do, which is the directory `df`.

Source: FIPA SC00023K sections 4.3 (agent management system) and 5 (life cycle).
"""

from caxton_node.ams.service import AMS, AgentManagement, Platform
from caxton_node.ams.timers import Timers

__all__ = ["AMS", "AgentManagement", "Platform", "Timers"]
