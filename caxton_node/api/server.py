"""Handlers about the node as a server."""

from __future__ import annotations

import json
from pathlib import Path

from caxton_node import __version__
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.config import SETTINGS
from caxton_node.observability import HistogramValue
from caxton_node.observability.instruments import BY_NAME
from caxton_node.pb import management_pb2 as pb


async def health(services: Services, _request: pb.HealthRequest, _call: Call) -> pb.HealthResponse:
    """Tell whether this node does its work."""
    report = await services.daemon.look()
    return pb.HealthResponse(
        ready=report.is_ready,
        alive=report.is_alive,
        status=report.status,
        node_id=services.node_id,
        version=__version__,
        uptime_s=services.uptime_s,
        checks=[
            pb.HealthCheck(name=found.name, ok=found.is_ok, state=found.state, detail=found.detail)
            for found in report.findings
        ],
    )


async def metrics(services: Services, request: pb.MetricsRequest, _call: Call) -> pb.MetricsResponse:
    """Read the metrics of this node."""
    found: dict[str, pb.Metric] = {}
    for reading in services.board.read():
        if not reading.name.startswith(request.prefix):
            continue
        row = BY_NAME[reading.name]
        if reading.name not in found:
            found[reading.name] = pb.Metric(name=row.name, type=row.kind.value, help=row.help)
        labels = dict(zip(row.labels, reading.labels, strict=True))
        found[reading.name].samples.append(_sample(labels, reading.value))
    return pb.MetricsResponse(metrics=found.values())


async def get_config(services: Services, _request: pb.GetConfigRequest, _call: Call) -> pb.GetConfigResponse:
    """Read the settings in force on this node."""
    rows = sorted(SETTINGS, key=lambda setting: setting.key)
    settings = [
        pb.Setting(
            key=row.key,
            value_json=_json(services.config.get(row.key)),
            default_json=_json(row.default),
            unit=row.unit,
            help=row.help,
            reloadable=row.reloadable,
        )
        for row in rows
    ]
    return pb.GetConfigResponse(settings=settings)


def _sample(labels: dict[str, str], value: float | HistogramValue) -> pb.Sample:
    if isinstance(value, HistogramValue):
        return pb.Sample(labels=labels, value=sum(value.counts), sum=value.total)
    return pb.Sample(labels=labels, value=value)


def _json(value: object) -> str:
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
