"""Calls about a node as a server."""

from __future__ import annotations

from collections.abc import Sequence

from caxton_node.client.noun import Noun
from caxton_node.pb import management_pb2 as pb


class Server(Noun):
    """Ask a node for its health, metrics and settings."""

    service = "CaxtonManagement"

    def health(self, *, node: str = "") -> pb.HealthResponse:
        """Tell whether a node does its work, check by check."""
        return self._call("Health", pb.HealthRequest(node=node), pb.HealthResponse)

    def metrics(self, *, node: str = "", prefix: str = "") -> Sequence[pb.Metric]:
        """Read the metrics of a node whose names start with `prefix`."""
        request = pb.MetricsRequest(node=node, prefix=prefix)
        return self._call("Metrics", request, pb.MetricsResponse).metrics

    def config(self, *, node: str = "") -> Sequence[pb.Setting]:
        """Read the settings in force on a node, by key; secrets are masked."""
        return self._call("GetConfig", pb.GetConfigRequest(node=node), pb.GetConfigResponse).settings
