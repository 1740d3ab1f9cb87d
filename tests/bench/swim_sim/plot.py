"""Cost over size as a picture: both axes in powers of ten, so that what grows with the cluster is a slope.

`devkit/simulator/chart.py` draws curves over time; this is the one picture that needs other axes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 760, 420
LEFT, RIGHT, TOP, BOTTOM = 84, 150, 64, 56
COLORS = ("#0072b2", "#d55e00")
STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#444}.title{font-size:16px;font-weight:600;fill:#111}"
    ".grid{stroke:#e4e4e4}.goal{stroke:#999;stroke-dasharray:4 4}.line{fill:none;stroke-width:2.5}"
)
Series = Mapping[str, Sequence[tuple[int, float]]]
"""Label -> members and bytes per second, in order of the members."""


def draw(series: Series, *, goal: float) -> str:
    """Return an SVG picture of what a quiet member sends, by the size of the cluster."""
    points = [point for line in series.values() for point in line]
    axes = Axes(
        (min(x for x, _ in points), max(x for x, _ in points)),
        (10 ** math.floor(math.log10(min(y for _, y in points))), max(y for _, y in points) * 1.3),
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="#fff"/>',
        _text(LEFT, 28, "What a quiet member sends", kind="title"),
        _text(LEFT, 47, "bytes per second with IP headers, encrypted, 64 B of metadata each"),
        *_grid(axes, sorted({x for x, _ in points})),
        *_goal(axes, goal),
    ]
    for color, (label, line) in zip(COLORS, series.items(), strict=False):
        parts += _line(axes, color, label, line)
    return "\n".join([*parts, "</svg>"]) + "\n"


class Axes:
    """Places of values in the picture."""

    def __init__(self, across: tuple[float, float], up: tuple[float, float]) -> None:
        self.across = across
        self.up = up

    def x(self, members: float) -> float:
        """Return how far to the right."""
        return LEFT + _share(members, self.across) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        """Return how far down."""
        return HEIGHT - BOTTOM - _share(value, self.up) * (HEIGHT - TOP - BOTTOM)


def _share(value: float, bounds: tuple[float, float]) -> float:
    low, high = (math.log10(bound) for bound in bounds)
    return (math.log10(value) - low) / ((high - low) or 1.0)


def _grid(axes: Axes, sizes: Sequence[int]) -> Iterator[str]:
    power = math.floor(math.log10(axes.up[0]))
    for value in (step * 10**p for p in range(power, power + 6) for step in (1, 2, 5)):
        if axes.up[0] <= value <= axes.up[1]:
            y = axes.y(value)
            yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
            yield _text(LEFT - 8, y + 4, f"{value:,} B/s", anchor="end")
    for size in sizes:
        yield _text(axes.x(size), HEIGHT - BOTTOM + 20, f"{size:,}", anchor="middle")
    yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, "members", anchor="middle")


def _goal(axes: Axes, goal: float) -> Iterator[str]:
    y = axes.y(goal)
    yield f'<line class="goal" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
    yield _text(LEFT + 6, y - 5, f"goal {goal:g} B/s")


def _line(axes: Axes, color: str, label: str, line: Sequence[tuple[int, float]]) -> Iterator[str]:
    places = [(axes.x(size), axes.y(value)) for size, value in line]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield f'<path class="line" stroke="{color}" d="M{path}"/>'
    for (x, y), (size, value) in zip(places, line, strict=True):
        title = f"<title>{label}, {size:,} members: {value:,.0f} B/s</title>"
        yield f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{color}">{title}</circle>'
    x, y = places[-1]
    yield _text(x + 10, y - 2, label)
    yield _text(x + 10, y + 14, f"{line[-1][1]:,.0f} B/s")


def _text(x: float, y: float, text: str, *, kind: str = "", anchor: str = "start") -> str:
    style = f' class="{kind}"' if kind else ""
    return f'<text{style} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'
