"""The gRPC surface: one generic handler over the table of operations, on TLS and on a Unix socket.

Start at `server.py`; `handler.py` is the bridge from a gRPC call to the pipeline, `socket.py` what has to be
right about the files and ports before gRPC may have them.
"""
