"""The deployments of the cluster as this node knows them, read from the registry and kept in step with it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from caxton_node.deployment.spec import DeploymentSpec
from caxton_node.deployment.spec_form import UnreadableSpec, decode
from caxton_node.observability.logs import get_logger
from caxton_node.registry.entry import Entry

_log = get_logger("deployment")


class Book:
    """Deployments by name.

    Attributes:
        unreadable: Names of those that this version cannot read; their replicas are left as they are.
    """

    def __init__(self) -> None:
        self._specs: dict[str, DeploymentSpec] = {}
        self.unreadable: set[str] = set()
        self._modules: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._specs)

    def __iter__(self) -> Iterator[DeploymentSpec]:
        """Go through the deployments by name, as they are now."""
        return iter([self._specs[name] for name in sorted(self._specs)])

    def take(self, entries: Iterable[Entry]) -> set[str]:
        """Take entries in, tombstones among them; returns the names of the deployments that changed."""
        names: set[str] = set()
        for entry in entries:
            names.add(entry.key)
            self._drop(entry.key)
            self.unreadable.discard(entry.key)
            if not entry.deleted:
                self._read(entry)
        return names

    def find(self, name: str) -> DeploymentSpec | None:
        """Return a deployment by `tenant/name`, None if there is none that can be read."""
        return self._specs.get(name)

    def needs(self, sha256: str) -> bool:
        """Tell whether a deployment needs a module; one that cannot be read may need any."""
        return bool(self.unreadable) or sha256 in self._modules

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a deployment of this name that can be read."""
        return name in self._specs

    def _drop(self, name: str) -> None:
        spec = self._specs.pop(name, None)
        if spec is not None:
            self._modules[spec.module_sha256] -= 1
            if not self._modules[spec.module_sha256]:
                del self._modules[spec.module_sha256]

    def _read(self, entry: Entry) -> None:
        try:
            spec = self._specs[entry.key] = decode(entry)
            self._modules[spec.module_sha256] += 1
        except UnreadableSpec as err:
            self.unreadable.add(entry.key)
            _log.warning("a deployment cannot be read", deployment=entry.key, reason=err.why)
