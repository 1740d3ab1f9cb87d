"""Message classes generated from `proto/caxton/v1` by `proto/generate.py`; not edited by hand."""
