"""Names of agents as requests give them: exactly, or by how they begin. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.core.ids import DEFAULT_TENANT, full_name


@dataclass(frozen=True, slots=True)
class NameFilter:
    """Which names are meant.

    Attributes:
        text: A full name, or how it begins.
        is_prefix: Which of the two.
    """

    text: str
    is_prefix: bool

    def __contains__(self, name: str) -> bool:
        return name.startswith(self.text) if self.is_prefix else name == self.text


def read_filter(pattern: str) -> NameFilter:
    """Read `worker`, `acme/worker`, `work*`, `acme/*` or `*`, which alone is about all tenants.

    Raises:
        InvalidArgument: It is no name.
    """
    if not pattern.endswith("*"):
        return NameFilter(full_name(pattern), is_prefix=False)
    begin = pattern[:-1]
    if begin and "/" not in begin:
        begin = f"{DEFAULT_TENANT}/{begin}"
    return NameFilter(begin, is_prefix=True)
