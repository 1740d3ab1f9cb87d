"""THE table of settings: name, type, unit, default, whether it can be reloaded, and what it is for.

A setting is one field of a section (`sections/`); its key is `section.field`. From this one place come the
loader, the typed `Config`, the reference page and the check that every setting is documented (`SETTINGS` is
the flat list).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, get_type_hints

from caxton_node.config.sections.execution import (
    AgentsSection,
    DeploymentsSection,
    RuntimeSection,
    TasksSection,
)
from caxton_node.config.sections.installation import (
    CertsSection,
    DataSection,
    GrpcSection,
    LogSection,
    MetricsSection,
    NodeSection,
    RestSection,
)
from caxton_node.config.sections.knowledge import KvSection, RegistrySection, StorageSection
from caxton_node.config.sections.limits import LimitsSection
from caxton_node.config.sections.messages import MessagingSection
from caxton_node.config.sections.network import ClusterSection, MeshSection, SwimSection
from caxton_node.config.sections.security import SecuritySection
from caxton_node.config.setting import UNITS, Setting, Value


@dataclass(frozen=True, slots=True)
class Config:
    """Every setting with its value, by section; it never changes, a reload makes a new one.

    Attributes:
        sources: Key -> where its value was set (`file:line`, a variable, --set); defaults are not in it.
    """

    node: NodeSection = field(default_factory=NodeSection)
    data: DataSection = field(default_factory=DataSection)
    mesh: MeshSection = field(default_factory=MeshSection)
    swim: SwimSection = field(default_factory=SwimSection)
    cluster: ClusterSection = field(default_factory=ClusterSection)
    grpc: GrpcSection = field(default_factory=GrpcSection)
    rest: RestSection = field(default_factory=RestSection)
    metrics: MetricsSection = field(default_factory=MetricsSection)
    log: LogSection = field(default_factory=LogSection)
    runtime: RuntimeSection = field(default_factory=RuntimeSection)
    agents: AgentsSection = field(default_factory=AgentsSection)
    deployments: DeploymentsSection = field(default_factory=DeploymentsSection)
    messaging: MessagingSection = field(default_factory=MessagingSection)
    tasks: TasksSection = field(default_factory=TasksSection)
    registry: RegistrySection = field(default_factory=RegistrySection)
    kv: KvSection = field(default_factory=KvSection)
    storage: StorageSection = field(default_factory=StorageSection)
    certs: CertsSection = field(default_factory=CertsSection)
    security: SecuritySection = field(default_factory=SecuritySection)
    limits: LimitsSection = field(default_factory=LimitsSection)
    sources: Mapping[str, str] = field(default_factory=dict)

    def get(self, key: str) -> Value:
        """Return the value of `section.name`; raises KeyError for a key that is not in the table."""
        setting = BY_KEY[key]
        section, _, name = setting.key.partition(".")
        value: Value = getattr(getattr(self, section), name)
        return value


PROFILES: Mapping[str, Mapping[str, Value]] = {
    "prod": {},
    "dev": {"log.level": "debug", "log.format": "pretty", "messaging.trace_share": 1.0},
}
"""What a kind of installation (`node.env`) sets before anything else does."""

SECTIONS: Mapping[str, type] = {
    name: kind
    for name, kind in get_type_hints(Config).items()
    if is_dataclass(kind) and isinstance(kind, type)
}


def _rows() -> Iterator[Setting]:
    for section, kind in SECTIONS.items():
        for part in fields(kind):
            yield _row(section, part)


def _row(section: str, part: Field[Any]) -> Setting:
    unit = UNITS.get(part.metadata["kind"], "")
    default: Any = part.default
    return Setting(key=f"{section}.{part.name}", unit=unit, default=default, **part.metadata)


SETTINGS: tuple[Setting, ...] = tuple(_rows())
BY_KEY: Mapping[str, Setting] = {setting.key: setting for setting in SETTINGS}
