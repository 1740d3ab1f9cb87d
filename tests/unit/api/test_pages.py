import pytest

from caxton_node.api.pages import page_of, read_token, write_token
from caxton_node.core.errors import InvalidArgument

pytestmark = pytest.mark.story("007")

ROWS = ["e", "a", "d", "b", "c"]


def pages(rows, size):
    token, found = "", []
    while True:
        page, token = page_of(rows, str, of="letters", size=size, token=token)
        found.append(list(page))
        if not token:
            return found


def test_pages_have_all_rows_in_order():
    assert pages(ROWS, 2) == [["a", "b"], ["c", "d"], ["e"]]
    assert pages(ROWS, 5) == pages(ROWS, 0) == [["a", "b", "c", "d", "e"]]
    assert pages([], 2) == [[]]


def test_rows_that_come_or_go_shift_nothing():
    _, token = page_of(ROWS, str, of="letters", size=2, token="")
    rest, _ = page_of(["aa", "d", "e"], str, of="letters", size=2, token=token)
    assert rest == ["d", "e"]


@pytest.mark.parametrize(
    "token", ["b", "?", "a" * 5, write_token("numbers", "b"), write_token("letters", "b") + "=", "é"]
)
def test_a_token_of_something_else_is_refused(token):
    with pytest.raises(InvalidArgument, match="none of this list"):
        page_of(ROWS, str, of="letters", size=2, token=token)


def test_a_token_can_name_any_row():
    for row in ("", "a\nb", "acme/bot#1.0.0.2@n1", "ü"):
        assert read_token("letters", write_token("letters", row)) == row
