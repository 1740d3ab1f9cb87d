"""REST: the operations of the table over HTTP, made from the protos while the node runs.

Start at `app.py` (what is served where), then `transcoding.py` (one request of one operation). What a path is
comes from the `google.api.http` options of the protos: `rules.py` reads them, `routes.py` finds one for a
request, `binding.py` fills the request message, `problem.py` says what went wrong. `openapi/` describes the
same to clients. `exchange.py` is one request and its reply, `server.py` listens. `rpc.py`, `sse.py` and
`websocket.py` are three other ways to the same operations on the same port.

Pure are rules, routes, binding, problem, cors, etags, hosts, encodings, openapi; nothing here knows what an
agent is.
"""
