"""Pictures: well-formed, within their frame, and true to scale."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from caxton_node.devkit.simulator.chart import WIDTH, Line, Panel, draw

SVG = "{http://www.w3.org/2000/svg}"

CURVE = [(0.0, 0.0), (5.0, 50.0), (10.0, 100.0)]


def parse(panels: list[Panel], marks: list[tuple[float, str]] = ()) -> ET.Element:
    return ET.fromstring(draw(panels, marks, caption="a <b> & c"))


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML](\S+) ([\d.]+)", path)]


def test_a_picture_is_xml_and_escapes_what_it_is_given() -> None:
    picture = parse([Panel("Title & more", " %", [Line("one", CURVE)])], [(5.0, "<now>")])
    texts = [element.text for element in picture.iter(f"{SVG}text")]
    assert {"Title & more", "<now>", "a <b> & c", "one", "0 %", "100 %", "10 s"} <= set(texts)


def test_a_straight_line_is_drawn_straight() -> None:
    picture = parse([Panel("t", "", [Line("one", CURVE)])])
    (first, middle, last) = places(picture.find(f"{SVG}path").get("d"))
    assert middle == pytest.approx(((first[0] + last[0]) / 2, (first[1] + last[1]) / 2), abs=0.1)
    assert first[1] > last[1], "more is higher"


def test_ten_times_as_much_is_one_step_up_on_a_logarithmic_panel() -> None:
    points = [(1.0, 10.0), (2.0, 100.0), (3.0, 1000.0), (4.0, 0.0)]
    picture = parse([Panel("t", "", [Line("one", points)], is_log=True)])
    ten, hundred, thousand, nothing = [y for _, y in places(picture.find(f"{SVG}path").get("d"))]
    assert ten - hundred == pytest.approx(hundred - thousand, abs=0.2)
    assert nothing - ten == pytest.approx(ten - hundred, abs=0.2)


@pytest.mark.parametrize("points", [[], [(0.0, 0.0)], [(0.0, 5.0), (0.0, 5.0)], [(3.0, 0.0), (9.0, 0.0)]])
@pytest.mark.parametrize("is_log", [False, True])
def test_little_or_nothing_can_be_drawn_too(points: list[tuple[float, float]], is_log: bool) -> None:
    assert parse([Panel("t", "", [Line("one", points)], is_log=is_log)]) is not None


def test_labels_that_are_close_stand_in_two_rows_and_stay_inside() -> None:
    picture = parse(
        [Panel("t", "", [Line("one", CURVE)])], [(5.0, "first"), (5.2, "second"), (9.9, "at the end")]
    )
    first, second, last = [
        element for element in picture.iter(f"{SVG}text") if element.text in ("first", "second", "at the end")
    ]
    assert first.get("y") != second.get("y")
    assert last.get("text-anchor") == "end"
    assert float(last.get("x")) < WIDTH
