"""From the table of settings to what each package takes: nobody below the daemon reads configuration."""

from __future__ import annotations

import os
from dataclasses import replace

from caxton_node.agents.name_conflicts import Settings as NameSettings
from caxton_node.api.rest.cors import read_origins
from caxton_node.api.rest.settings import SOCKET_NAME as REST_SOCKET_NAME
from caxton_node.api.rest.settings import Settings as RestSettings
from caxton_node.api.streams import DeskBounds
from caxton_node.api.streams import Settings as StreamSettings
from caxton_node.audit import AuditSettings
from caxton_node.config import Config
from caxton_node.core.errors import InvalidArgument, InvalidConfig
from caxton_node.deployment import Settings as DeploymentSettings
from caxton_node.deployment.constraints import parse_labels
from caxton_node.kv import Settings as KeySettings
from caxton_node.messaging.directory import Bounds
from caxton_node.messaging.durable.settings import DurableSettings
from caxton_node.messaging.letter_shelf import KeepingSettings
from caxton_node.messaging.write_pace import Allowance
from caxton_node.resilience import Allowance as CallAllowance
from caxton_node.resilience import Settings as LimitSettings
from caxton_node.resilience.settings import MINUTE_S
from caxton_node.runtime.compiler import CompileLimits
from caxton_node.runtime.pool import PoolSettings
from caxton_node.storage.change_log import ChangeLog, ChangeLogSettings
from caxton_node.storage.layout import backups_of, changes_of
from caxton_node.trust import Settings as TrustSettings
from swim import Encryption, InvalidSettings, Pace
from swim import Settings as SwimSettings
from transport import Profile, TransportChoice
from transport import Settings as MeshSettings

_SWIM_PROFILES = {"lan": SwimSettings.lan, "wan": SwimSettings.wan, "local": SwimSettings.local}


def swim_settings(config: Config) -> SwimSettings:
    """Return the profile with what was set one by one.

    Raises:
        InvalidConfig: The combination cannot work.
    """
    swim = config.swim
    given = {
        "probe_interval_s": swim.probe_interval_s,
        "probe_timeout_s": swim.probe_timeout_s,
        "helpers": swim.indirect_probes,
        "suspicion_multiplier": swim.suspicion_multiplier,
        "datagram_bytes_max": swim.datagram_bytes_max,
        "link_probe": swim.link_probe,
        "link_probe_without": frozenset(filter(None, swim.link_probe_without.replace(" ", "").split(","))),
    }
    try:
        changes = {name: value for name, value in given.items() if value is not None}
        return replace(_SWIM_PROFILES[swim.profile](Pace(swim.pace)), **changes)  # type: ignore[arg-type]  # names and types are the table's
    except InvalidSettings as err:
        raise InvalidConfig("the swim settings do not fit together", why=str(err)) from err


def limit_settings(config: Config) -> LimitSettings:
    """Return how much clients may ask of this node."""
    limits = config.limits
    allowances = {
        "node": CallAllowance(limits.node_calls_per_s, 1.0, limits.node_burst),
        "client": CallAllowance(limits.client_calls_per_min, MINUTE_S, limits.client_burst),
        "deploy": CallAllowance(limits.deploy_calls_per_min, MINUTE_S, limits.deploy_burst),
        "send": CallAllowance(limits.send_calls_per_s, 1.0, limits.send_burst),
        "anonymous": CallAllowance(limits.anonymous_calls_per_min, MINUTE_S, limits.anonymous_burst),
        "local": CallAllowance(limits.local_calls_per_s, 1.0, limits.local_burst),
    }
    return LimitSettings(
        allowances=allowances if limits.enabled else {},
        calls_max=limits.calls_max,
        client_calls_max=limits.client_calls_max,
        client_streams_max=limits.client_streams_max,
        slow_reader_s=limits.slow_reader_s,
        shed_lag_s=limits.shed_lag_s,
    )


def node_labels(config: Config) -> dict[str, str]:
    """Return what deployments may choose this node by.

    Raises:
        InvalidConfig: It is not of the form `zone=a,disk=ssd`, or too long.
    """
    try:
        return parse_labels(config.node.labels)
    except InvalidArgument as err:
        raise InvalidConfig(f"node.labels cannot be used: {err.what}", why=err.why, hint=err.hint) from err


def audit_settings(config: Config, node: str) -> AuditSettings:
    """Return where the audit log is and how long it is kept."""
    security = config.security
    return AuditSettings(
        config.data.dir / "audit", node, security.audit_file_bytes_max, security.audit_retention_days
    )


def deployment_settings(config: Config) -> DeploymentSettings:
    """Return when replicas of deployments move.

    Raises:
        InvalidConfig: The labels cannot be used.
    """
    given = config.deployments
    return DeploymentSettings(
        labels=node_labels(config),
        restart_grace_s=given.restart_grace_s,
        takeover_delay_s=given.takeover_delay_s,
        return_settle_s=1.5 * config.registry.sync_interval_s,
        drain_s=config.agents.drain_s,
    )


def key_settings(config: Config) -> KeySettings:
    """Return how many keys an agent may have."""
    kv = config.kv
    return KeySettings(keys_max=kv.keys_max, bytes_max=kv.bytes_max, shared_keys_max=kv.shared_keys_max)


def gossip_encryption(config: Config) -> Encryption:
    """Return whether gossip is sealed."""
    return Encryption(config.swim.encryption)


def mesh_settings(config: Config) -> MeshSettings:
    """Return the settings of the mesh."""
    mesh = config.mesh
    return MeshSettings(
        transport=TransportChoice(mesh.transport),
        profile=Profile(mesh.profile),
        compresses=mesh.compression,
        kept_bytes_max=mesh.kept_bytes_max,
    )


def trust_settings(config: Config) -> TrustSettings:
    """Return how certificates are kept from running out."""
    certs = config.certs
    return TrustSettings(
        check_interval_s=certs.check_interval_s,
        lifetime_days=certs.lifetime_days,
        compare_interval_s=certs.compare_interval_s,
    )


def rest_settings(config: Config) -> RestSettings:
    """Return where REST listens and what it takes.

    Raises:
        InvalidConfig: An origin is not written as browsers send it.
    """
    rest = config.rest
    return RestSettings(
        socket_path=config.data.dir / REST_SOCKET_NAME,
        shared_socket_path=rest.shared_socket,
        host=rest.host if rest.enabled else "",
        port=rest.port,
        names=tuple(name.lower() for name in rest.names.replace(",", " ").split()),
        cors_origins=read_origins(rest.cors_origins),
        request_bytes_max=rest.request_bytes_max,
        connections_max=rest.connections_max,
    )


def stream_settings(config: Config) -> StreamSettings:
    """Return how streams over the web outlive their connections."""
    rest = config.rest
    return StreamSettings(
        DeskBounds(
            grace_s=rest.stream_grace_s,
            streams_max=rest.streams_max,
            per_owner_max=rest.streams_per_caller_max,
        )
    )


def compile_limits(config: Config) -> CompileLimits:
    """Return what compiling one module may cost."""
    runtime = config.runtime
    return CompileLimits(
        wall_time_s=runtime.compile_time_s,
        cpu_time_s=2 * runtime.compile_time_s,
        memory_bytes=runtime.compile_memory_bytes_max,
    )


def pool_settings(config: Config) -> PoolSettings:
    """Return how many instances are kept warm."""
    runtime = config.runtime
    return PoolSettings(
        instances_max=runtime.pool_instances_max,
        memory_bytes_max=runtime.pool_memory_bytes_max,
        age_max_s=runtime.pool_age_max_s,
    )


def keeping_settings(config: Config) -> KeepingSettings:
    """Return how many dead letters are kept, and how long."""
    messaging = config.messaging
    return KeepingSettings(
        count_max=messaging.dead_letters_max,
        bytes_max=messaging.dead_letters_bytes_max,
        age_max_s=messaging.dead_letters_age_max_s,
    )


def durable_settings(config: Config) -> DurableSettings:
    """Return how many durable messages are kept, and how long."""
    messaging = config.messaging
    return DurableSettings(
        rows_max=messaging.outbox_max,
        bytes_max=messaging.outbox_bytes_max,
        ttl_s=messaging.durable_ttl_s,
    )


def name_settings(config: Config) -> NameSettings:
    """Return how long an agent gets that has lost its name."""
    return NameSettings(notice_s=config.agents.conflict_notice_s, drain_s=config.agents.drain_s)


def capability_bounds(config: Config) -> Bounds:
    """Return how much agents may register."""
    registry = config.registry
    return Bounds(
        agent_max=registry.capabilities_per_agent_max,
        node_max=registry.capabilities_per_node_max,
        bytes_max=registry.capability_bytes_max,
    )


def write_allowance(config: Config) -> Allowance:
    """Return how fast one agent may write what every node keeps."""
    return Allowance(config.registry.agent_writes_per_s, config.registry.agent_writes_burst)


def change_log_of(config: Config) -> ChangeLog | None:
    """Return the change log that is to be kept, if one is."""
    if config.storage.change_log == "off":
        return None
    folder = changes_of(backups_of(config.data.dir))
    return ChangeLog(ChangeLogSettings(folder, config.storage.change_log_bytes_max))


def guest_memory_bytes(config: Config) -> int:
    """Return how much memory all guests together may be promised: what is set, else half of the machine's."""
    return config.runtime.memory_bytes_max or os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
