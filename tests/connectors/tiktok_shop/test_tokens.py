"""Tokens that run out are renewed once and stored before use; a shop's cipher is found out once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
import responses

from connectors.errors import (
    AuthError,
    ProtocolError,
    RejectedError,
    TransientError,
    UnknownOutcome,
)
from connectors.records import Credentials
from connectors.tiktok_shop import operations
from connectors.tiktok_shop.connector import TikTokShopConnector
from tests.connectors.tiktok_shop.desk import INVENTORY, REFRESH, SHOPS, at, connector
from tests.connectors.tiktok_shop.recorded import answer

NOW = datetime.now(UTC)
TOKEN_WRONG = "Invalid credentials. The `x-tts-access-token` header is invalid."  # noqa: S105
EXPIRED = answer(code=105002, message="Expired credentials.")
PAIR = {
    "access_token": "access-2",
    "access_token_expire_in": int((NOW + timedelta(days=7)).timestamp()),
    "refresh_token": "refresh-2",
    "refresh_token_expire_in": int((NOW + timedelta(days=365)).timestamp()),
}


@pytest.fixture
def shop() -> Iterator[TikTokShopConnector]:
    with connector() as shop:
        yield shop


@pytest.fixture
def web() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock(assert_all_requests_are_fired=False) as web:
        yield web


def read(shop: TikTokShopConnector) -> Any:
    return shop.client.run(operations.INVENTORY, body={"sku_ids": ["1"]})


# -- tokens ----------------------------------------------------------------------------------------


def test_a_token_that_ends_soon_is_renewed_before_use(web: responses.RequestsMock) -> None:
    stored: list[Credentials] = []
    web.get(REFRESH, json=answer(PAIR))
    web.post(INVENTORY, json=answer({}))

    with connector(stored.append, expires=NOW + timedelta(minutes=5)) as shop:
        read(shop)
        read(shop)

    assert [urlsplit(str(one.request.url)).path for one in web.calls] == [
        "/api/v2/token/refresh",
        "/product/202309/inventory/search",
        "/product/202309/inventory/search",
    ]
    assert web.calls[1].request.headers["x-tts-access-token"] == "access-2"
    (kept,) = stored
    assert (kept["access_token"], kept["refresh_token"]) == ("access-2", "refresh-2")
    assert kept["access_token_expires"] == str(PAIR["access_token_expire_in"])
    assert kept["app_secret"] == "hush-1"  # noqa: S105


@pytest.mark.parametrize("told", [None, NOW + timedelta(days=1)])
def test_a_token_that_lives_on_is_left_alone(
    web: responses.RequestsMock, told: datetime | None
) -> None:
    web.post(INVENTORY, json=answer({}))

    with connector(expires=told) as shop:
        read(shop)

    assert len(web.calls) == 1


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (EXPIRED, 200),
        (EXPIRED, 401),
        (answer(code=105001, message="access token is invalid"), 200),
        (answer(code=36009004, message=TOKEN_WRONG), 401),
    ],
)
def test_a_refused_token_is_renewed_and_the_call_made_again(
    shop: TikTokShopConnector, web: responses.RequestsMock, refusal: Any, status: int
) -> None:
    web.post(INVENTORY, json=refusal, status=status)
    web.get(REFRESH, json=answer(PAIR))
    web.post(INVENTORY, json=answer({"inventory": []}))

    assert read(shop) == {"inventory": []}

    first, again = web.calls[0].request, web.calls[2].request
    assert first.body == again.body
    assert again.headers["x-tts-access-token"] == "access-2"


def test_new_tokens_are_stored_before_they_are_used(web: responses.RequestsMock) -> None:
    calls_when_stored: list[int] = []
    web.post(INVENTORY, json=EXPIRED)
    web.get(REFRESH, json=answer(PAIR))
    web.post(INVENTORY, json=answer({}))

    with connector(lambda fresh: calls_when_stored.append(len(web.calls))) as shop:
        read(shop)

    assert calls_when_stored == [2]


def test_a_new_token_that_is_refused_too_is_no_loop(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(INVENTORY, json=EXPIRED)
    web.get(REFRESH, json=answer(PAIR))

    with pytest.raises(AuthError):
        read(shop)

    assert len(web.calls) == 3


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (answer(code=36004004, message="Invalid refresh token."), 200),
        (answer(code=98001006, message="refresh token expired"), 200),
        (EXPIRED, 401),
        ("<html>", 401),
    ],
)
def test_a_refresh_token_that_is_void_pauses_the_account(
    shop: TikTokShopConnector, web: responses.RequestsMock, refusal: Any, status: int
) -> None:
    web.post(INVENTORY, json=EXPIRED)
    web.get(REFRESH, json=refusal, status=status)

    with pytest.raises(AuthError):
        read(shop)

    assert len(web.calls) == 2


def test_an_unanswered_renewal_says_nothing_of_the_write_behind_it(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.post(INVENTORY, json=EXPIRED)
    renewal = web.get(REFRESH, status=503)

    with pytest.raises(TransientError) as caught:
        read(shop)

    assert not isinstance(caught.value, UnknownOutcome)
    assert renewal.call_count == 1


def test_a_renewal_before_its_time_may_fail(web: responses.RequestsMock) -> None:
    web.get(REFRESH, status=503)
    web.post(INVENTORY, json=answer({}))

    with connector(expires=NOW + timedelta(minutes=5)) as shop:
        assert read(shop) == {}


# -- whose shop ------------------------------------------------------------------------------------


def shops(*ids: str) -> dict[str, Any]:
    found = [{"id": one, "cipher": f"cipher-of-{one}", "region": "GB"} for one in ids]
    return answer({"shops": found})


def test_the_cipher_is_found_out_once_and_kept(web: responses.RequestsMock) -> None:
    stored: list[Credentials] = []
    web.get(SHOPS, json=shops("7"))
    web.post(INVENTORY, json=answer({}))

    with connector(stored.append, cipher="") as shop:
        read(shop)
        read(shop)

    assert [one["shop_cipher"] for one in stored] == ["cipher-of-7"]
    assert len(web.calls) == 3


def test_one_of_several_shops_must_be_chosen(web: responses.RequestsMock) -> None:
    web.get(SHOPS, json=shops("7", "8"))

    with connector(cipher="") as shop, pytest.raises(RejectedError) as caught:
        read(shop)

    assert caught.value.field == "shop_id"
    assert "7, 8" in caught.value.message


@pytest.mark.parametrize(("chosen", "cipher"), [("8", "cipher-of-8"), ("9", "")])
def test_the_chosen_shop_is_the_one(web: responses.RequestsMock, chosen: str, cipher: str) -> None:
    web.get(SHOPS, json=shops("7", "8"))

    with connector(settings={"shop_id": chosen}, cipher="") as shop:
        if cipher:
            shop.client.shop()
            assert shop.connection.credentials["shop_cipher"] == cipher
        else:
            with pytest.raises(RejectedError):
                shop.client.shop()


def test_a_seller_who_opened_no_shop_must_authorise(web: responses.RequestsMock) -> None:
    web.get(SHOPS, json=shops())

    with connector(cipher="") as shop, pytest.raises(AuthError):
        read(shop)


def test_a_market_we_do_not_know_is_not_guessed_at(
    shop: TikTokShopConnector, web: responses.RequestsMock
) -> None:
    web.get(SHOPS, json=answer({"shops": [{"id": "7", "cipher": "c", "region": "XX"}]}))
    web.get(at("/logistics/202309/warehouses"), json=answer({}))

    with pytest.raises(ProtocolError, match="XX"):
        shop.check()
