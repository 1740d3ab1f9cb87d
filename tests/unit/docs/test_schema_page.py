"""What the page of the database's tables takes from the comments of a migration."""

from __future__ import annotations

import pytest

from caxton_node.storage.migrate import Migration
from docs.reference.schema import head_of, notes_of, statements_of

pytestmark = pytest.mark.story("004")

FIRST = """-- What a shop has.
-- In two lines.

-- What is for sale;
-- all of it.
CREATE TABLE goods (
    name  TEXT PRIMARY KEY,       -- as on the label
    price INTEGER NOT NULL CHECK (price > 0),
    note  TEXT NOT NULL DEFAULT '--' -- for people -- and others
) STRICT;
INSERT INTO goods VALUES ('nail', 1, '');
-- Prices are asked for by name alone.
CREATE UNIQUE INDEX goods_by_price ON goods (price);
"""
SECOND = """-- Who buys.

CREATE TABLE customers (
    id INTEGER PRIMARY KEY
) STRICT;

-- 1: sold out.
ALTER TABLE goods ADD COLUMN is_gone INTEGER NOT NULL DEFAULT 0;
"""


def test_comments_go_to_the_table_the_column_and_the_index_below_or_beside_them() -> None:
    goods = notes_of([Migration(1, "goods", FIRST), Migration(2, "customers", SECOND)])["goods"]
    assert (goods.source, goods.about) == ("0001_goods", "What is for sale; all of it.")
    assert goods.columns["name"] == "as on the label"
    assert "price" not in goods.columns
    assert goods.indexes == {"goods_by_price": "Prices are asked for by name alone."}
    assert (goods.columns["is_gone"], goods.since["is_gone"]) == ("1: sold out.", "0002_customers")


def test_the_comment_at_the_top_is_for_the_first_table_without_one_of_its_own() -> None:
    assert head_of(FIRST) == "What a shop has. In two lines."
    assert notes_of([Migration(1, "goods", FIRST), Migration(2, "customers", SECOND)])["customers"].about == (
        "Who buys."
    )


def test_a_statement_ends_where_sqlite_says_so() -> None:
    assert [statement.split()[0] for _, statement in statements_of(FIRST)] == ["CREATE", "INSERT", "CREATE"]
