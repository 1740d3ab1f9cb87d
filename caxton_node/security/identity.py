"""From what a caller shows to who it is.

One call shows one credential. By its form exactly one authenticator knows it, and what that says is final: a
wrong credential is never passed over for another one. The process at the other end of a Unix socket is asked
for only when nothing was shown, since it cannot choose not to be known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caxton_node.core.clock import Clock
from caxton_node.core.errors import RateLimited, Unauthorized
from caxton_node.observability.logs import get_logger
from caxton_node.security.authenticators.authenticator import Authenticator
from caxton_node.security.credentials import Credentials
from caxton_node.security.guessing import FREE, Guesses
from caxton_node.security.principal import Principal
from caxton_node.security.refusal import GUESSES, Reason, refusal
from caxton_node.security.remembered import TTL_S, Remembered, key_of
from caxton_node.security.turns import Turns

CREDENTIAL_CHARS_MAX = 16 * 1024

_log = get_logger("security")


class Identity:
    """Tells who calls.

    Args:
        authenticators: The first one that knows a credential judges it.
        clock: For expiry, and for how long a source must wait.
        cache_s: How long a caller is remembered, at most a minute.
        free_failures: Wrong credentials from one source that cost it nothing.

    Attributes:
        on_failure: Called with the reason of each refusal, for the metrics.
    """

    def __init__(
        self,
        authenticators: Sequence[Authenticator],
        clock: Clock,
        *,
        cache_s: float = TTL_S,
        free_failures: int = FREE,
    ) -> None:
        self.on_failure: Callable[[str], None] = lambda _reason: None
        self._authenticators = authenticators
        self._clock = clock
        self._remembered = Remembered(clock, cache_s)
        self._guesses = Guesses(free_failures)
        self._turns = Turns()

    def find_cached(self, credentials: Credentials) -> Principal | None:
        """Return who shows these credentials if that was found out a moment ago; waits for nothing."""
        if (credentials.bearer or credentials.certificate_der) and not _is_one(credentials):
            return None
        return self._remembered.find(key_of(credentials))

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Return who shows these credentials.

        Raises:
            Unauthorized: Nobody that is known here.
            RateLimited: Too much that was wrong came from there; says when to try again.
            Unavailable: Whoever could tell does not answer.
        """
        if (found := self.find_cached(credentials)) is not None:
            return found
        source, shown = credentials.source, credentials.bearer or credentials.api_key
        try:
            authenticator = self._choose(credentials)
            if not shown:
                return await self._judge(authenticator, credentials)
            async with self._turns.take(authenticator, source):
                # Others of its source were judged while it waited: they may have failed, or been the same.
                if (found := self.find_cached(credentials)) is not None:
                    return found
                self._check_guesses(source)
                return await self._judge(authenticator, credentials)
        except Unauthorized as err:
            self._note(err, source)
            raise

    async def look_again(self, credentials: Credentials) -> Principal:
        """Return who shows credentials that were good when a stream began, and may not be any more.

        That others guess from the same source is no reason to end a stream, nor one to let it go on: it is
        judged all the same, and no guess whatever comes of it.

        Raises:
            Unauthorized: They are not good any more.
            Unavailable: Whoever could tell does not answer.
        """
        if (found := self.find_cached(credentials)) is not None:
            return found
        try:
            return await self._judge(self._find(credentials), credentials)
        except Unauthorized as err:
            self.on_failure(err.reason)
            raise

    def forget(self, hash_hex: str) -> None:
        """Look at one token anew, given as its SHA-256 in hex."""
        self._remembered.forget(hash_hex)

    def forget_all(self) -> None:
        """Look at everybody anew: what is trusted has changed."""
        self._remembered.clear()

    # -- inside ---------------------------------------------------------------------------------------------

    async def _judge(self, authenticator: Authenticator, credentials: Credentials) -> Principal:
        key, age = key_of(credentials), self._remembered.age
        principal = await authenticator.authenticate(credentials)
        self._remembered.keep(key, principal, age)
        return principal

    def _choose(self, credentials: Credentials) -> Authenticator:
        if not _is_one(credentials):
            raise refusal(
                Reason.AMBIGUOUS,
                "more than one credential came with the call",
                why="it would not be clear who calls",
                hint="send one: Authorization, X-API-Key, or a client certificate",
            )
        shown = credentials.bearer or credentials.api_key
        if shown:
            self._check_guesses(credentials.source)
        if len(shown) > CREDENTIAL_CHARS_MAX:
            raise refusal(
                Reason.MALFORMED,
                "the credential is too long",
                why=f"it has {len(shown)} characters, and {CREDENTIAL_CHARS_MAX} are read",
            )
        return self._find(credentials)

    def _find(self, credentials: Credentials) -> Authenticator:
        for authenticator in self._authenticators:
            if authenticator.knows(credentials):
                return authenticator
        raise _unknown_form(credentials)

    def _check_guesses(self, source: str) -> None:
        wait_s = self._guesses.wait_s(source, self._clock.now())
        if wait_s > 0:
            self.on_failure("slowed")
            raise RateLimited(
                "too many wrong credentials came from there",
                why="guessing is slowed down",
                hint=f"try again in {wait_s:.0f} s, with credentials that are good",
                retry_after_s=wait_s,
            )

    def _note(self, error: Unauthorized, source: str) -> None:
        self.on_failure(error.reason)
        if error.reason not in GUESSES:
            return
        failures = self._guesses.note_failure(source, self._clock.now())
        if failures & (failures - 1) == 0:  # 1, 2, 4, 8, ...: who guesses does not fill the log
            _log.warning("wrong credentials", source=source, failures=failures, reason=error.reason)


def _is_one(credentials: Credentials) -> bool:
    """Tell whether no two different credentials were shown; the same text in two places is one."""
    bearer, api_key = credentials.bearer, credentials.api_key
    if credentials.certificate_der and (bearer or api_key):
        return False
    return not bearer or not api_key or bearer == api_key


def _unknown_form(credentials: Credentials) -> Unauthorized:
    if credentials.bearer or credentials.api_key:
        return refusal(
            Reason.MALFORMED,
            "this is not an API token",
            why="it has the form of no credential that this node knows",
            hint="an API key is cax_<env>_<40 hex digits>_<client>, and goes whole into Authorization: Bearer"
            " or X-API-Key",
        )
    if credentials.certificate_der:
        return refusal(Reason.UNKNOWN, "client certificates are not known here")
    return refusal(
        Reason.MISSING,
        "no credentials came with the call",
        why="only the Unix socket of the node needs none",
        hint="give --token or CAXTON_TOKEN, or use the socket on the node's own host",
    )
