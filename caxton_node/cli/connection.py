"""Which node a command talks to: what was given, the environment, a context, or the socket of this machine.

The first of these that names a node wins, and credentials come from the same place or a nearer one: a token
that a context keeps for its own cluster is never shown to an endpoint that came from somewhere else.
"""

from __future__ import annotations

from collections.abc import Mapping

from caxton_node.cli.config_file import find_context, token_of
from caxton_node.cli.contexts import CliConfig, Context
from caxton_node.client.endpoint import Endpoint, choose_endpoint

_PLACES = ("endpoint", "data_dir")
_WAYS = (*_PLACES, "token", "ca")


def choose_connection(
    given: Mapping[str, str], environ: Mapping[str, str], config: CliConfig, *, timeout_s: float = 30.0
) -> Endpoint:
    """Choose the node and the credential.

    Args:
        given: The options of the command line by name: endpoint, token, ca, data_dir, context.
        environ: The process environment.
        config: The file of the command line.
        timeout_s: How long the command that prints a token may take, seconds.

    Raises:
        InvalidArgument: An endpoint is of no known form, or a CA file cannot be read.
        InvalidConfig: The token of the context cannot be had.
        ContextNotFound: There is no such context.
    """
    ways = {name: given[name] for name in _WAYS if given.get(name)}
    name = context_name(given, environ, config)
    context = find_context(config, name) if name else config.defaults
    if any(place in ways for place in _PLACES) or not (context.endpoint or context.data_dir):
        return choose_endpoint(environ, **ways)
    return _through(context, ways, environ, timeout_s)


def context_name(given: Mapping[str, str], environ: Mapping[str, str], config: CliConfig) -> str:
    """Return the name of the context that is used, empty if none is.

    One that is named on the command line is meant, whatever the environment says; the current one of the file
    gives way to an endpoint in the environment.
    """
    if named := given.get("context") or environ.get("CAXTON_CONTEXT", ""):
        return named
    said = any(given.get(place) for place in _PLACES)
    said = said or any(environ.get(name) for name in ("CAXTON_ENDPOINT", "CAXTON_DATA_DIR"))
    return "" if said else config.current


def overruling(environ: Mapping[str, str], config: CliConfig) -> str:
    """Return the variable of the environment that wins over the current context, empty if none does."""
    named = environ.get("CAXTON_CONTEXT", "")
    if named:
        return "CAXTON_CONTEXT" if named != config.current else ""
    return next((name for name in ("CAXTON_ENDPOINT", "CAXTON_DATA_DIR") if environ.get(name)), "")


def _through(
    context: Context, ways: Mapping[str, str], environ: Mapping[str, str], timeout_s: float
) -> Endpoint:
    rest = {name: value for name, value in environ.items() if name not in {"CAXTON_ENDPOINT", "CAXTON_CA"}}
    own = {"endpoint": context.endpoint, "data_dir": context.data_dir, "ca": context.ca}
    if context.endpoint and "token" not in ways and not context.endpoint.startswith("unix:"):
        own["token"] = token_of(context, environ, timeout_s=timeout_s)
    chosen = {name: value for name, value in (own | dict(ways)).items() if value}
    return choose_endpoint(rest, **chosen)
