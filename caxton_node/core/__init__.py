"""What every package shares: names, clocks, state machines, errors and events.

Pure: no IO, no logging, no configuration. Start at `errors.py` (the drawn tree) and `machine.py`.
"""
