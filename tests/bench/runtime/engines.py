"""Ways of metering, and the reference: the same engine without fuel and without epochs."""

from __future__ import annotations

from typing import cast

from caxton_node.config import Config
from caxton_node.runtime.profile import Cpu, Profile


class _Unmetered(str):
    """Stands where a `Cpu` stands. Agents cannot have it: nothing would ever stop them."""

    __slots__ = ()
    has_fuel = False
    has_deadline = False


UNMETERED = Profile(cpu=cast("Cpu", _Unmetered("unmetered")))
PROFILES: dict[str, Profile] = {"unmetered": UNMETERED, **{str(cpu): Profile(cpu=cpu) for cpu in Cpu}}
MODES = tuple(str(cpu) for cpu in Cpu)
DEFAULT = Config().agents.cpu
