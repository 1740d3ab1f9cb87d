"""Membership in virtual time: what it costs, and how soon everybody knows, beside memberlist's rules.

`scenarios/` says what happens to a cluster and what is measured, `worlds/` runs it by one of the two sets of
rules, `memberlist/` is the other set, `__main__.py` chooses and reports.
"""
