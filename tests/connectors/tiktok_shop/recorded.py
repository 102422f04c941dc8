"""Records in the shape TikTok Shop gives them, to be bent by tests."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

NOW = datetime.now(UTC).replace(microsecond=0)
PLACED = int((NOW - timedelta(hours=2)).timestamp())
CHANGED = int((NOW - timedelta(hours=1)).timestamp())


def unit(**changed: Any) -> dict[str, Any]:
    return {
        "id": "577000000000000011",
        "sku_id": "1729000000000000021",
        "product_id": "1729000000000000031",
        "seller_sku": "TEA-1",
        "product_name": "Green tea",
        "sku_name": "100 g",
        "sale_price": "4.05",
        "original_price": "4.50",
        "seller_discount": "0.30",
        "platform_discount": "0.15",
        "currency": "GBP",
        "display_status": "AWAITING_SHIPMENT",
        "package_status": "TO_FULFILL",
        "package_id": "1153000000000000041",
        "is_gift": False,
        "item_tax": [],
        **changed,
    }


def order(units: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "id": "576000000000000001",
        "status": "AWAITING_SHIPMENT",
        "create_time": PLACED,
        "update_time": CHANGED,
        "rts_sla_time": PLACED + 172_800,
        "fulfillment_type": "FULFILLMENT_BY_SELLER",
        "is_buyer_request_cancel": False,
        "is_on_hold_order": False,
        "warehouse_id": "7068000000000000051",
        "user_id": "7021000000000000061",
        "buyer_email": "v2b2@chat.example",
        "payment": {
            "currency": "GBP",
            "sub_total": "4.05",
            "shipping_fee": "4.95",
            "seller_discount": "0.30",
            "platform_discount": "0.15",
            "tax": "0",
            "total_amount": "9.00",
        },
        "recipient_address": {
            "name": "Ann Onym",
            "phone_number": "(+44)190*****00",
            "address_line1": "1 High Street",
            "address_line2": " ",
            "post_town": "York",
            "postal_code": "YO1 7HH",
            "region_code": "GB",
            "district_info": [
                {"address_level": "L0", "address_name": "United Kingdom"},
                {"address_level": "L1", "address_name": "England"},
            ],
        },
        "line_items": [unit()] if units is None else list(units),
        **changed,
    }


def payment(**changed: Any) -> dict[str, Any]:
    return {**order()["payment"], **changed}


def sku(**changed: Any) -> dict[str, Any]:
    return {
        "id": "1729000000000000021",
        "seller_sku": "TEA-1",
        "price": {"currency": "GBP", "tax_exclusive_price": "4.50"},
        "inventory": [
            {"warehouse_id": "7068000000000000051", "quantity": 7},
            {"warehouse_id": "7068000000000000052", "quantity": 2},
        ],
        "status_info": {"status": "NORMAL"},
        **changed,
    }


def product(skus: Sequence[dict[str, Any]] | None = None, **changed: Any) -> dict[str, Any]:
    return {
        "id": "1729000000000000031",
        "title": "Green tea",
        "status": "ACTIVATE",
        "create_time": PLACED,
        "update_time": CHANGED,
        "skus": [sku()] if skus is None else list(skus),
        **changed,
    }


def money(**changed: Any) -> dict[str, Any]:
    return {
        "currency": "GBP",
        "refund_total": "9.00",
        "refund_subtotal": "4.05",
        "refund_shipping_fee": "4.95",
        "refund_tax": "0",
        **changed,
    }


def sent_back(**changed: Any) -> dict[str, Any]:
    """A case that is closed, with money given back."""
    return {
        "order_id": "576000000000000001",
        "return_id": "4035318504086600001",
        "return_type": "RETURN_AND_REFUND",
        "return_status": "RETURN_OR_REFUND_REQUEST_COMPLETE",
        "role": "BUYER",
        "return_reason": "ecom_order_delivered_refund_reason_defective",
        "return_reason_text": "Item is defective",
        "can_buyer_keep_item": False,
        "create_time": PLACED,
        "update_time": CHANGED,
        "refund_amount": money(),
        "return_line_items": [
            {
                "return_line_item_id": "4035227657962160001",
                "order_line_item_id": "577000000000000011",
                "sku_id": "1729000000000000021",
                "refund_amount": money(),
            }
        ],
        **changed,
    }


def cancelled(**changed: Any) -> dict[str, Any]:
    return {
        "order_id": "576000000000000001",
        "cancel_id": "4035318504086600002",
        "cancel_type": "CANCEL",
        "cancel_status": "CANCELLATION_REQUEST_SUCCESS",
        "role": "SELLER",
        "cancel_reason": "seller_cancel_reason_out_of_stock",
        "cancel_reason_text": "Out of stock",
        "create_time": PLACED,
        "update_time": CHANGED,
        "refund_amount": money(),
        "cancel_line_items": [
            {"cancel_line_item_id": "1", "order_line_item_id": "577000000000000011"}
        ],
        **changed,
    }


def answer(data: Any = None, code: int = 0, message: str = "Success") -> dict[str, Any]:
    request_id = "202203070749000101890810281E8C70B7"
    return {"code": code, "message": message, "request_id": request_id, "data": data}
