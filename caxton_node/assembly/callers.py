"""Who calls: what recognises callers, put together from all parts that know one kind of credential."""

from __future__ import annotations

from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.config.providers import Providers, read_providers
from caxton_node.security import Identity
from caxton_node.security.authenticators.api_key import ApiKeyAuthenticator
from caxton_node.security.authenticators.authenticator import Authenticator
from caxton_node.security.authenticators.certificate import CertificateAuthenticator, read_authorities
from caxton_node.security.authenticators.jwt import JwtAuthenticator
from caxton_node.security.authenticators.oauth2 import OAuth2Authenticator, read_secret
from caxton_node.security.authenticators.unix_peer import UnixPeerAuthenticator, parse_peers
from caxton_node.trust.holdings import Holdings


def make_identity(ground: Ground, company: Company, knowledge: Knowledge) -> Identity:
    """Return what tells who calls, and let it look anew when keys or trust change.

    Raises:
        InvalidConfig: The file `security.providers`, or one that it names, cannot be used.
    """
    api_keys, trust, security = knowledge.api_keys, company.trust, ground.config.security
    identity = Identity(
        [
            ApiKeyAuthenticator(api_keys),
            *_outsiders(ground, company, read_providers(security.providers)),
            UnixPeerAuthenticator(parse_peers(security.unix_peers)),
        ],
        ground.clock,
        cache_s=security.cache_s,
        free_failures=security.free_failures,
    )

    def cut_off_unix_s(issuer: str) -> float | None:
        since = trust.held.revocations.earliest_start(issuer)
        return None if since is None else since.timestamp()

    def handle_trust(_held: Holdings) -> None:
        identity.forget_all()
        api_keys.handle_cut_off()

    api_keys.cut_off_unix_s = cut_off_unix_s
    api_keys.listen(identity.forget)
    trust.listen(handle_trust)
    api_keys.handle_cut_off()
    identity.on_failure = lambda reason: ground.board.counter(
        "caxton_auth_failures_total", reason=reason
    ).add()
    return identity


def _outsiders(ground: Ground, company: Company, providers: Providers) -> Iterator[Authenticator]:
    """Yield what recognises callers that the cluster itself has given nothing but trust in somebody."""
    if providers.jwt:
        jwt = JwtAuthenticator(providers.jwt, ground.clock, asks_others=providers.oauth2 is not None)
        ground.stack.push_async_callback(jwt.close)
        yield jwt
    if providers.oauth2 is not None:
        oauth2 = OAuth2Authenticator(providers.oauth2, read_secret(providers.oauth2), ground.clock)
        ground.stack.push_async_callback(oauth2.close)
        yield oauth2
    others = read_authorities(providers.certificates.ca_file)

    def authorities() -> tuple[x509.Certificate, ...]:
        return (*company.trust.held.trust.authorities, *others)

    yield CertificateAuthenticator(
        cluster=ground.files.cluster,
        authorities=authorities,
        denied_serials=lambda: company.trust.held.revocations.denied_serials,
        grants=providers.certificates.clients,
        clock=ground.clock,
    )


def client_authorities_pem(ground: Ground) -> bytes:
    """Return the CAs of clients alone, which TLS must know besides those of the cluster.

    Raises:
        InvalidConfig: The file `security.providers`, or one that it names, cannot be used.
    """
    found = read_authorities(read_providers(ground.config.security.providers).certificates.ca_file)
    return b"".join(each.public_bytes(Encoding.PEM) for each in found)
