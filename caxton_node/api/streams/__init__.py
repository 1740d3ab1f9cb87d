"""Streams of answers that outlive the connection of whoever reads them.

Start reading at `journal.py` (what a stream has said, numbered, and how much of it is kept) and `desk.py`
(which streams are open, whose they are, until when), both pure; `service.py` says when. It does not own how
a stream is written on a connection (`api/rest/sse.py`, `api/rest/websocket.py`) or who may open one
(`api/pipeline.py`).
"""

from caxton_node.api.streams.desk import DeskBounds
from caxton_node.api.streams.journal import Bounds, Event, Window
from caxton_node.api.streams.reader import Reader
from caxton_node.api.streams.service import Settings, Streams

__all__ = ["Bounds", "DeskBounds", "Event", "Reader", "Settings", "Streams", "Window"]
