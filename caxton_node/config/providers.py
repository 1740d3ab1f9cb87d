"""The file `security.providers`: who else may say who calls, besides the cluster itself.

Settings are plain values, and this is a list of issuers with a dozen values each, so it is a file of its own:
YAML, or JSON, which is YAML too. It is read once, when the node starts.

    jwt:
      - name: corp
        issuer: https://id.example.com
        audience: [caxton]
        jwks: https://id.example.com/.well-known/jwks.json
        roles_claim: groups
        roles: {caxton-ops: [operator], caxton-viewers: [viewer]}
    oauth2:
      name: corp
      introspection: https://id.example.com/introspect
      client_id: caxton
      client_secret_file: /etc/caxton/introspection.secret
      scopes: {caxton.read: [viewer]}
    certificates:
      ca_file: /etc/caxton/clients-ca.crt
      clients: {ci: [developer@acme]}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

import msgspec
import yaml

from caxton_node.core.errors import InvalidConfig

FILE_BYTES_MAX: Final = 256 * 1024
LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")

Algorithm = Literal["RS256", "ES256", "EdDSA", "Ed25519"]
ALGORITHMS: Final[tuple[Algorithm, ...]] = ("RS256", "ES256", "EdDSA", "Ed25519")
Label = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$")]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=2048)]
Grants = tuple[Annotated[str, msgspec.Meta(pattern=r"^[^\s,@]{1,64}(@[^\s,@]{1,64})?$")], ...]
Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class JwtIssuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Somebody whose JSON Web Tokens are good here.

    Attributes:
        name: Stands before the name of each of its callers, as in `corp:alice`: two issuers may know an alice
            each.
        issuer: What `iss` must be, exactly.
        audience: One of these must be in `aud`.
        jwks: File or URL of its public keys (RFC 7517); a URL is https, or http on this host.
        algorithms: Signatures that are good.
        name_claim: Claim with the caller's name; dots lead into objects.
        roles_claim: Claim with roles, a list of words or words separated by spaces.
        tenant_claim: Claim with the tenant in which the roles hold; empty: they hold everywhere. Without the
            claim a token brings no roles.
        roles: Grants by word of the roles claim.
        trusts_role_names: A word that is not in `roles` is the name of a role. Off: many issuers have an
            `admin` of their own.
        default: Grants of every caller.
        leeway_s: How far clocks may differ.
        lifetime_s_max: Tokens that live longer are refused; 0: any.
        jwks_max_age_s: How long keys are used before they are fetched again.
        jwks_stale_s: For how much longer they are used while they cannot be fetched.
        jwks_retry_s: Time between fetches for a key that is not known.
    """

    name: Label
    issuer: Text
    audience: Annotated[tuple[Text, ...], msgspec.Meta(min_length=1)]
    jwks: Text
    algorithms: Annotated[tuple[Algorithm, ...], msgspec.Meta(min_length=1)] = ALGORITHMS
    name_claim: Text = "sub"
    roles_claim: str = "roles"
    tenant_claim: str = ""
    roles: dict[str, Grants] = {}
    trusts_role_names: bool = False
    default: Grants = ()
    leeway_s: Annotated[float, msgspec.Meta(ge=0, le=300)] = 30.0
    lifetime_s_max: Seconds = 0.0
    jwks_max_age_s: Seconds = 3600.0
    jwks_stale_s: Seconds = 86_400.0
    jwks_retry_s: Annotated[float, msgspec.Meta(ge=1, le=3600)] = 30.0


class Introspection(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An authorisation server that is asked about tokens which say nothing themselves (RFC 7662).

    Attributes:
        name: Stands before the name of each of its callers.
        introspection: Where it is asked; https, or http on this host.
        client_id: As whom this node asks.
        client_secret_file: File with the secret of that client, one line.
        audience: One of these must be in `aud` of the answer; empty: it is not looked at.
        issuer: What `iss` of the answer must be, where it is there; empty: it is not looked at.
        name_claim: Field of the answer with the caller's name; the next ones are `sub` and `client_id`.
        scopes: Grants by scope.
        tenant_claim: Field with the tenant in which the grants hold; as of a JWT.
        default: Grants of every caller.
        timeout_s: When asking is given up.
    """

    name: Label
    introspection: Text
    client_id: Text
    client_secret_file: Path
    audience: tuple[Text, ...] = ()
    issuer: str = ""
    name_claim: Text = "username"
    scopes: dict[str, Grants] = {}
    tenant_claim: str = ""
    default: Grants = ()
    timeout_s: Annotated[float, msgspec.Meta(gt=0, le=30)] = 5.0


class ClientCertificates(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose client certificates are good besides those that the cluster's own CA has signed.

    Attributes:
        ca_file: PEM with one CA or several.
        clients: Grants by client; those who are not named have what is assigned to them.
    """

    ca_file: Path | None = None
    clients: dict[Label, Grants] = {}


class Providers(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file.

    Attributes:
        jwt: Issuers of JSON Web Tokens.
        oauth2: The server that is asked about all other bearer tokens.
        certificates: Client certificates.
    """

    jwt: tuple[JwtIssuer, ...] = ()
    oauth2: Introspection | None = None
    certificates: ClientCertificates = ClientCertificates()


def read_providers(path: Path | None) -> Providers:
    """Read the file; no path stands for an empty one.

    Raises:
        InvalidConfig: It cannot be read, or says what cannot be; tells where in it.
    """
    if path is None:
        return Providers()
    try:
        data = path.read_bytes()
        if len(data) > FILE_BYTES_MAX:
            raise _unfit(path, f"it has {len(data)} bytes, and {FILE_BYTES_MAX} are read")
        said = yaml.safe_load(data)
        found = msgspec.convert({} if said is None else said, Providers, dec_hook=_path_of)
    except OSError as err:
        raise _unfit(path, err.strerror or str(err)) from err
    except (yaml.YAMLError, UnicodeDecodeError, msgspec.ValidationError, RecursionError) as err:
        raise _unfit(path, " ".join(str(err).split())) from err
    for trouble in _troubles_of(found):
        raise _unfit(path, trouble)
    return found


def is_safe_url(url: str) -> bool:
    """Tell whether nobody between can read or change what is fetched: https, or http on this host."""
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and (
            parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
        )
    except ValueError:
        return False


def _path_of(_kind: type, value: object) -> Path:
    if not isinstance(value, str) or not value:
        raise ValueError("a path was expected")
    return Path(value)


def _troubles_of(found: Providers) -> Iterator[str]:
    for field in ("name", "issuer"):
        values = [getattr(each, field) for each in found.jwt]
        twice = {value for value in values if values.count(value) > 1}
        yield from (f"two of `jwt` have the {field} {value}" for value in sorted(twice))
    for each in found.jwt:
        if "://" in each.jwks and not is_safe_url(each.jwks):
            yield f"the keys of {each.name} are to come from {each.jwks}, which is not https"
    oauth2 = found.oauth2
    if oauth2 is not None and not is_safe_url(oauth2.introspection):
        yield f"tokens are to be sent to {oauth2.introspection}, which is not https"


def _unfit(path: Path, why: str) -> InvalidConfig:
    return InvalidConfig(
        f"security.providers cannot be {path}", why=why, hint="docs/authentication.md shows what it may say"
    )
