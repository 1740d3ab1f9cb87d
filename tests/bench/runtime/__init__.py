"""What the runtime costs: starting agents, keeping, calling and metering them, and how exact limits are.

    workloads.py   guests and the messages they get
    engines.py     one engine per way of metering, and one that meters nothing
    module_code.py a module of any size that looks like compiled code
    starts.py      a start with the code at hand, fresh and from the pool
    cold.py        a start that begins with a module to be compiled
    overhead.py    host cost of a message; what fuel and epochs cost; hop.py is what it measures
    accuracy.py    whether a limit stops a guest where it says
    density.py     memory of idle agents, measured by idle.py in a process of its own

`.venv/bin/python -m tests.bench.runtime [--json] [--quick]` runs them all.
"""
