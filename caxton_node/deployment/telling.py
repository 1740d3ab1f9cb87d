"""This node's own reports: written when they change, withdrawn when there is nothing to say."""

from __future__ import annotations

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.deployment.reports import (
    KIND,
    REASON_CHARS_MAX,
    ReplicaState,
    Report,
    Reports,
    encode,
    key_of,
)
from caxton_node.observability.logs import get_logger
from caxton_node.registry import Registry

_log = get_logger("deployment")


class Teller:
    """Writes what this node says of its replicas.

    Args:
        registry: Where it is written.
        reports: What was said before; the registry keeps it in step.
        node_id: This node.
        clock: Time.
    """

    def __init__(self, registry: Registry, reports: Reports, node_id: str, clock: Clock) -> None:
        self._registry = registry
        self._reports = reports
        self._node_id = node_id
        self._clock = clock

    def said(self, name: str) -> Report | None:
        """Return what this node says of a deployment."""
        return self._reports.of(name).get(self._node_id)

    def tell(self, name: str, state: ReplicaState, generation: int, reason: str = "") -> None:
        """Say how this node stands to a replica; the same again is not written again."""
        report = Report(state.value, generation, reason[:REASON_CHARS_MAX], self._clock.unix_us() // 1000)
        if report.says_the_same(self.said(name)):
            return
        try:
            self._registry.put_entry(KIND, key_of(name, self._node_id), encode(report))
        except CaxtonError as err:
            _log.warning("the state of a replica was not told", deployment=name, reason=str(err))

    def withdraw(self, name: str) -> None:
        """Say nothing of a deployment any more."""
        if self.said(name) is not None:
            self._registry.remove_entry(KIND, key_of(name, self._node_id))

    def withdraw_unless(self, names: set[str]) -> None:
        """Withdraw what an earlier life said of deployments that are not among these."""
        suffix = f"@{self._node_id}"
        for entry in self._registry.own_entries():
            name = entry.key.removesuffix(suffix)
            if entry.kind == KIND and name not in names:
                self._registry.remove_entry(KIND, entry.key)
