"""Rows asked for and written as the webservice wants it, and its refusals in our words."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Iterator
from typing import Any

import pytest
import responses

from connectors.errors import (
    AuthError,
    ConnectorError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.prestashop.answers import NotAllowed
from connectors.prestashop.client import address
from connectors.prestashop.connector import PrestaShopConnector
from connectors.prestashop.resources import ORDER_CARRIERS, ORDER_HISTORIES, ORDERS, STOCK, document
from tests.connectors.prestashop.desk import KEY, asked, at, connector, errors, sent
from tests.connectors.prestashop.recorded import order, stock


@pytest.fixture
def shop() -> Iterator[PrestaShopConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        yield web


def read(shop: PrestaShopConnector) -> list[Any]:
    return shop.client.read(ORDERS, {"display": "full"})


def write(shop: PrestaShopConnector) -> Any:
    return shop.client.change(STOCK, "71", {"quantity": "5"})


# -- what is asked ---------------------------------------------------------------------------------


def test_the_key_is_a_user_name_without_a_password(
    shop: PrestaShopConnector, web: responses.RequestsMock
) -> None:
    web.get(at("orders"), json=[])

    read(shop)

    scheme, _, given = str(web.calls[0].request.headers["Authorization"]).partition(" ")
    assert (scheme, b64decode(given).decode()) == ("Basic", f"{KEY}:")
    assert asked(web) == {"output_format": "JSON", "display": "full"}


def test_a_shop_among_several_is_named(web: responses.RequestsMock) -> None:
    web.get(at("orders"), json=[])

    with connector({"id_shop": " 2 "}) as shop:
        read(shop)

    assert asked(web)["id_shop"] == "2"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("shop.example", "https://shop.example"),
        (" https://shop.example/ ", "https://shop.example"),
        ("https://shop.example/fr/api/", "https://shop.example/fr"),
        ("https://shop.example:8443/a/b", "https://shop.example:8443/a/b"),
    ],
)
def test_an_address_is_taken_as_people_write_it(given: str, expected: str) -> None:
    assert address(given) == expected


@pytest.mark.parametrize(
    "given",
    [
        "http://shop.example",
        "",
        "https://",
        "https://a:b@shop.example",
        "shop.example/?x",
        "ftp://s",
    ],
)
def test_an_address_without_tls_or_sense_is_refused(given: str) -> None:
    with pytest.raises(RejectedError) as caught:
        address(given)

    assert caught.value.field == "url"


def test_many_ids_are_asked_for_in_several_requests(
    shop: PrestaShopConnector, web: responses.RequestsMock
) -> None:
    web.get(at("orders"), json=[])

    shop.client.among(ORDERS, "id", [str(n) for n in range(230)] * 2)

    named = [asked(web, n)["filter[id]"].strip("[]").split("|") for n in range(len(web.calls))]
    assert [len(one) for one in named] == [100, 100, 30]
    assert len({key for one in named for key in one}) == 230


def test_a_write_is_one_row_of_xml() -> None:
    text = document(ORDER_HISTORIES, {"id_order": "5", "note": "<Tom & Jerry> ÿ"}).decode()

    assert text.partition("\n")[2] == (
        "<prestashop><order_history><id_order>5</id_order>"
        "<note>&lt;Tom &amp; Jerry&gt; ÿ</note></order_history></prestashop>"
    )


def test_some_fields_of_a_row_are_patched(
    shop: PrestaShopConnector, web: responses.RequestsMock
) -> None:
    web.patch(at("stock_availables/71"), json={"stock_available": stock(quantity="5")})

    found = write(shop)

    assert found["quantity"] == "5"
    assert "<id>71</id><quantity>5</quantity>" in sent(web)
    assert web.calls[0].request.headers["Content-Type"] == "text/xml"


@pytest.mark.parametrize("code", [23, 25, None])
def test_where_patch_is_not_known_the_whole_row_is_put(
    shop: PrestaShopConnector, web: responses.RequestsMock, code: int | None
) -> None:
    refusal: Any = errors(code) if code else "<html>"
    web.patch(at("stock_availables/71"), json=refusal, status=405)
    web.get(at("stock_availables"), json={"stock_availables": [{**stock(), "associations": {}}]})
    web.put(at("stock_availables/71"), json={"stock_available": stock(quantity="5")})

    write(shop)
    write(shop)

    assert [one.request.method for one in web.calls] == ["PATCH", "GET", "PUT", "GET", "PUT"]
    assert sent(web).partition("<stock_available>")[2] == (
        "<id>71</id><id_product>20</id_product><id_product_attribute>44</id_product_attribute>"
        "<id_shop>1</id_shop><id_shop_group>0</id_shop_group><quantity>5</quantity>"
        "<depends_on_stock>0</depends_on_stock><out_of_stock>2</out_of_stock>"
        "</stock_available></prestashop>"
    )


def test_a_row_that_is_not_there_is_not_put(
    shop: PrestaShopConnector, web: responses.RequestsMock
) -> None:
    web.patch(at("order_carriers/8"), json=errors(23), status=405)
    web.get(at("order_carriers"), json=[])

    with pytest.raises(RejectedError) as caught:
        shop.client.change(ORDER_CARRIERS, "8", {"tracking_number": "X"})

    assert caught.value.code == "404"


# -- what is answered ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "count"),
    [
        ([], 0),
        ({"orders": [order()]}, 1),
        ({"orders": []}, 0),
        ({"order": order()}, 1),
        ({"order": [order()]}, 1),
    ],
)
def test_a_list_comes_in_several_shapes(
    shop: PrestaShopConnector, web: responses.RequestsMock, body: Any, count: int
) -> None:
    web.get(at("orders"), json=body)

    assert len(read(shop)) == count


@pytest.mark.parametrize("body", [{}, {"customers": []}, [1], "text", {"orders": "?"}, None])
def test_what_is_no_list_of_rows_is_told(
    shop: PrestaShopConnector, web: responses.RequestsMock, body: Any
) -> None:
    web.get(at("orders"), json=body)

    with pytest.raises(ProtocolError):
        read(shop)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (401, 16, AuthError),
        (401, 18, AuthError),
        (401, 20, AuthError),
        (401, 26, NotAllowed),
        (405, 25, NotAllowed),
        (403, 132, AuthError),
        (503, 22, AuthError),
        (404, 999, RejectedError),
        (400, 35, RejectedError),
        (500, 32, RejectedError),
        ("500", "32", RejectedError),
        (400, None, RejectedError),
        (500, 3, TransientError),
        (500, None, TransientError),
        (200, 3, TransientError),
    ],
)
def test_a_refused_read_says_what_to_do(
    shop: PrestaShopConnector,
    web: responses.RequestsMock,
    status: Any,
    code: Any,
    expected: type[ConnectorError],
) -> None:
    web.get(at("orders"), json=errors(code, "This filter does not exist"), status=int(status))

    with pytest.raises(ConnectorError) as caught:
        read(shop)

    assert type(caught.value) is expected
    assert caught.value.code == str(code or status)
    assert "This filter does not exist" in caught.value.message


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 41, RejectedError),
        (400, 85, RejectedError),
        (404, 92, RejectedError),
        (500, 46, UnknownOutcome),
        (500, 5, UnknownOutcome),
        (200, 5, UnknownOutcome),
        (401, 20, AuthError),
    ],
)
def test_a_refused_write_says_what_to_do(
    shop: PrestaShopConnector,
    web: responses.RequestsMock,
    status: int,
    code: int,
    expected: type[ConnectorError],
) -> None:
    web.patch(at("stock_availables/71"), json=errors(code), status=status)

    with pytest.raises(ConnectorError) as caught:
        write(shop)

    assert type(caught.value) is expected
    assert caught.value.code == str(code)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, "", RejectedError),
        (500, "<b>Fatal error</b>", TransientError),
        (503, "<h1>Maintenance</h1>", TransientError),
        (401, "<h1>Unauthorized</h1>", AuthError),
        (403, "<h1>Firewall</h1>", AuthError),
        (200, "<b>Notice</b>: x {}", ProtocolError),
        (200, "", ProtocolError),
        (302, "", ProtocolError),
        (200, '<?xml version="1.0"?><prestashop/>', ProtocolError),
    ],
)
def test_what_is_no_json_is_judged_by_its_status(
    shop: PrestaShopConnector,
    web: responses.RequestsMock,
    status: int,
    body: str,
    expected: type[ConnectorError],
) -> None:
    web.get(at("orders"), body=body, status=status)

    with pytest.raises(ConnectorError) as caught:
        read(shop)

    assert type(caught.value) is expected


@pytest.mark.parametrize("body", ["<html>", '{"unexpected": []}', "", "[]"])
def test_a_write_answered_with_something_else_may_have_been_done(
    shop: PrestaShopConnector, web: responses.RequestsMock, body: str
) -> None:
    web.patch(at("stock_availables/71"), body=body)

    with pytest.raises(UnknownOutcome):
        write(shop)


def test_errors_told_as_one_object_are_understood(
    shop: PrestaShopConnector, web: responses.RequestsMock
) -> None:
    web.get(at("orders"), json={"errors": {"error": {"code": "26", "message": "no"}}}, status=401)

    with pytest.raises(NotAllowed):
        read(shop)


def test_the_key_is_in_no_error(shop: PrestaShopConnector, web: responses.RequestsMock) -> None:
    web.get(at("orders"), json=errors(18, "Invalid authentication key format"), status=401)

    with pytest.raises(AuthError) as caught:
        read(shop)

    assert KEY not in repr(caught.value)
    assert KEY not in repr(shop.connection)


# -- what the office has settled -------------------------------------------------------------------


def test_a_shop_works_without_its_configuration(web: responses.RequestsMock) -> None:
    web.get(at("configurations"), json=errors(26), status=401)
    web.get(
        at("currencies"),
        json={
            "currencies": [
                {"id": 1, "iso_code": "USD", "conversion_rate": "1.100000"},
                {"id": 2, "iso_code": "EUR", "conversion_rate": "1.000000"},
            ]
        },
    )
    web.get(at("order_states"), json=[])

    with connector({"time_zone": "Europe/Rome"}) as shop:
        info = shop.check()

    assert (info.external_id, info.name) == ("shop.example", "shop.example")
    assert (info.currency, info.time_zone) == ("EUR", "Europe/Rome")


def test_of_several_shops_each_has_its_own_configuration(web: responses.RequestsMock) -> None:
    rows = [
        {"id": 1, "name": "PS_SHOP_NAME", "value": "All", "id_shop": "", "id_shop_group": ""},
        {"id": 2, "name": "PS_SHOP_NAME", "value": "Second", "id_shop": "2"},
        {"id": 3, "name": "PS_SHOP_NAME", "value": "Third", "id_shop": 3},
        {"id": 4, "name": "PS_TIMEZONE", "value": "Asia/Tokyo", "id_shop": None},
    ]
    web.get(at("configurations"), json={"configurations": rows})

    with connector({"id_shop": "2"}) as second, connector() as first:
        assert (second.office.name, second.office.zone().key) == ("Second", "Asia/Tokyo")
        assert first.office.name == "All"


def test_a_time_zone_that_is_none_is_told_to_the_seller() -> None:
    with connector({"time_zone": "Mars/Olympus"}) as shop, pytest.raises(RejectedError) as caught:
        shop.office.zone()

    assert caught.value.field == "time_zone"


@pytest.mark.parametrize("row", ["x", {"name": ["?"]}])
def test_a_configuration_that_makes_no_sense_is_told(
    shop: PrestaShopConnector, web: responses.RequestsMock, row: Any
) -> None:
    web.get(at("configurations"), json={"configurations": [row]})

    with pytest.raises(ProtocolError):
        shop.office.configuration()
