"""The form SKUs are matched by."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.db import Database
from hub.errors import InvalidInput, NotFound
from hub.inventory.products import NewProduct, add_location, add_products, product_id, sku_key

SAME = [
    ("tent-1", "TENT-1"),
    ("  tent-1\t", "tent-1"),
    ("ｔｅｎｔ－１", "tent-1"),
    ("ﬁn", "fin"),
    ("STRASSE", "straße"),
    ("Ａ①", "a1"),
    ("café", "cafe\u0301"),
    ("K", "\u212a"),
    ("ΣΑΣ", "σας"),
]
OTHER = [
    ("I", "ı"),
    ("i", "İ"),
    ("tent-1", "tent1"),
    ("0", "O"),
    ("a b", "a  b"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_skus_that_differ_in_form_only_are_one(one: str, other: str) -> None:
    assert sku_key(one) == sku_key(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_skus_that_differ_in_substance_are_two(one: str, other: str) -> None:
    assert sku_key(one) != sku_key(other)


@pytest.mark.parametrize(
    "sku",
    ["", "   ", "\u3000", "\x00", "A\x00B", "A\nB", "A\x7fB", "\ud800", "A\udfffB", "x" * 121],
    ids=ascii,
)
def test_a_sku_nobody_can_print_or_type_is_refused_by_name(sku: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        sku_key(sku)

    assert caught.value.field == "sku"


def test_a_sku_that_grows_too_long_when_folded_is_refused() -> None:
    with pytest.raises(InvalidInput, match="120"):
        sku_key("\ufdfa" * 20)


@given(st.text(max_size=30))
def test_a_key_is_its_own_key(sku: str) -> None:
    try:
        key = sku_key(sku)
    except InvalidInput:
        return

    assert sku_key(key) == key


@given(st.text(alphabet=st.characters(codec="utf-8"), min_size=1, max_size=30))
def test_upper_and_lower_case_of_ascii_never_matter(sku: str) -> None:
    swapped = "".join(c.swapcase() if c.isascii() else c for c in sku)

    assert outcome(sku) == outcome(swapped)


def outcome(sku: str) -> str:
    try:
        return sku_key(sku)
    except InvalidInput as error:
        return f"refused {error.field}"


def test_a_product_is_found_by_any_form_of_its_sku(database: Database, seller: int) -> None:
    with database.transaction(seller) as tx:
        made = add_products(tx, [NewProduct("Straße-1", "Map")])
        again = add_products(tx, [NewProduct("STRASSE-1", "Another name")])

        assert product_id(tx, "strasse-1") == made["Straße-1"] == again["STRASSE-1"]


def test_a_sku_the_seller_does_not_have_is_not_found(
    database: Database, seller: int, other_seller: int
) -> None:
    with database.transaction(other_seller) as tx:
        add_products(tx, [NewProduct("TENT")])

    with database.transaction(seller) as tx, pytest.raises(NotFound, match="TENT"):
        product_id(tx, "TENT")


@pytest.mark.parametrize("code", ["", "x" * 41, "A\x00", "A\nB", "\ud800"], ids=ascii)
def test_a_location_needs_a_code_one_can_print(database: Database, seller: int, code: str) -> None:
    with database.transaction(seller) as tx, pytest.raises(InvalidInput) as caught:
        add_location(tx, code)

    assert caught.value.field == "code"
