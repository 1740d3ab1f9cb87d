"""From a word that people know, a permission or an operation, to the permission that is meant."""

from __future__ import annotations

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show
from caxton_node.security import Permission

ANYBODY = "it needs no permission: whoever is known may ask"
STRANGERS = "it needs no permission: a join token is judged instead"


def permission_of(word: str) -> tuple[Permission | None, str]:
    """Return the permission that a word means.

    Args:
        word: `agents.write`, `DeployAgent` or `CaxtonManagement/DeployAgent`, in any case.

    Returns:
        The permission, or None and why none is needed.

    Raises:
        InvalidArgument: It is neither a permission nor an operation.
    """
    from caxton_node.api.operations import OPERATIONS  # noqa: PLC0415  the table lists whoever asks here

    wanted = word.strip().lower()
    if wanted in set(Permission):
        return Permission(wanted), ""
    for operation in OPERATIONS:
        if wanted in {operation.name.lower(), operation.method.lower()}:
            why = STRANGERS if operation.anonymous else ANYBODY
            return operation.permission, "" if operation.permission else why
    raise InvalidArgument(
        f"{show(word)!r} is neither a permission nor an operation",
        why=f"the permissions are {', '.join(Permission)}",
        hint="operations are named as in the reference: DeployAgent, SendMessage, ...",
    )
