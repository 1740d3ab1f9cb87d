"""What a node tells about itself: metrics and logs.

Start reading at `instruments.py` (THE table of metrics); `cells.py` is how a number is kept at the price
of an addition, `board.py` brings cells and pulled readings together, `exporters/` show them, `logs.py`
writes lines. It owns no number's meaning: packages count, this one names and shows.
"""

from caxton_node.observability.board import Board, HistogramValue, Reading
from caxton_node.observability.cells import Counter, Gauge, Histogram
from caxton_node.observability.instruments import INSTRUMENTS, Instrument
from caxton_node.observability.logs import configure_logs, get_logger

__all__ = [
    "INSTRUMENTS",
    "Board",
    "Counter",
    "Gauge",
    "Histogram",
    "HistogramValue",
    "Instrument",
    "Reading",
    "configure_logs",
    "get_logger",
]
