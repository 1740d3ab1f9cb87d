"""Agents as an operator sees them: deployed, started, drained, restarted after a trap, removed.

Start at `lifecycle.py` (the states and every legal move), then `supervision.py` (when a trapped agent is
started again and when not) and `service.py` (how the parts of the node are joined for one agent). It does not
own how guests run (runtime), how messages find them (messaging), or who may ask (api).
"""
