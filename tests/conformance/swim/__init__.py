"""Conformance of membership: what the suites of other implementations demand, scenario by scenario.

`scenarios.py` is the table, `showing.py` finds the tests that show each, here and elsewhere.
"""
