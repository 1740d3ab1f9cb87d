"""`If-Match` on changes: do it only if the object is still the one that the client has read.

The tag is compared with that of a GET at the same path. Between that and the change there is a moment in
which another change may come; where a request has `if_version`, the version that was read goes along with it,
and there is none.
"""

from __future__ import annotations

from google.protobuf.message import Message

from caxton_node.api.call import Caller
from caxton_node.api.incoming import Incoming
from caxton_node.api.pipeline import Pipeline
from caxton_node.api.rest.binding import bind
from caxton_node.api.rest.encodings import to_json
from caxton_node.api.rest.etags import etag_of, matches
from caxton_node.api.rest.refusals import MethodNotAllowed, PreconditionFailed, Refusal
from caxton_node.api.rest.routes import Match, Routes
from caxton_node.core.errors import NotFound

VERSION_FIELD = "if_version"


class Preconditions:
    """Checks `If-Match`.

    Args:
        routes: Where objects are read.
        pipeline: Reads them, as the caller.
    """

    def __init__(self, routes: Routes, pipeline: Pipeline) -> None:
        self._routes = routes
        self._pipeline = pipeline

    async def check(self, wanted: str, path: str, request: Message, caller: Caller) -> None:
        """Let a change pass.

        Args:
            wanted: The header `If-Match`.
            path: Of the request.
            request: The change; gets the version that was read, if it takes one.
            caller: Who asks.

        Raises:
            PreconditionFailed: The object is another, or gone.
            Refusal: Nothing can be read there.
        """
        reading = self._reading(path)
        question = _question(reading, request)
        try:
            answer = await self._pipeline.run(reading.rule.operation, question, caller)
        except NotFound as err:
            raise PreconditionFailed("there is no such object", why=str(err)) from err
        if not matches(wanted, etag_of(to_json(answer))):
            raise PreconditionFailed(
                "the object is not the one that If-Match names",
                why="it was changed since it was read",
                hint="read it again and decide anew",
            )
        _pin_version(request, answer)

    def _reading(self, path: str) -> Match:
        try:
            return self._routes.match("GET", path)
        except MethodNotAllowed as err:
            raise Refusal(
                "If-Match has no meaning here", why="nothing is read at this path", hint="leave it out"
            ) from err


def _question(reading: Match, request: Message) -> Message:
    """Return the request that reads what another would change: its path, and the fields that both have."""
    question = bind(reading, "", b"")
    if isinstance(request, Incoming):
        return question
    mine = request.DESCRIPTOR.fields_by_name
    for name, field in question.DESCRIPTOR.fields_by_name.items():
        if field.message_type is None and not field.is_repeated and name in mine:
            setattr(question, name, getattr(request, name))
    return question


def _pin_version(request: Message, answer: Message) -> None:
    if isinstance(request, Incoming):
        return
    fields = request.DESCRIPTOR.fields_by_name
    if VERSION_FIELD not in fields or request.HasField(VERSION_FIELD):
        return
    for holder in (answer, *(getattr(answer, name) for name in _parts(answer))):
        if "version" in holder.DESCRIPTOR.fields_by_name:
            setattr(request, VERSION_FIELD, holder.version)
            return


def _parts(message: Message) -> list[str]:
    fields = message.DESCRIPTOR.fields
    return [field.name for field in fields if field.message_type is not None and not field.is_repeated]
