import io
import sys

import pytest

from caxton_node.cli.acl import language_of, print_acl, read_acl
from caxton_node.cli.session import Session
from caxton_node.pb import messages_pb2 as pb
from tests.support.cli import caxton

pytestmark = pytest.mark.story("008")


class Terminal(io.StringIO):
    """Standard output of somebody who looks."""

    def isatty(self) -> bool:
        return True


def test_a_written_message_becomes_the_fields_of_a_request():
    said = read_acl(
        '(cfp :receiver (set a b) :content "{}" :X-Site here'
        " :reply-by 20261125T120000000Z :sender me :reply-with r :in-reply-to q :encoding utf-8)"
    )
    assert {name: value for name, value in said.items() if value} == {
        "to": "a",
        "also_to": ["b"],
        "content": b"{}",
        "performative": "cfp",
        "reply_by_unix_ms": 1_795_608_000_000,
        "headers": {"Site": "here"},
        "reply_with": "r",
        "in_reply_to": "q",
        "encoding": "utf-8",
    }


def test_a_message_may_come_from_a_file(tmp_path):
    path = tmp_path / "message.acl"
    path.write_bytes(b'(inform :receiver a :content #2"\xff\x00)')
    assert read_acl(f"@{path}")["content"] == b"\xff\x00"


@pytest.mark.parametrize(
    ("content", "given", "encoding", "language"),
    [
        (b"plain words", "", None, "text"),
        (b'{"a": 1}', "", None, ""),
        (b"", "", None, ""),
        (b"plain words", "fipa-sl", None, "fipa-sl"),
        (b'{"a": 1}', "text", None, "text"),
        (b"\x1f\x8b", "", "gzip", ""),
        (b"\xff", "", None, "text"),
    ],
)
def test_the_language_is_the_given_one_else_that_of_the_content(content, given, encoding, language):
    assert language_of(content, given, encoding) == language


MESSAGE = pb.Message(
    performative="inform", sender="a@n1", receivers=["b"], content=b"\x1b[2Jred\nforged", headers={"n": "1"}
)


def test_on_a_terminal_a_message_has_one_parameter_a_line_and_no_power_over_it(monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    print_acl(Session(), MESSAGE)
    assert terminal.getvalue().splitlines() == [
        "(inform",
        "  :sender (agent-identifier :name a@n1)",
        "  :receiver (set (agent-identifier :name b))",
        '  :content "\\x1b[2Jred\\nforged"',
        '  :X-n "1")',
    ]


def test_into_a_pipe_a_message_goes_byte_for_byte(capfdbinary):
    print_acl(Session(), MESSAGE)
    assert capfdbinary.readouterr().out == (
        b"(inform :sender (agent-identifier :name a@n1) :receiver (set (agent-identifier :name b))"
        b' :content "\x1b[2Jred\nforged" :X-n "1")\n'
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--acl", "(requst :receiver x)"), "did you mean request?"),
        (("--acl", '(request :content "x")'), "the message has no :receiver"),
        (("--acl", "(request :receiver x)", "--to", "y"), "leave out --to"),
        (("--acl", "(request :receiver x)", "--conversation", "y"), "leave out --conversation"),
        (("--acl", "@/no/such/file"), "--acl: /no/such/file cannot be read"),
        (("--content", "x"), "Missing option '--to' (or '--acl')"),
    ],
)
def test_a_message_that_cannot_be_sent_is_told_before_any_node_is_asked(words, says):
    done = caxton("message", "send", *words)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
