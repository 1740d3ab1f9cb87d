"""The alert rules: every metric is there, every label has that value, every page that is named exists."""

import re
from pathlib import Path

import pytest
import yaml

from caxton_node.observability.instruments import INSTRUMENTS

ROOT = Path(__file__).parents[3]
RULES = yaml.safe_load((ROOT / "docs" / "runbooks" / "alerts.yml").read_text())["groups"]
ALERTS = [pytest.param(rule, id=rule["alert"]) for group in RULES for rule in group["rules"]]
METRICS = {instrument.name: set(instrument.labels) for instrument in INSTRUMENTS}


@pytest.mark.story("041")
@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_asks_for_a_metric_and_labels_that_exist(rule):
    used = re.findall(r"(caxton_\w+)(?:\{(.*?)\})?", rule["expr"])
    assert used
    for metric, labels in used:
        assert metric in METRICS
        assert set(re.findall(r"(\w+)=", labels)) <= METRICS[metric]


@pytest.mark.parametrize("rule", ALERTS)
def test_an_alert_says_what_is_wrong_and_where_to_read_on(rule):
    page, _, heading = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / page).read_text()
    slugs = [
        re.sub(r"[^a-z0-9]+", "-", line.lstrip("# ").lower())
        for line in text.splitlines()
        if line.startswith("#")
    ]
    assert not heading or heading in slugs
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"warning", "critical"}
