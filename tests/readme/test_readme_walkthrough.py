import pytest

from tests.readme.__main__ import main
from tests.readme.walkthrough import Step, missing, read_section

pytestmark = pytest.mark.story("008")

PAGE = """# Page

## Before
```sh
rm -rf /
```

## Ten minutes
Say this.

```sh
echo a
```
It prints:
```text
a
```
```sh
echo b
```

## After
```sh
rm -rf /
```
"""


def test_a_section_is_its_commands_and_what_they_print():
    assert read_section(PAGE, "Ten minutes") == [Step("echo a\n", ("a",)), Step("echo b\n")]


@pytest.mark.parametrize(
    "page",
    [
        "## Other\n```sh\na\n```\n",
        "## Ten minutes\nnothing\n",
        "## Ten minutes\n```text\na\n```\n",
        "## Ten minutes\n```\na\n```\n",
        "## Ten minutes\n```sh\na\n```\n```text\na\n```\n```text\nb\n```\n",
    ],
)
def test_a_page_that_does_not_say_what_to_do_is_refused(page):
    with pytest.raises(ValueError, match=r"section|block"):
        read_section(page, "Ten minutes")


@pytest.mark.parametrize(
    ("shown", "printed", "absent"),
    [
        (("a", "b"), "a\nx\nb  \n", ""),
        (("b", "a"), "a\nb\n", "a"),
        (("took ... ms",), "took 4.2 ms\n", ""),
        (("took ... ms",), "took 4.2 s\n", "took ... ms"),
        (("a.c",), "abc\n", "a.c"),
        ((), "", ""),
    ],
)
def test_lines_are_found_in_their_order_with_dots_for_anything(shown, printed, absent):
    assert missing(shown, printed) == absent


@pytest.mark.timeout(240)
def test_the_ten_minutes_of_the_readme_work(capsys):
    assert main(["--fast", "--quiet"]) == 0, capsys.readouterr().out
