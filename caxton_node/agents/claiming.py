"""Claims in the registry: written when an agent is deployed, taken back when nobody runs it any more."""

from __future__ import annotations

from collections.abc import Collection

from caxton_node.agents.claims import CLAIMS, KIND, Claim, claim_of, encode_claim
from caxton_node.agents.views import AgentView
from caxton_node.registry import Registry
from caxton_node.registry.entry import Entry

PARTED_MAX = 10_000
"""Names that this node has had and others still have; beyond that, some keep their claims for nothing."""


class Claims:
    """The claims of names, as this node knows and writes them.

    Args:
        registry: Where they are.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._joined: dict[str, tuple[int, str]] = {}
        self._last: dict[str, Claim] = {}
        self._parted: dict[str, None] = {}
        registry.subscribe(self._handle_instances)

    def find(self, name: str) -> Claim | None:
        """Return the claim that holds for `tenant/name`; None if there is none that this node can read."""
        entry = self._registry.find_entry(KIND, name)
        return None if entry is None else read(entry)

    def take(self, view: AgentView) -> None:
        """Say that an agent is what its name stands for from now on; a claim that says so already stays."""
        name, mine = view.manifest.name, claim_of(view)
        self._parted.pop(name, None)
        before = self.find(name)
        if before is None or before.content != mine.content:
            self.put(name, mine.follow(before))
        self.join(name)

    def take_again(self, view: AgentView) -> None:
        """Take the name of an agent that was here before, if the claim allows no such agent."""
        claim = self.find(view.manifest.name)
        if claim is None or not claim.allows(claim_of(view).content):
            self.take(view)

    def keep(self, view: AgentView) -> None:
        """Claim a name for an agent that has been there before, unless it is claimed."""
        name = view.manifest.name
        if self._registry.find_entry(KIND, name) is None:
            self.put(name, claim_of(view))
            self.join(name)

    def put(self, name: str, claim: Claim) -> None:
        """Write a claim."""
        self._registry.put_entry(KIND, name, encode_claim(claim))

    def join(self, name: str) -> None:
        """Note that the agent here goes by the claim that holds now."""
        entry = self._registry.find_entry(KIND, name)
        claim = None if entry is None else read(entry)
        if entry is not None and claim is not None:
            self._joined[name] = entry.rank
            self.remember(name, claim)

    def has_joined(self, entry: Entry) -> bool:
        """Tell whether the agent here goes by just this version of a claim."""
        return self._joined.get(entry.key) == entry.rank

    def remember(self, name: str, claim: Claim) -> None:
        """Keep a claim that allows the agent here, in case that it is taken back."""
        self._last[name] = claim

    def restore(self, name: str, mine: Claim) -> None:
        """Claim a name again whose claim is gone, for the agent that is here.

        With the claim that held before, so that several nodes restore the same and are in no conflict.
        """
        before = self._last.get(name)
        self.put(name, before if before is not None and before.allows(mine.content) else mine)
        self.join(name)

    def release(self, name: str) -> None:
        """Let an agent go; its claim is taken back if no node has one of this name, the dead included."""
        self._joined.pop(name, None)
        self._last.pop(name, None)
        if len(self._parted) >= PARTED_MAX:
            del self._parted[next(iter(self._parted))]
        self._parted[name] = None
        self._handle_instances([name])

    def _handle_instances(self, names: Collection[str]) -> None:
        """Take claims back that are left alone: two nodes may remove their agents at the same moment."""
        for name in self._parted.keys() & names if self._parted else ():
            if not self._registry.has_instances(name):
                del self._parted[name]
                self._registry.remove_entry(KIND, name)


def read(entry: Entry) -> Claim | None:
    """Return the claim of an entry; None if it is withdrawn, or of a later version that cannot be judged."""
    return CLAIMS.find(entry)
