"""The registry's figures: local reads among changes, what entries and comparisons cost, how soon nodes agree.

Lookups go through the real `Registry` with a real database; `search.py` and `store.py` measure discovery and
the database alone. Convergence is simulated in virtual time, see `tests/support/registry_world`.
"""
