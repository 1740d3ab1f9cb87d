"""The description of the REST API (OpenAPI 3.1), made from the protos and their comments.

`document.py` puts it together: `schemas.py` has the messages, `paths.py` the operations. Requests are checked
against the same schemas before they are read (`binding.py`), so the description cannot be wrong about what is
taken.
"""
