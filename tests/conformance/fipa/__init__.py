"""Conformance with FIPA: every parameter, act and protocol, and all that is none, as tables.

`parameters.py` and `acts.py` are what `docs/fipa.md` shows; the `malformed_*` tables are what is refused, and
why; `test_protocols.py` has the sequences of FIPA's interaction protocols.
"""
