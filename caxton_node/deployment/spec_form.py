"""Specs as entries of the registry: a MessagePack map by field, so that one field can be changed alone."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from caxton_node.agents.manifest_form import limits_to_plain, manifest_from_plain, traits_to_plain
from caxton_node.core.errors import CaxtonError, InputError
from caxton_node.core.shown import show
from caxton_node.deployment.constraints import parse_constraint
from caxton_node.deployment.spec import Consistency, DeploymentSpec
from caxton_node.registry.entry import Entry
from caxton_node.registry.values import UNREADABLE, ValueReader, is_json

KIND = "deployment"
"""Entries `tenant/name`, written by any node."""


class UnreadableSpec(InputError):
    """A deployment in the registry cannot be read here; its replicas on this node are left as they are."""

    code = "UNREADABLE_DEPLOYMENT"


GENERATION_MAX = 2**62
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class _Form(msgspec.Struct, frozen=True):
    name: str
    version: str
    module_sha256: str
    replicas: int = 1
    constraints: tuple[str, ...] = ()
    spread: str = ""
    consistency: str = Consistency.AVAILABLE.value
    generation: _Count = 1
    created_unix_ms: _Count = 0
    updated_unix_ms: _Count = 0
    limits: dict[str, int | float] = {}
    config: dict[str, Any] = {}
    traits: dict[str, Any] = {}


_FORMS = ValueReader(_Form, fits=is_json)


def to_plain(spec: DeploymentSpec) -> dict[str, object]:
    """Return a spec by field, as the entry has them."""
    manifest = spec.manifest
    return {
        "name": manifest.name,
        "version": manifest.version,
        "module_sha256": spec.module_sha256,
        "replicas": spec.replicas,
        "constraints": [str(constraint) for constraint in spec.constraints],
        "spread": spec.spread,
        "consistency": spec.consistency.value,
        "generation": spec.generation,
        "created_unix_ms": spec.created_unix_ms,
        "updated_unix_ms": spec.updated_unix_ms,
        "limits": limits_to_plain(manifest.limits),
        "config": dict(manifest.config),
        "traits": traits_to_plain(manifest),
    }


def encode(spec: DeploymentSpec) -> bytes:
    """Return the value of the entry."""
    return msgspec.msgpack.encode(to_plain(spec))


def changes(before: DeploymentSpec, after: DeploymentSpec) -> dict[str, object]:
    """Return the fields that are different, as `Registry.update_entry` takes them."""
    old = to_plain(before)
    return {field: value for field, value in to_plain(after).items() if old[field] != value}


def decode(entry: Entry) -> DeploymentSpec:
    """Read an entry.

    Raises:
        UnreadableSpec: It is none, or one of a later version of this program.
    """
    try:
        form = _FORMS.read(entry.value)
        if form.name != entry.key:
            raise ValueError(f"it calls itself {show(form.name)}")
        manifest = manifest_from_plain(
            form.name, form.version, limits=form.limits, config=form.config, traits=form.traits
        )
        return DeploymentSpec(
            manifest=manifest,
            module_sha256=form.module_sha256,
            replicas=form.replicas,
            constraints=tuple(map(parse_constraint, form.constraints)),
            spread=form.spread,
            consistency=Consistency(form.consistency),
            generation=form.generation,
            created_unix_ms=form.created_unix_ms,
            updated_unix_ms=form.updated_unix_ms,
        )
    except (CaxtonError, AttributeError, LookupError, *UNREADABLE) as err:  # traits may be of any kind
        raise UnreadableSpec(
            f"the deployment {show(entry.key)} cannot be read by this node",
            why=show(str(err)),
            hint="the nodes may run different versions: caxton cluster members -o wide",
        ) from err
