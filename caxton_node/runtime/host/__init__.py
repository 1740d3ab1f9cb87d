"""Everything an agent can reach outside of its own memory: a log, the time, random bytes.

Start at `imports.py`, the table of what is linked; what is not in it is refused before an agent runs. All
other wishes of an agent are messages. It does not own limits: fuel and wall time go on counting around these
calls.
"""
