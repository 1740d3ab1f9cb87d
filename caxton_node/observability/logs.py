"""Log lines: one event in words, facts as fields, JSON for machines or colours for people, on stderr.

    log = get_logger("cluster")
    log.info("member joined", member="beta", address="127.0.0.1:7946")

Control plane only: a line costs about 6 us. Fields that may hold a secret are masked here, as the last
defence.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import msgspec
import structlog
from structlog.typing import FilteringBoundLogger, Processor

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
MASK = "***"

_SECRET_FIELD = re.compile(r"(?:^|_)(?:token|secret|password|private_key|key_pem|gossip_key)$")
_SECRET_TEXT = re.compile(r"cax_[a-z0-9]+_[0-9a-f]{8,}_[a-z0-9-]+|cxj1\.[A-Za-z0-9_-]+")


def get_logger(package: str) -> FilteringBoundLogger:
    """Return a logger whose lines carry the package's name; cheap to keep at module level."""
    if not structlog.is_configured():  # structlog's own default writes to stdout, which belongs to commands
        configure_logs(level="warning")
    logger: FilteringBoundLogger = structlog.get_logger(package=package)
    return logger


def configure_logs(*, level: str = "info", format: str = "auto") -> None:  # noqa: A002 - named as the setting
    """Set how lines are written from now on, for this process; may be called again to change it.

    Args:
        level: debug, info, warning or error. Libraries are heard from warning, and from info at debug.
        format: json, pretty, or auto: pretty when stderr is a terminal.
    """
    pretty = format == "pretty" or (format == "auto" and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,  # before the masking, since errors quote what they were given
        mask_secrets,
    ]
    # Its own way with tracebacks prints local variables, and keys and tokens are among them.
    plain = structlog.dev.plain_traceback
    ending: list[Processor] = [
        structlog.dev.ConsoleRenderer(timestamp_key="at", pad_event_to=0, exception_formatter=plain)
        if pretty
        else structlog.processors.JSONRenderer(serializer=_to_json)
    ]
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=_StderrLogger,
        cache_logger_on_first_use=False,
    )
    _adopt_libraries(
        shared, ending, logging.INFO if level == "debug" else max(LEVELS[level], logging.WARNING)
    )


def mask_secrets(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Hide what must never be read in a log: fields named like secrets, and texts that look like tokens."""
    for name, value in line.items():
        if _SECRET_FIELD.search(name):
            line[name] = MASK
        elif isinstance(value, str) and ("cax_" in value or "cxj1." in value):
            line[name] = _SECRET_TEXT.sub(MASK, value)
    return line


class _StderrLogger:
    """Writes to whatever stderr is at that moment; a broken one loses the line, not the node."""

    def __init__(self, *_: object) -> None:
        pass

    def msg(self, line: str) -> None:
        with suppress(OSError, ValueError):
            sys.stderr.write(line + "\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = log = fatal = failure = err = warn = msg


class _StderrHandler(logging.Handler):
    """Takes what libraries log through the standard library."""

    def emit(self, record: logging.LogRecord) -> None:
        _StderrLogger().msg(self.format(record))


def _adopt_libraries(shared: list[Processor], ending: list[Processor], level: int) -> None:
    handler = _StderrHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, _name_library],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    root = logging.getLogger()
    root.handlers = [old for old in root.handlers if not isinstance(old, _StderrHandler)]
    root.addHandler(handler)
    root.setLevel(level)


def _name_library(_logger: object, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    line["package"] = line["_record"].name
    return line


def _to_json(line: object, **_: object) -> str:
    return msgspec.json.encode(line, enc_hook=repr).decode()
