import gzip
from types import SimpleNamespace

import pytest

from caxton_node.api.rest import encodings
from caxton_node.api.rest.pages import Pages

pytestmark = pytest.mark.story("007")


@pytest.mark.parametrize("path", ["/openapi.json", "/docs/swagger-ui-bundle.js"])
async def test_a_page_is_packed_once_however_often_strangers_ask(path, monkeypatch):
    packed = []

    def compress(body, *args, **kwargs):
        packed.append(len(body))
        return gzip.compress(body, 1)

    monkeypatch.setattr(encodings, "gzip", SimpleNamespace(compress=compress))
    pages = Pages()
    first, *others = [await ask(pages, path) for _ in range(3)]
    assert first.headers["content-encoding"] == "gzip"
    assert [each.body for each in others] == [first.body, first.body]
    assert packed == [len(gzip.decompress(first.body))]


async def ask(pages, path):
    replies = []

    async def reply(each):
        replies.append(each)

    said = {"accept-encoding": "gzip"}
    await pages.handlers[path](
        SimpleNamespace(verb="GET", header=lambda name: said.get(name, ""), reply=reply)
    )
    return replies[0]
