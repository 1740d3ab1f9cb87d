"""Descriptors of protobuf messages; the stubs know two classes of each, which do not fit one another."""

from __future__ import annotations

from typing import Any, TypeAlias

Message: TypeAlias = Any
Field: TypeAlias = Any
