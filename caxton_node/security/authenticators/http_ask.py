"""One small HTTP exchange with somebody outside: bounded in time and size, and never led elsewhere.

By httpx2, since the standard library would need a thread for each exchange, follows redirects (a token would
be sent wherever an answer points to) and cannot stop reading. It is imported when it is first needed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from caxton_node.core.errors import Unavailable

if TYPE_CHECKING:
    import httpx2

ANSWER_BYTES_MAX = 256 * 1024


class Outside:
    """Asks one party outside.

    Args:
        what: How errors call it.
        timeout_s: When an exchange is given up.
    """

    def __init__(self, what: str, timeout_s: float) -> None:
        self._what = what
        self._timeout_s = timeout_s
        self._client: httpx2.AsyncClient | None = None

    async def get(self, url: str) -> Any:  # noqa: ANN401  any JSON
        """Fetch a JSON document.

        Raises:
            Unavailable: It did not come, or is none.
        """
        return await self._exchange("GET", url, None, None)

    async def post(self, url: str, form: Mapping[str, str], auth: tuple[str, str]) -> Any:  # noqa: ANN401  any JSON
        """Send a form as a client with a secret, and return the JSON that is answered.

        Raises:
            Unavailable: There was no good answer.
        """
        return await self._exchange("POST", url, form, auth)

    async def close(self) -> None:
        """Close what is open."""
        if self._client is not None:
            await self._client.aclose()

    async def _exchange(
        self, method: str, url: str, form: Mapping[str, str] | None, auth: tuple[str, str] | None
    ) -> Any:  # noqa: ANN401  any JSON
        import httpx2  # noqa: PLC0415  it costs a tenth of a second, and most nodes ask nobody

        if self._client is None:
            self._client = httpx2.AsyncClient(follow_redirects=False, timeout=self._timeout_s)
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._client.stream(
                    method, url, data=form, auth=auth, headers={"Accept": "application/json"}
                ) as answer,
            ):
                body = await _read(answer)
            if answer.status_code != 200:
                raise Unavailable(f"{self._what} does not help", why=f"it answers {answer.status_code}")
            return json.loads(body)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError, ValueError, RecursionError) as err:
            raise Unavailable(
                f"{self._what} cannot be asked",
                why=f"{type(err).__name__} {str(err)[:200]}".strip(),
                hint="try again; what was recognised a moment ago is good meanwhile",
            ) from err


async def _read(answer: httpx2.Response) -> bytes:
    body = b""
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            raise ValueError("the answer is too long")
    return body
