"""Words as people and attackers write them: kept to the letter or refused by name, never obeyed."""

from __future__ import annotations

from typing import Any

import pytest

from hub.db import Database
from hub.secrets import Keyring
from tests.builders import World, line, order, world
from tests.web import Speaker, as_owner

WORDS = {
    "emoji": "Zelt 🏕️ für 👨‍👩‍👧‍👦",
    "right to left": "خيمة \u202etxt.exe",
    "zero width": "ten\u200bt",
    "composed": "café",
    "decomposed": "cafe\u0301",
    "turkish": "İSTANBUL ıspanak",
    "outside the first plane": "𠮷野家",
    "sql": "'; DROP TABLE sales_order; --",
    "sql that closes brackets": '"); DELETE FROM move WHERE (1=1',
    "a placeholder": "%(seller)s %s {0} :seller $1",
    "html": "<img src=x onerror=alert(1)>",
    "a template": "{{ config }} ${jndi:ldap://x}",
    "a formula": '=HYPERLINK("http://x")',
    "a path": "../../etc/passwd\\..\\x",
}


@pytest.fixture
def shop(database: Database, seller: int, keyring: Keyring) -> World:
    return world(database, seller, keyring, {"TENT": 100})


def test_an_order_keeps_every_word_as_the_channel_sent_it(shop: World) -> None:
    shop.take(
        *(
            order(f"o{n} {word}", line("a", "v-TENT", title=word), number=word[:100])
            for n, word in enumerate(WORDS.values())
        )
    )

    kept = shop.ask(
        "SELECT o.external_id, o.number, l.title FROM sales_order o"
        " JOIN order_line l ON l.order_id = o.id"
    )
    told = [(f"o{n} {word}", word, word) for n, word in enumerate(WORDS.values())]
    assert sorted(kept) == sorted(told)
    assert shop.level("TENT") == 100 - len(WORDS)
    assert shop.conflicts() == {}
    shop.check()


def test_a_product_has_the_name_it_was_given_and_is_found_by_its_sku_only(
    shop: World, keyring: Keyring
) -> None:
    owner = as_owner(shop.database, keyring, shop.seller_id)
    items = [{"sku": f"p{n}", "name": word} for n, word in enumerate(WORDS.values())]

    made = owner.post("/products", {"items": items})

    assert made.status_code in {200, 201}, made.get_json()
    kept = dict(shop.ask("SELECT sku, name FROM product WHERE sku <> 'TENT'"))
    assert kept == {item["sku"]: item["name"] for item in items}
    assert owner.get("/stock/%27%20OR%20%271%27%3D%271").status_code == 404


#: Each is sent where a number of units is wanted.
NO_UNITS: dict[str, Any] = {
    "none": None,
    "a fraction": 1.5,
    "a whole fraction": 2.0,
    "true": True,
    "a word": "three",
    "digits in quotes": "3",
    "full-width digits": "１２",
    "an exponent in quotes": "1e3",
    "not a number": "NaN",
    "without end": "Infinity",
    "nothing to change": 0,
    "more than there can be": 10**18,
    "less than there can be": -(10**18),
    "a list": [1],
    "an object": {"units": 1},
}


def test_what_is_no_number_of_units_is_refused_and_nothing_is_written(
    shop: World, keyring: Keyring
) -> None:
    owner = as_owner(shop.database, keyring, shop.seller_id)

    answers = {name: adjust(owner, change) for name, change in NO_UNITS.items()}

    assert {name: one.status_code for name, one in answers.items()} == dict.fromkeys(NO_UNITS, 422)
    assert all("change" in str(one.get_json()["errors"]) for one in answers.values())
    assert shop.level("TENT") == 100
    assert adjust(owner, -1).status_code == 200


def adjust(owner: Speaker, change: Any, **more: Any) -> Any:
    line = {"sku": "TENT", "location": "MAIN", "change": change, **more}
    return owner.post("/stock/adjustments", {"key": "k", "reason": "stocktake", "lines": [line]})


@pytest.mark.parametrize("field", ["seller_id", "id", "stock_version", "pushed_version", "role"])
def test_a_field_that_is_nobodys_to_write_is_refused_by_name(
    shop: World, keyring: Keyring, field: str
) -> None:
    owner = as_owner(shop.database, keyring, shop.seller_id)

    product = owner.post("/products", {"items": [{"sku": "new", field: 1}]})
    change = adjust(owner, -1, **{field: 1})

    assert (product.status_code, change.status_code) == (422, 422)
    assert field in str(product.get_json()["errors"])
    assert field in str(change.get_json()["errors"])
    assert shop.ask("SELECT count(*) FROM product") == [(1,)]
    assert shop.level("TENT") == 100
