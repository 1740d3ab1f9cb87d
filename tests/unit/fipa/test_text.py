import msgspec
import pytest

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.headers import header_text
from caxton_node.fipa.text import KEYWORDS, MalformedText, read_text, write_text

pytestmark = pytest.mark.story("005")

FULL = Envelope(
    Performative.CFP,
    sender="buyer@n1",
    receivers=["mason-1", "acme/mason-2@n2"],
    content=b'{"task": "wall"}',
    conversation_id="c-1",
    reply_with="r-1",
    in_reply_to="r-0",
    reply_by=1_795_608_000_000,
    ontology="masonry",
    language="json",
    encoding="utf-8",
    protocol="fipa-contract-net",
    reply_to="desk@n1",
    headers={"site": msgspec.Raw(b"\xa4here")},
)
LINE = (
    b"(cfp :sender (agent-identifier :name buyer@n1)"
    b" :receiver (set (agent-identifier :name mason-1) (agent-identifier :name acme/mason-2@n2))"
    b" :reply-to (set (agent-identifier :name desk@n1))"
    b' :content "{\\"task\\": \\"wall\\"}" :language json :encoding utf-8 :ontology masonry'
    b" :protocol fipa-contract-net :conversation-id c-1 :reply-with r-1 :in-reply-to r-0"
    b' :reply-by 20261125T120000000Z :X-site "here")'
)


def test_a_message_is_written_in_one_line_with_fipas_parameters_in_fipas_order() -> None:
    assert write_text(FULL) == LINE


def test_a_message_for_a_terminal_has_one_parameter_a_line() -> None:
    lines = write_text(FULL, indent=True).decode().splitlines()
    assert lines[0] == "(cfp"
    assert [line.split()[0] for line in lines[1:]] == [*KEYWORDS, ":X-site"]
    assert b"\n".join(line.strip().encode() for line in lines).replace(b"\n", b" ") == LINE


def test_what_is_written_reads_as_the_same_message() -> None:
    assert read_text(LINE) == read_text(LINE.decode()) == FULL


@pytest.mark.parametrize("act", Performative)
def test_every_act_is_read_in_any_case_and_written_as_fipa_does(act: Performative) -> None:
    message = Envelope(act, receivers="somebody")
    assert write_text(message).startswith(f"({act.word} ".encode())
    for word in (act.word, act.word.upper(), act.name):
        assert read_text(f"({word} :receiver somebody)") == message


@pytest.mark.parametrize(
    "receiver",
    [
        "(set (agent-identifier :name mason))",
        "(SET (Agent-Identifier :NAME mason))",
        "(sequence (agent-identifier :name mason))",
        "(agent-identifier :name mason)",
        '(agent-identifier :name "mason")',
        "(agent-identifier :name mason :addresses (sequence http://mason.example/acc))",
        "(agent-identifier :X-shoe (size 45) :resolvers (sequence (agent-identifier :name df)) :name mason)",
        "(set mason)",
        '"mason"',
        "mason",
    ],
)
def test_a_receiver_may_be_written_in_full_or_short(receiver: str) -> None:
    assert read_text(f"(request :receiver {receiver})").receivers == "mason"


def test_parameters_come_in_any_order_and_case_with_any_blanks() -> None:
    text = '\n(inform:Reply-With r1 :CONTENT\t"x"\r\n :x-Site here:X-site "there" :receiver(set a b))\n'
    text = text.replace("(inform:", "(inform :").replace("here:X", "here :X")
    message = read_text(text)
    assert (message.reply_with, message.content, message.receivers) == ("r1", b"x", ["a", "b"])
    assert message.headers == {"Site": msgspec.Raw(b"\xa4here"), "site": msgspec.Raw(b"\xa5there")}


@pytest.mark.parametrize(
    ("written", "content"),
    [
        ('"plain"', b"plain"),
        ('""', b""),
        (r'"a \"quoted\" word"', b'a "quoted" word'),
        (r'"one \\ backslash"', b"one \\ backslash"),
        (r'"a line\nas FIPA sees it"', b"a line\\nas FIPA sees it"),
        (r'"\\\""', b'\\"'),
        ('"two\nlines"', b"two\nlines"),
        ('"(:content)"', b"(:content)"),
        ('"é"', "é".encode()),
        ('#0"', b""),
        ('#7"a"b\\c)(', b'a"b\\c)('),
        ('#2"é', "é".encode()),
    ],
)
def test_a_content_is_a_string_with_escapes_or_one_that_says_its_length(written: str, content: bytes) -> None:
    assert read_text(f"(inform :content {written})").content == content


def test_bytes_that_are_no_text_are_carried_by_their_length() -> None:
    message = Envelope(Performative.INFORM, receivers="a", content=b'\xff\x00"\\')
    assert write_text(message).endswith(b':content #4"\xff\x00"\\)')
    assert read_text(write_text(message)) == message


def test_what_other_readers_may_understand_differently_is_written_by_its_length() -> None:
    assert (
        write_text(Envelope(Performative.INFORM, content=b'{"a": "\\n"}'))
        == b'(inform :content #11"{"a": "\\n"})'
    )


@pytest.mark.parametrize(
    "text", ["-dash", "1st", "#x", "@n1", ":key", "+1", "a b", "a)", 'a"b', "ü", "a\n", "(a"]
)
def test_what_is_no_word_is_written_as_a_string(text: str) -> None:
    message = Envelope(Performative.INFORM, conversation_id=text)
    assert b':conversation-id "' in write_text(message)
    assert read_text(write_text(message)) == message


def test_an_expression_in_brackets_is_kept_as_it_is_written() -> None:
    message = read_text('(inform :reply-with (query 7 (of "(x)" +3.5e1)) :X-note (a b))')
    assert message.reply_with == '(query 7 (of "(x)" +3.5e1))'
    assert message.headers == {"note": msgspec.Raw(b"\xa5(a b)")}


@pytest.mark.parametrize("name", ["site", "Site", "a b", "50%", "%41", "naïve", "x)", "X-site"])
def test_a_header_of_any_name_and_text_survives(name: str) -> None:
    message = Envelope(Performative.INFORM, headers={name: msgspec.Raw(msgspec.msgpack.encode('a "b" \\ c'))})
    written = write_text(message)
    assert written.count(b" ") - b'a "b" \\ c'.count(b" ") == 2
    assert read_text(written) == message


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("here", "here"),
        (3, "3"),
        (None, "null"),
        ([1, {"a": True}], '[1,{"a":true}]'),
        (b"\x00\x01", '"AAE="'),
        (float("nan"), "null"),
    ],
)
def test_a_header_that_is_no_text_is_shown_as_its_json(value: object, text: str) -> None:
    assert header_text(msgspec.Raw(msgspec.msgpack.encode(value))) == text


@pytest.mark.parametrize("value", [b"\x81\x80\x01", b"\x91" * 5_000 + b"\xc0", b"\xa1\xff"])
def test_a_header_that_nobody_can_read_is_shown_as_its_bytes(value: bytes) -> None:
    assert header_text(msgspec.Raw(value)) == value.hex()


# -- moments ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "unix_ms"),
    [
        ("20261125T120000000Z", 1_795_608_000_000),
        ("20261125T120000Z", 1_795_608_000_000),
        ("20261125t120000123z", 1_795_608_000_123),
        ("19700101T000000000Z", 0),
        ("20240229T235960000Z", 1_709_251_200_000),
        ("+00000000T000030000", 1_030_000),
        ("+00000000T011500035", 5_500_035),
        ("+00000001T000000000Z", 87_400_000),
        ("+00010100T000000000", (365 + 30) * 86_400_000 + 1_000_000),
        ("2873961012T085900992Z", 2**53),
    ],
)
def test_a_deadline_is_a_time_in_utc_or_counted_from_now(written: str, unix_ms: int) -> None:
    assert read_text(f"(cfp :reply-by {written})", now_unix_ms=1_000_000).reply_by == unix_ms


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ("tomorrow", "a time is written as"),
        ("20261125", "a time is written as"),
        ("20261125T1200", "a time is written as"),
        ("-00000000T000030000", "a time is written as"),
        ("20261125T120000000", "the time zone is not known"),
        ("20261125T120000000A", "the time zone is not known"),
        ("20261325T120000000Z", "there is no month 13"),
        ("20250229T120000000Z", "month 2 of 2025 has no day 29"),
        ("21000229T120000000Z", "month 2 of 2100 has no day 29"),
        ("20260431T120000000Z", "month 4 of 2026 has no day 31"),
        ("20261100T120000000Z", "has no day 0"),
        ("20261125T240000000Z", "there is no time 24:00:00"),
        ("20261125T126000000Z", "there is no time 12:60:00"),
        ("19691231T235959999Z", "before 1970"),
        ("2900000101T000000000Z", "too far ahead"),
    ],
)
def test_what_is_no_time_is_refused_with_the_reason(written: str, words: str) -> None:
    with pytest.raises(MalformedText, match=words):
        read_text(f"(cfp :reply-by {written})", now_unix_ms=0)


# -- faults -------------------------------------------------------------------------------------------------


def test_a_fault_has_its_line_and_column_in_characters() -> None:
    with pytest.raises(MalformedText) as caught:
        read_text('(inform :content "näh\nnein"\n  :ontology "ü" :lenguage json)')
    assert (caught.value.line, caught.value.column) == (3, 17)
    assert caught.value.reason == "there is no parameter `:lenguage`; did you mean :language?"
    assert isinstance(caught.value, InvalidMessage)
    assert str(caught.value).startswith("malformed message at line 3, column 17: there is no parameter")


def test_a_fault_shows_nothing_that_could_forge_a_line_of_a_terminal() -> None:
    with pytest.raises(MalformedText) as caught:
        read_text("(inform :content \x1b[31mred)")
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"(" * 3_000_000,
        b"(inform :reply-with " + b"(" * 3_000_000,
        b"(inform :reply-with (" + b"a " * 1_500_000,
        b"(inform :receiver (set " + b"a " * 1_500_000,
        b"(inform :sender (agent-identifier" + b" :addresses x" * 300_000,
        b'(inform :content "' + b'\\"' * 1_500_000,
        b'(inform :content "' + b"\\" * 3_000_001,
        b"(inform " + b":X-a 1 " * 400_000,
        b" " * 3_000_000,
        b"#" * 3_000_000,
        b'#999999999"',
    ],
)
def test_a_text_made_to_exhaust_the_reader_is_refused(text: bytes) -> None:
    with pytest.raises(MalformedText):
        read_text(text)


def test_a_content_of_millions_of_escapes_is_read() -> None:
    message = Envelope(Performative.INFORM, content=b'"' * 3_000_000)
    assert read_text(write_text(message)) == message


def test_a_text_beyond_all_bounds_is_not_read() -> None:
    with pytest.raises(MalformedText, match="are read"):
        read_text(b'(inform :content "' + b"x" * 22 * 1024 * 1024 + b'")')


def test_a_text_with_half_a_character_is_refused() -> None:
    with pytest.raises(MalformedText, match="half a character") as caught:
        read_text('(inform :content "\ud800")')
    assert caught.value.column == 19
