"""The conformance suite of the agent ABI: any guest can be run through it.

    .venv/bin/python -m tests.conformance.abi PATH.wasm [--config JSON] [--request TEXT]

Each check is one sentence of the ABI (README.md lists them); `checks.py` holds them in order, `subject.py`
what they share, `suite.py` runs them. A guest passes when nothing fails; a check for which it gives no
occasion, because it answers nobody for example, says so.
"""
