"""How operators and clients get in: gRPC on a socket and a port, and metrics."""

from __future__ import annotations

from caxton_node.api.grpc.server import GrpcServer
from caxton_node.api.grpc.server import Settings as GrpcSettings
from caxton_node.api.pipeline import Pipeline
from caxton_node.api.services import Services
from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.store import Store
from caxton_node.client.endpoint import SOCKET_NAME
from caxton_node.observability.exporters.prometheus import PrometheusExporter
from caxton_node.observability.sources import backup_source, database_source
from caxton_node.vitals import Vitals


async def open_api(ground: Ground, company: Company, services: Services) -> None:
    """Serve; a call that is answered is answered in full, so this comes after agents.

    Raises:
        CaxtonError: A port or the socket cannot be had.
    """
    grpc, trust = ground.config.grpc, company.trust
    socket_path = ground.config.data.dir / SOCKET_NAME
    settings = GrpcSettings(
        socket_path=socket_path,
        host=grpc.host if grpc.enabled else "",
        port=grpc.port,
        key_pem=trust.held.bundle.key_pem,
        chain_pem=trust.held.chain_pem,
    )
    server = GrpcServer(Pipeline(services), ground.node_id, settings)
    port = await server.open()
    ground.stack.push_async_callback(server.close)
    trust.listen(lambda held: server.use_certificate(held.bundle.key_pem, held.chain_pem))
    ground.listening["socket"] = f"unix:{socket_path}"
    if port:
        ground.listening["grpc"] = f"{grpc.host}:{port}"


def open_metrics(ground: Ground, store: Store, company: Company, vitals: Vitals) -> None:
    """Show the numbers of all parts.

    Raises:
        CaxtonError: The port is taken.
    """
    board, metrics = ground.board, ground.config.metrics
    board.collect_from(vitals.readings)
    board.collect_from(company.trust.expiry.readings)
    board.collect_from(database_source(store.database))
    board.collect_from(backup_source(store.storage))
    if metrics.enabled:
        exporter = PrometheusExporter(board, health=vitals.checks, ready=vitals.checks)
        ground.listening["metrics"] = f"{metrics.host}:{exporter.open(metrics.host, metrics.port)}"
        ground.stack.callback(exporter.close)
