"""Modules in requests: with the request, or by digest, and then from whichever node has them.

A large module for another node does not ride in the request that is passed on: it would take the window of
large requests for itself, and all of it again when the link breaks. This node holds it out as long as the
other works on the request, which carries its digest; the other fetches it in pieces, beside the messages,
and only if it does not have it.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from google.protobuf.message import Message

from caxton_node.agents.module_library import ModuleLibrary
from caxton_node.agents.module_wire import check_digest
from caxton_node.api.call import Call
from caxton_node.api.fields import in_field
from caxton_node.core.errors import InvalidArgument

RIDES_BYTES_MAX = 1024 * 1024


@asynccontextmanager
async def module_of(modules: ModuleLibrary, request: Any, call: Call) -> AsyncIterator[bytes]:  # noqa: ANN401
    """Give the module of a request, empty if it names none; fetched from another node if need be.

    Args:
        modules: Of this node.
        request: With `module` and `module_sha256`.
        call: The node that passed it on is asked first.

    Raises:
        InvalidArgument: The digest is none, or not that of the module beside it.
        CaxtonError: No node gives a module of this digest.
    """
    if not request.module_sha256:
        yield request.module
    elif request.module:
        with in_field("module_sha256"):
            _check(request.module, check_digest(request.module_sha256))
        yield request.module
    else:
        async with modules.lend(request.module_sha256, near=call.via) as module:
            yield module


@contextmanager
def lightened(modules: ModuleLibrary, request: Message) -> Iterator[Message]:
    """Give a request as it travels to another node: a large module stays here, held out while this lasts."""
    module: bytes = getattr(request, "module", b"")
    if len(module) <= RIDES_BYTES_MAX:
        yield request
        return
    with modules.offer(module) as sha256:
        rest = {field.name: value for field, value in request.ListFields() if field.name != "module"}
        yield type(request)(**rest | {"module_sha256": sha256})


async def let_go_of_upload(modules: ModuleLibrary, request: Any) -> None:  # noqa: ANN401  as for `module_of`
    """Keep the module of a request that has succeeded no longer than an agent uses it."""
    if request.module_sha256 and not request.module:
        await modules.uploads.let_go(check_digest(request.module_sha256))


def _check(module: bytes, sha256: str) -> None:
    found = hashlib.sha256(module).hexdigest()
    if found != sha256:
        raise InvalidArgument(
            "the module does not have the digest that came with it",
            why=f"it is sha256:{found}, not sha256:{sha256}",
            hint="it was damaged on the way, or another file was meant",
        )
