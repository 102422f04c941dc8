"""Errors in the forms Saleor has for them, and what the caller must do about each."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import responses

from connectors.base import Connection
from connectors.errors import (
    AuthError,
    ConnectorError,
    CursorExpired,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.http import Http
from connectors.records import Credentials
from connectors.saleor.client import address
from connectors.saleor.connector import SaleorConnector
from connectors.saleor.queries import CANCEL, ORDERS, SET_STOCK

URL = "https://tea.saleor.cloud/graphql/"


@pytest.fixture
def shop() -> Iterator[SaleorConnector]:
    http = Http()
    yield SaleorConnector(
        Connection(
            credentials=Credentials({"url": "https://tea.saleor.cloud/graphql/", "token": "t"}),
            http=http,
            now=lambda: datetime.now(UTC),
        )
    )
    http.close()


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as web:
        yield web


def failed(message: str, code: str = "") -> dict[str, Any]:
    extensions = {"exception": {"code": code}} if code else {}
    return {"errors": [{"message": message, "extensions": extensions}], "data": {"orders": None}}


LIMIT = (
    "Requesting 101 records on the `orders` connection exceeds the `first` limit of 100 records."
)
COST = "The query exceeds the maximum cost of 50000. Actual cost is 60000"

READ: list[tuple[int, Any, type[ConnectorError]]] = [
    (200, failed("To access this path, you need…", "PermissionDenied"), AuthError),
    (200, failed("Signature has expired", "ExpiredSignatureError"), AuthError),
    (200, failed("Invalid token", "InvalidTokenError"), AuthError),
    (200, failed("Internal Server Error", "OperationalError"), TransientError),
    (200, failed("Received cursor is invalid.", "GraphQLError"), CursorExpired),
    (200, failed(LIMIT, "GraphQLError"), ProtocolError),
    (400, failed(COST, "QueryCostError"), RejectedError),
    (400, failed("Cannot query field 'x' on type 'Order'.", "GraphQLError"), ProtocolError),
    (400, "not JSON", ProtocolError),
    (200, {"errors": ["a word"]}, ProtocolError),
    (200, {"errors": [], "data": None}, ProtocolError),
    (200, {"data": None}, ProtocolError),
    (200, [], ProtocolError),
    (401, failed("Storefront traffic is blocked"), AuthError),
    (404, "", RejectedError),
    (413, failed("Request body exceeds maximum size."), RejectedError),
]


@pytest.mark.parametrize(("status", "body", "error"), READ)
def test_errors_of_a_question_are_told_apart(
    shop: SaleorConnector,
    web: responses.RequestsMock,
    status: int,
    body: Any,
    error: type[ConnectorError],
) -> None:
    web.post(URL, json=body, status=status)

    with pytest.raises(error) as caught:
        shop.client.run(ORDERS, {"filter": {}})

    assert type(caught.value) is error


WRITTEN: list[tuple[int, Any, type[ConnectorError]]] = [
    (200, failed("Internal Server Error", "OperationalError"), UnknownOutcome),
    (200, failed("something broke", "GraphQLError"), UnknownOutcome),
    (400, failed('Variable "$stocks" got invalid value', "GraphQLError"), RejectedError),
    (200, failed("You need MANAGE_PRODUCTS", "PermissionDenied"), AuthError),
    (200, failed("Shop is read only", "ReadOnlyException"), RejectedError),
    (200, {"data": None}, UnknownOutcome),
    (200, [], UnknownOutcome),
]


@pytest.mark.parametrize(("status", "body", "error"), WRITTEN)
def test_errors_of_a_write_say_whether_it_may_have_happened(
    shop: SaleorConnector,
    web: responses.RequestsMock,
    status: int,
    body: Any,
    error: type[ConnectorError],
) -> None:
    web.post(URL, json=body, status=status)

    with pytest.raises(error) as caught:
        shop.client.run(SET_STOCK, {"stocks": []})

    assert type(caught.value) is error


def refused(code: str) -> dict[str, Any]:
    errors = [{"field": "order", "message": "This order can't be canceled.", "code": code}]
    return {"data": {"orderCancel": {"order": None, "errors": errors}}}


@pytest.mark.parametrize(
    ("code", "error"),
    [("CANNOT_CANCEL_ORDER", RejectedError), ("OUT_OF_SCOPE_PERMISSION", AuthError)],
)
def test_a_mutation_says_no_with_a_code(
    shop: SaleorConnector, web: responses.RequestsMock, code: str, error: type[ConnectorError]
) -> None:
    web.post(URL, json=refused(code))

    with pytest.raises(error) as caught:
        shop.client.change(CANCEL, "orderCancel", {"id": "x"})

    assert caught.value.code == code


def test_a_mutation_without_an_answer_may_have_happened(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json={"data": {"orderCancel": None}})

    with pytest.raises(UnknownOutcome):
        shop.client.change(CANCEL, "orderCancel", {"id": "x"})


def test_the_token_goes_along_as_bearer(shop: SaleorConnector, web: responses.RequestsMock) -> None:
    web.post(URL, json={"data": {}})

    shop.client.run(ORDERS, {"filter": {}})

    assert web.calls[0].request.headers["Authorization"] == "Bearer t"


def about_shop(**changed: Any) -> dict[str, Any]:
    channel = {"id": "Q2hhbm5lbDox", "slug": "uk", "isActive": True, "currencyCode": "GBP"}
    warehouse = {"id": "V2FyZWhvdXNlOjE=", "name": "Main", "slug": "main"}
    codes = ("MANAGE_PRODUCTS", "MANAGE_ORDERS")
    return {
        "shop": {"name": "Tea", "domain": {"host": "tea.saleor.cloud"}},
        "app": {"id": "QXBwOjE=", "name": "Hub", "permissions": [{"code": one} for one in codes]},
        "channels": [{**channel, "slug": "old", "isActive": False}, channel],
        "warehouses": {"edges": [{"node": warehouse}]},
        **changed,
    }


def test_the_shop_sells_through_its_first_active_channel(
    shop: SaleorConnector, web: responses.RequestsMock
) -> None:
    web.post(URL, json={"data": about_shop()})

    found = shop.check()

    assert (found.external_id, found.name, found.currency) == ("tea.saleor.cloud", "Tea", "GBP")
    assert [one.name for one in found.locations] == ["Main"]


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"app": None}, AuthError),
        ({"app": {"permissions": [{"code": "MANAGE_PRODUCTS"}]}}, AuthError),
        ({"channels": []}, RejectedError),
        ({"shop": {"name": "Tea"}}, ProtocolError),
    ],
)
def test_a_shop_that_cannot_be_worked_with_is_told(
    shop: SaleorConnector,
    web: responses.RequestsMock,
    changed: dict[str, Any],
    error: type[ConnectorError],
) -> None:
    web.post(URL, json={"data": about_shop(**changed)})

    with pytest.raises(error):
        shop.check()


@pytest.mark.parametrize(
    "typed",
    [
        "https://tea.saleor.cloud",
        "https://tea.saleor.cloud/",
        " https://tea.saleor.cloud/graphql/ ",
        "https://tea.saleor.cloud/graphql",
        "tea.saleor.cloud",
    ],
)
def test_an_address_may_be_copied_from_anywhere(typed: str) -> None:
    assert address(typed) == "https://tea.saleor.cloud"
