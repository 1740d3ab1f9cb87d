"""Probes and the clock that shows lateness: before everything that takes long, so that waiting can be seen.

Each part adds its own check when it opens; until then it counts as starting.
"""

from __future__ import annotations

from caxton_node.assembly.ground import Ground
from caxton_node.core.addresses import host_port
from caxton_node.observability.exporters.prometheus import PrometheusExporter
from caxton_node.observability.sources import limits_source
from caxton_node.operations.components import check_loop
from caxton_node.operations.service import measure_lag


def begin_vigil(ground: Ground) -> None:
    """Look at the node once a second from now on, and answer probes.

    Raises:
        CaxtonError: The port of the metrics is taken.
    """
    shedder, health, metrics = ground.limits.shedder, ground.health, ground.config.metrics
    health.add({"event_loop": check_loop(lambda: shedder.lag_s)})
    ground.board.collect_from(health.health.readings)
    ground.board.collect_from(limits_source(ground.limits))
    if metrics.enabled:
        exporter = PrometheusExporter(ground.board, health.health.page)
        ground.listening["metrics"] = host_port(metrics.host, exporter.open(metrics.host, metrics.port))
        ground.stack.callback(exporter.close)
    ground.in_background(measure_lag(shedder.note), "loop-lag")
    ground.in_background(health.run(), "health")
