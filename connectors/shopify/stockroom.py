"""``inventorySetQuantities`` as Shopify does it: all or nothing, compared, and once per key."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from connectors.shopify import storefront as words
from connectors.simulators.shop import Shop

REASONS = {"correction", "cycle_count_available", "other", "received", "restock", "shrinkage"}
LARGEST = 1_000_000_000
MOST_ENTRIES = 250


class Refused(Exception):
    """A top-level GraphQL error: the mutation is not run at all."""

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class Stockroom:
    """Remembers idempotency keys with what they were used for. ``unstocked`` are the inventory
    items that the location does not carry."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.unstocked: set[str] = set()
        self._answers: dict[str, tuple[str, dict[str, Any]]] = {}

    def set(self, given: Mapping[str, Any], key: str) -> dict[str, Any]:
        if not key.strip():
            raise Refused("idempotency key is missing", "BAD_REQUEST")
        if len(given["quantities"]) > MOST_ENTRIES:
            count = len(given["quantities"])
            raise Refused(
                f"The input array size of {count} is greater than the maximum allowed of "
                f"{MOST_ENTRIES}.",
                "MAX_INPUT_SIZE_EXCEEDED",
            )
        asked = json.dumps(given, sort_keys=True)
        with self.shop.lock:
            if key in self._answers:
                before, answer = self._answers[key]
                if before == asked:
                    return answer
                code = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
                return _answer([_error(code, [], "The key was used with other parameters")], None)
            answer = self._apply(given)
            self._answers[key] = (asked, answer)
            return answer

    def _apply(self, given: Mapping[str, Any]) -> dict[str, Any]:
        quantities: Sequence[Mapping[str, Any]] = given["quantities"]
        errors = _heading(given) + [
            _error(code, ["quantities", str(index), field], message)
            for index, entry in enumerate(quantities)
            for code, field, message in self._objections(entry, quantities[:index])
        ]
        if errors:
            return _answer(errors, None)
        for entry in quantities:
            item = words.key(entry["inventoryItemId"], "InventoryItem")
            self.shop.set_quantity(item, entry["quantity"])
        group = {
            "createdAt": words.time(self.shop.now()),
            "reason": given["reason"],
            "referenceDocumentUri": given.get("referenceDocumentUri"),
        }
        return _answer([], group)

    def _objections(
        self, entry: Mapping[str, Any], before: Sequence[Mapping[str, Any]]
    ) -> list[tuple[str, str, str]]:
        """(code, field, message), the first reason only."""
        item = words.key(entry["inventoryItemId"], "InventoryItem")
        variant = self.shop.by_inventory(item)
        expected, quantity = entry["changeFromQuantity"], entry["quantity"]
        reasons = (
            (variant is None, "INVALID_INVENTORY_ITEM", "inventoryItemId"),
            (
                entry["locationId"] not in (words.LOCATION, words.CLOSED_LOCATION),
                "INVALID_LOCATION",
                "locationId",
            ),
            (
                item in self.unstocked or entry["locationId"] == words.CLOSED_LOCATION,
                "ITEM_NOT_STOCKED_AT_LOCATION",
                "locationId",
            ),
            (quantity < 0, "INVALID_QUANTITY_NEGATIVE", "quantity"),
            (quantity > LARGEST, "INVALID_QUANTITY_TOO_HIGH", "quantity"),
            (
                any(one["inventoryItemId"] == entry["inventoryItemId"] for one in before),
                "NO_DUPLICATE_INVENTORY_ITEM_ID_GROUP_ID_PAIR",
                "inventoryItemId",
            ),
            (
                variant is not None and expected is not None and variant.quantity != expected,
                "CHANGE_FROM_QUANTITY_STALE",
                "changeFromQuantity",
            ),
        )
        return [(code, field, code.capitalize()) for is_so, code, field in reasons if is_so][:1]


def _heading(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    errors = []
    if given["name"] not in ("available", "on_hand"):
        errors.append(_error("INVALID_NAME", ["name"], "The quantity name is invalid"))
    if given["reason"] not in REASONS:
        errors.append(_error("INVALID_REASON", ["reason"], "The reason is invalid"))
    return errors


def _error(code: str, path: Sequence[str], message: str) -> dict[str, Any]:
    return {"code": code, "field": ["input", *path] if path else None, "message": message}


def _answer(errors: list[dict[str, Any]], group: dict[str, Any] | None) -> dict[str, Any]:
    payload = {"inventoryAdjustmentGroup": group, "userErrors": errors}
    return {"inventorySetQuantities": payload}
