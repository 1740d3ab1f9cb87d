"""What searches may spend on schemas, whatever agents have registered: counted, not timed."""

from __future__ import annotations

from typing import Any

import pytest

from caxton_node.registry.discovery import compatibility
from caxton_node.registry.discovery.compatibility import Compatibility
from caxton_node.registry.discovery.offers import Offer
from caxton_node.registry.discovery.pricing import pattern_units, price_of
from caxton_node.registry.discovery.query import Query
from caxton_node.registry.discovery.registration import Capability, TooMuch, record_of
from caxton_node.registry.discovery.remembered import RECENT, Remembered
from caxton_node.registry.discovery.schemas import canonical
from caxton_node.registry.discovery.validators import make_validator, sample_of, validator_of
from caxton_node.registry.discovery.work import SCHEMA_UNITS_MAX, SEARCH_UNITS_MAX, Work
from caxton_node.registry.records import CapabilityRecord

pytestmark = pytest.mark.story("015")

LONG = "ab" * 1_900


def _patterns(number: int, count: int = 100) -> dict[str, Any]:
    forms = [{"type": "string", "pattern": f"^(\\w|{number:02}{n:03}){{0,400}}$"} for n in range(count)]
    return {"type": "array", "items": {"anyOf": forms}}


def _unique(number: int) -> dict[str, Any]:
    return {
        "allOf": [{"$ref": "#/$defs/a"}] * 150,
        "$defs": {"a": {"uniqueItems": True, "title": f"{number}"}},
    }


def _enums(number: int) -> dict[str, Any]:
    return {
        "type": ["string", "object"],
        "minLength": 1,
        "not": {"enum": [f"{number}-{n}" for n in range(700)]},
    }


def _alternatives(number: int) -> dict[str, Any]:
    return {"title": f"{number}", "anyOf": [{"anyOf": [{"const": [n] * 20}]} for n in range(100)]}


def _rings(number: int) -> dict[str, Any]:
    return {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a", "title": f"{number}"}] * 8}}}


def _huge(number: int) -> dict[str, Any]:
    return {"enum": [f"{number}-{n}" for n in range(5_000)]}


HOSTILE = (_patterns, _unique, _enums, _alternatives, _rings, _huge)
QUESTIONS: dict[str, dict[str, Any]] = {
    "words": {"sample": ["ab" * 20] * 20},
    "a long word": {"sample": LONG},
    "a list": {"sample": [[n] for n in range(600)]},
    "values": {"sends": {"enum": [f"v{n:03}" for n in range(480)]}},
    "alternatives": {"sends": {"anyOf": [{"anyOf": [{"const": [n] * 20}]} for n in range(80)]}},
    "types": {
        "sends": {"type": ["null", "string", "array", "object"], "required": [f"k{n}" for n in range(900)]}
    },
}


def _offer(number: int, schema: Any) -> Offer:
    return Offer(CapabilityRecord("c.x", "1.0", f"t/a{number}", "n1", schema=schema))


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_search_spends_so_much_whatever_schemas_there_are(hostile: Any, question: dict[str, Any]) -> None:
    offers = [_offer(number, hostile(number)) for number in range(100)]
    for _ in range(2):  # the second may use what the first has found out
        work = Work()
        compatible = Compatibility(Query(name="c.x", **question), work)
        for offer in offers:
            before = work.left
            compatible.holds(offer)
            assert before - work.left <= 3 * SCHEMA_UNITS_MAX
        assert work.left > -3 * SCHEMA_UNITS_MAX


def test_a_search_makes_few_validators(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[bytes] = []
    ask = compatibility.validator_of

    def count(schema_json: bytes, work: Work) -> Any:
        before = work.left
        validator = ask(schema_json, work)
        if before - work.left > 1:
            made.append(schema_json)
        return validator

    monkeypatch.setattr(compatibility, "validator_of", count)
    names = [
        {f"field{n}_{part}": {"type": "string", "pattern": "^[a-z]+$"} for part in range(6)}
        for n in range(300)
    ]
    offers = [_offer(number, {"type": "object", "properties": name}) for number, name in enumerate(names)]
    compatible = Compatibility(Query(name="c.x", sample={"a": 1}))
    verdicts = [compatible.holds(offer) for offer in offers]
    assert compatible.is_exhausted
    assert 10 < len(made) < 60
    assert sum(verdicts) == len(made)
    later = [sum(map(Compatibility(Query(name="c.x", sample={"a": 2})).holds, offers)) for _ in range(30)]
    assert later[-1] == len(offers)


def test_a_search_without_schemas_spends_nothing() -> None:
    work = Work()
    assert Compatibility(Query(name="c.x"), work).holds(_offer(1, _patterns(1)))
    assert not Compatibility(Query(name="c.x", sample=1), work).holds(_offer(1, None))
    assert work.left == SEARCH_UNITS_MAX


def test_a_schema_is_written_once_for_all_values_of_a_comparison() -> None:
    offer = _offer(1, {"type": "string", "maxLength": 5, "title": "written once"})
    query = Query(name="c.x", sends={"enum": [f"v{n}" for n in range(200)]})
    work = Work()
    assert Compatibility(query, work).holds(offer)
    assert SEARCH_UNITS_MAX - work.left < 200 * 10


@pytest.mark.parametrize("schema", [{1: 2}, {"a": {(1,): 2}}])
def test_a_schema_that_json_cannot_say_takes_nothing(schema: Any) -> None:
    for question in ({"sample": {}}, {"sends": {"type": "object"}}):
        assert not Compatibility(Query(name="c.x", **question)).holds(_offer(1, schema))


@pytest.mark.parametrize(
    "schema",
    [
        _patterns(1),
        _patterns(1, 12),
        {"pattern": r"(?i)\p{L}\p{L}\p{L}\p{L}\p{L}\p{L}\p{L}"},
        {"patternProperties": {rf"^{n}(.{{9}}){{9}}$": True for n in range(20)}},
    ],
)
def test_a_schema_that_takes_too_much_to_compile_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(TooMuch, match=r"the input schema of c\.x takes too much work"):
        record_of(Capability(name="c.x", input=schema), "t/a", "n1")


def test_schemas_as_people_write_them_are_cheap() -> None:
    patterns = {
        "email": r"^[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}$",
        "uuid": "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
        "date": r"^\d{4}-\d{2}-\d{2}$",
        "word": r"^\w{1,64}$",
        "letters": r"^\p{L}+$",
    }
    assert all(pattern_units(pattern) < SCHEMA_UNITS_MAX / 5 for pattern in patterns.values())
    schema = {"properties": {name: {"type": "string", "pattern": each} for name, each in patterns.items()}}
    assert record_of(Capability(name="c.x", input=schema), "t/a", "n1").schema == schema
    assert make_validator(canonical(schema), Work()).compiled is not None


def test_a_pattern_that_grows_too_large_takes_no_sample() -> None:
    work = Work()
    assert not make_validator(canonical({"pattern": r"^\w{0,2000}$"}), work).takes(sample_of("a"), work)
    assert SEARCH_UNITS_MAX - work.left < SCHEMA_UNITS_MAX


def test_a_price_grows_with_what_makes_a_schema_dear() -> None:
    plain, size = {"type": "string"}, 17
    assert price_of({"pattern": "a"}, size).make > price_of(plain, size).make
    assert pattern_units(r"\p{L}") > pattern_units(r"\w{9}") > pattern_units(r"\w")
    assert price_of({"uniqueItems": True}, size).weight > price_of(plain, size).weight


def test_a_validator_is_made_once() -> None:
    schema_json = canonical({"type": "string", "title": "made once"})
    first, second = Work(), Work()
    assert validator_of(schema_json, first) is validator_of(schema_json, second)
    assert first.left < second.left == SEARCH_UNITS_MAX


def test_what_is_remembered_is_bounded_by_its_cost() -> None:
    kept: Remembered[int, int] = Remembered(10)
    work = Work()
    for number in range(5):
        kept.put(number, number, 3, work)
    assert (len(kept), kept.cost) == (3, 9)
    assert [kept.find(number, work) for number in range(4)] == [0, 1, 2, None]
    kept.put(9, 9, 11, work)
    assert kept.find(9, work) is None


def test_what_no_search_has_used_lately_makes_room() -> None:
    kept: Remembered[str, int] = Remembered(2)
    first = Work()
    kept.put("old", 1, 1, first)
    kept.put("used", 2, 1, first)
    while (work := Work()).number - first.number < RECENT:
        kept.find("used", work)
    kept.put("new", 3, 1, work)
    assert [kept.find(key, work) for key in ("old", "used", "new")] == [None, 2, 3]
