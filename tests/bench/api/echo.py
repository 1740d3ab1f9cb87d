"""A bare grpc.aio echo: the fastest that a server of this library can be, in a process of its own.

The same event loop, the same TLS with the same key and chain as the node; no operation, no serializer.

    python -m tests.bench.api.echo CERTIFICATES       prints its port and serves until its stdin closes
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("GRPC_VERBOSITY", "NONE")
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

import grpc
import uvloop

from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S

METHOD = "/bench.Echo/Echo"


class Echo(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # its stub is generic, it is not
    """One method that answers what it was asked."""

    def __init__(self) -> None:
        self._handler = grpc.unary_unary_rpc_method_handler(echo)

    def service(self, handler_call_details: Any) -> Any:
        """Give the handler of the one method."""
        return self._handler if handler_call_details.method == METHOD else None


async def echo(request: bytes, _context: Any) -> bytes:
    """Answer what came."""
    return request


async def serve(folder: Path) -> None:
    """Serve on a free port until stdin closes."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    pair = ((folder / "node.key").read_bytes(), (folder / "node.crt").read_bytes())
    port = server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([pair]))
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    uvloop.run(serve(Path(sys.argv[1])))
