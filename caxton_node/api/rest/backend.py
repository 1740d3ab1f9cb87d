"""What every part of REST works with."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.api.pipeline import Pipeline
from caxton_node.api.rest.settings import Settings
from caxton_node.api.rest.store import ReplyStore
from caxton_node.api.services import Services
from caxton_node.api.streams import Streams


@dataclass(frozen=True, slots=True)
class Backend:
    """The operations, and how they are offered.

    Attributes:
        pipeline: Runs the operations.
        services: What they work with.
        settings: Of this surface.
        streams: Those that outlive the connections of their readers.
        replies: Answers to requests that may be repeated.
    """

    pipeline: Pipeline
    services: Services
    settings: Settings
    streams: Streams
    replies: ReplyStore

    @property
    def node_id(self) -> str:
        """Return this node's id, which errors name."""
        return self.services.node_id
