"""How operators and clients get in: gRPC on a socket and a port, and metrics."""

from __future__ import annotations

from caxton_node.api.grpc.server import GrpcServer
from caxton_node.api.grpc.settings import read_settings
from caxton_node.api.pipeline import Pipeline
from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.encodings import to_json
from caxton_node.api.rest.server import RestServer
from caxton_node.api.rest.settings import Shown
from caxton_node.api.rest.store import ReplyStore
from caxton_node.api.services import Services
from caxton_node.api.streams import Streams
from caxton_node.assembly.callers import client_authorities_pem
from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.store import Store
from caxton_node.client.endpoint import SOCKET_NAME
from caxton_node.core.addresses import host_port
from caxton_node.observability.sources import backup_source, database_source
from caxton_node.settings import rest_settings, stream_settings
from caxton_node.trust import Holdings
from caxton_node.vitals import Vitals


async def open_api(ground: Ground, store: Store, company: Company, services: Services) -> None:
    """Serve; a call that is answered is answered in full, so this comes after agents.

    Raises:
        CaxtonError: A port or the socket cannot be had.
    """
    grpc, trust = ground.config.grpc, company.trust
    socket_path = ground.config.data.dir / SOCKET_NAME
    held, clients_pem = trust.held, client_authorities_pem(ground)
    settings = read_settings(
        ground.config,
        socket_path=socket_path,
        key_pem=held.bundle.key_pem,
        chain_pem=held.chain_pem,
        ca_pem=held.trust.ca_pem + clients_pem,
    )
    pipeline = Pipeline(services)
    server = GrpcServer(pipeline, ground.node_id, settings)
    port = await server.open()
    ground.health.listen(lambda report: server.show_ready(ready=report.is_ready))
    ground.stack.push_async_callback(server.close)
    trust.listen(
        lambda held: server.use_certificate(
            held.bundle.key_pem, held.chain_pem, held.trust.ca_pem + clients_pem
        )
    )
    ground.listening["socket"] = f"unix:{socket_path}"
    if port:
        ground.listening["grpc"] = host_port(grpc.host, port)
    if server.certificate_port:
        ground.listening["grpc-certificate"] = host_port(grpc.host, server.certificate_port)
    streams = Streams(pipeline, ground.clock, to_json, stream_settings(ground.config))
    backend = Backend(pipeline, services, rest_settings(ground.config), streams, ReplyStore(store.database))
    await _open_rest(ground, company, backend, clients_pem)
    ground.board.collect_from(streams.readings)
    ground.stack.push_async_callback(streams.close)  # before the server, so that readers are told why


async def _open_rest(ground: Ground, company: Company, backend: Backend, clients_pem: bytes) -> None:
    server = RestServer(backend, _shown(company.trust.held, clients_pem))
    port = await server.open()
    ground.stack.push_async_callback(server.close)
    company.trust.listen(lambda held: server.use_certificate(_shown(held, clients_pem)))
    if port:
        ground.listening["rest"] = host_port(ground.config.rest.host, port)


def _shown(held: Holdings, clients_pem: bytes) -> Shown:
    return Shown(held.bundle.key_pem, held.chain_pem, held.trust.ca_pem + clients_pem)


def open_metrics(ground: Ground, store: Store, company: Company, vitals: Vitals) -> None:
    """Show the numbers of all parts."""
    board = ground.board
    board.collect_from(vitals.readings)
    board.collect_from(company.trust.expiry.readings)
    board.collect_from(database_source(store.database))
    board.collect_from(backup_source(store.storage))
