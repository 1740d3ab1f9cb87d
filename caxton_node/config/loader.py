"""From all sources to one frozen `Config`; the later source wins.

    defaults  <  profile  <  file  <  CAXTON_<SECTION>__<KEY>  <  --set key=value

The file is the one asked for, else that of CAXTON_CONFIG_PATH, else /etc/caxton/config.yaml if it exists.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from caxton_node.config.schema import BY_KEY, PROFILES, SECTIONS, Config
from caxton_node.config.setting import SYSTEM_DIR, Value
from caxton_node.config.sources import Given, from_environment, from_file, from_overrides
from caxton_node.config.values import Unfit, closest, read_value
from caxton_node.core.errors import InvalidConfig

SYSTEM_FILE = Path("/etc/caxton/config.yaml")


def load(
    *,
    path: Path | None = None,
    environ: Mapping[str, str] | None = None,
    overrides: Sequence[str] = (),
) -> Config:
    """Read every source and return the configuration.

    Args:
        path: The file of `--config`, or None.
        environ: The environment; None means the process's own.
        overrides: The texts of `--set`, each `key=value`; a flag such as --data-dir is one of these.

    Raises:
        InvalidConfig: A key is unknown or a value does not fit; it says where, what was expected and what was
            probably meant.
    """
    environ = os.environ if environ is None else environ
    values: dict[str, Value] = {"data.dir": default_data_dir(environ)}
    sources: dict[str, str] = {}
    for given in chain(_from_found_file(path, environ), from_environment(environ), from_overrides(overrides)):
        values[given.key] = _read(given)
        sources[given.key] = given.where
    values = {**PROFILES[str(values.get("node.env", "prod"))], **values}
    config = _build(values, sources)
    _check_together(config)
    return config


def default_data_dir(environ: Mapping[str, str]) -> Path:
    """Return the system's data directory if this user may write there, else one in the user's home."""
    if os.geteuid() == 0 or os.access(SYSTEM_DIR, os.W_OK):
        return SYSTEM_DIR
    home = environ.get("XDG_DATA_HOME") or Path(environ.get("HOME", "~")).expanduser() / ".local" / "share"
    return Path(home) / "caxton"


def _from_found_file(path: Path | None, environ: Mapping[str, str]) -> Iterator[Given]:
    if path is None and environ.get("CAXTON_CONFIG_PATH"):
        path = Path(environ["CAXTON_CONFIG_PATH"])
    if path is None and SYSTEM_FILE.exists():
        path = SYSTEM_FILE
    return iter(()) if path is None else from_file(path, environ)


def _read(given: Given) -> Value:
    setting = BY_KEY.get(given.key)
    if setting is None:
        raise _unknown(given)
    try:
        return read_value(setting, given.text)
    except Unfit as err:
        meant = f"did you mean {err.meant}? " if err.meant else ""
        raise InvalidConfig(
            f"{given.where}: {given.key} cannot be {given.text!r}",
            why=f"expected {err.expected}",
            hint=f"{meant}{setting.help}",
        ) from None


def _unknown(given: Given) -> InvalidConfig:
    section, _, _name = given.key.partition(".")
    if section not in SECTIONS:
        why = f"there is no section {section!r}"
    else:
        known = [key.removeprefix(f"{section}.") for key in BY_KEY if key.startswith(f"{section}.")]
        why = f"{section} has {', '.join(known)}"
    meant = closest(given.key, tuple(BY_KEY))
    return InvalidConfig(
        f"{given.where}: {given.key} is not a setting",
        why=why,
        hint=f"did you mean {meant}?" if meant else "see the configuration reference",
    )


def _build(values: Mapping[str, Value], sources: Mapping[str, str]) -> Config:
    grouped: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    for key, value in values.items():
        section, _, name = key.partition(".")
        grouped[section][name] = value
    sections: dict[str, Any] = {name: kind(**grouped[name]) for name, kind in SECTIONS.items()}
    return Config(**sections, sources=dict(sources))


def _check_together(config: Config) -> None:
    """Refuse values that are fine one by one and wrong together."""
    interval_s, timeout_s = config.swim.probe_interval_s, config.swim.probe_timeout_s
    if interval_s is not None and timeout_s is not None and timeout_s >= interval_s:
        where = config.sources.get("swim.probe_timeout_s", "")
        raise InvalidConfig(
            f"{where}: swim.probe_timeout_s ({timeout_s:g} s) is not shorter than swim.probe_interval_s "
            f"({interval_s:g} s)",
            why="an indirect probe needs what is left of the interval",
            hint="half the interval is a good timeout",
        )
