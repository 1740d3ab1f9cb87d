"""Line charts as SVG, one under the other over the same time.

Written here because all that is needed is lines, axes and labels: a page or two of text, whereas the usual
library (matplotlib) brings ten packages and a hundred megabytes to a server that draws two curves.
The colors can be told apart by those who see few, and on paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

WIDTH, PANEL_HEIGHT = 860, 250
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 68, 34
CHARACTER_WIDTH = 7
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")
STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#444}.title{font-size:15px;font-weight:600;fill:#111}"
    ".grid{stroke:#e4e4e4}.mark{stroke:#999;stroke-dasharray:3 3}.line{fill:none;stroke-width:2}"
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a panel.

    Attributes:
        label: What it shows.
        points: Time and value, in order of time.
        is_step: The value holds until the next point, instead of changing evenly.
    """

    label: str
    points: Sequence[tuple[float, float]]
    is_step: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """Lines that share axes.

    Attributes:
        title: Above it.
        unit: Of the values.
        lines: At most as many as there are colors.
        is_log: Each step up is ten times as much; values below 1 stand at the bottom.
    """

    title: str
    unit: str
    lines: Sequence[Line]
    is_log: bool = False

    def height_of(self, value: float, high: float) -> float:
        """Return how high a value stands, 0 at the bottom and 1 for `high`."""
        if not self.is_log:
            return value / high
        return math.log10(max(1.0, value)) / math.log10(max(10.0, high))

    def ticks(self, high: float) -> list[float]:
        """Return the values at which lines are drawn."""
        if not self.is_log:
            return _ticks(high)
        return [10.0**power for power in range(int(math.log10(max(10.0, high)) + 1e-9) + 1)]


def draw(panels: Sequence[Panel], marks: Sequence[tuple[float, str]], *, caption: str = "") -> str:
    """Return an SVG picture of panels over one time axis in seconds, with dashed lines at the marks."""
    height = PANEL_HEIGHT * len(panels) + 24
    end = max((at for panel in panels for line in panel.lines for at, _ in line.points), default=1.0)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
    ]
    for number, panel in enumerate(panels):
        parts += _panel(panel, marks, end or 1.0, number * PANEL_HEIGHT)
    parts += [_text(LEFT, height - 8, caption), "</svg>"]
    return "\n".join(parts) + "\n"


def _panel(panel: Panel, marks: Sequence[tuple[float, str]], end: float, top: float) -> Iterator[str]:
    high = max((value for line in panel.lines for _, value in line.points), default=1.0) or 1.0
    bottom, first = top + PANEL_HEIGHT - BOTTOM, top + TOP
    across = (WIDTH - LEFT - RIGHT) / end
    yield _text(LEFT, top + 22, panel.title, kind="title")
    for value in panel.ticks(high):
        y = bottom - panel.height_of(value, high) * (bottom - first)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield _text(LEFT - 8, y + 4, f"{value:,.10g}{panel.unit}", anchor="end")
    for at in _ticks(end):
        yield _text(LEFT + at * across, bottom + 18, f"{at:,.10g} s", anchor="middle")
    yield from _marks([(LEFT + at * across, label) for at, label in marks], first, bottom)
    for color, line in zip(COLORS, panel.lines, strict=False):
        places = [
            (LEFT + at * across, bottom - panel.height_of(value, high) * (bottom - first))
            for at, value in line.points
        ]
        yield f'<path class="line" stroke="{color}" d="{_path(places, is_step=line.is_step)}"/>'
    yield from _legend(panel, top + 22)


def _marks(marks: Sequence[tuple[float, str]], top: float, bottom: float) -> Iterator[str]:
    """Draw dashed lines; a label that would run into the one before it stands a row higher."""
    free_from, is_raised = 0.0, False
    for x, label in marks:
        is_raised = x < free_from and not is_raised
        free_from = x + CHARACTER_WIDTH * len(label) + 8
        rise = 14 if is_raised else 0
        yield f'<line class="mark" x1="{x:.1f}" x2="{x:.1f}" y1="{top - 12 - rise}" y2="{bottom:.1f}"/>'
        fits = free_from < WIDTH
        yield _text(x + (3 if fits else -3), top - 4 - rise, label, anchor="start" if fits else "end")


def _legend(panel: Panel, y: float) -> Iterator[str]:
    x = float(WIDTH - RIGHT)
    for color, line in reversed(list(zip(COLORS, panel.lines, strict=False))):
        x -= CHARACTER_WIDTH * len(line.label) + 30
        yield f'<rect x="{x:.0f}" y="{y - 8}" width="16" height="4" fill="{color}"/>'
        yield _text(x + 22, y, line.label)


def _path(places: Sequence[tuple[float, float]], *, is_step: bool) -> str:
    if not places:
        return ""
    steps = [f"M{places[0][0]:.1f} {places[0][1]:.1f}"]
    for x, y in places[1:]:
        steps.append(f"H{x:.1f}V{y:.1f}" if is_step else f"L{x:.1f} {y:.1f}")
    return "".join(steps)


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'


def _ticks(high: float) -> list[float]:
    """Return about five round numbers from 0 to `high`."""
    rough = high / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(power * nice for nice in (1, 2, 5, 10) if power * nice >= rough)
    return [round(step * number, 10) for number in range(int(high / step + 1e-9) + 1)]
