"""The file of a bulk operation, read in pieces: whole orders only, and each byte once."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.shopify import jsonl


def row(**values: Any) -> bytes:
    return json.dumps(values).encode() + b"\n"


def order(key: str, *lines: str) -> bytes:
    return row(id=key) + b"".join(row(id=line, __parentId=key) for line in lines)


def seen(nodes: list[Any]) -> list[tuple[str, list[str]]]:
    return [(one["id"], [line["id"] for line in one["lineItems"]["nodes"]]) for one in nodes]


def test_lines_come_under_their_order() -> None:
    file = order("A", "a1", "a2") + order("B", "b1")

    nodes, used = jsonl.orders(file, ended=True, most=10)

    assert seen(nodes) == [("A", ["a1", "a2"]), ("B", ["b1"])]
    assert nodes[0]["lineItems"]["pageInfo"]["hasNextPage"] is False
    assert "__parentId" not in nodes[0]["lineItems"]["nodes"][0]
    assert used == len(file)


@pytest.mark.parametrize("size", range(20, 200, 7))
def test_pieces_of_any_size_give_every_order_once(size: int) -> None:
    file = b"".join(order(f"O{n}", f"L{n}a", f"L{n}b") for n in range(9))
    read: list[Any] = []
    at, wide = 0, size

    while at < len(file):
        piece = file[at : at + wide]
        nodes, used = jsonl.orders(piece, ended=at + wide >= len(file), most=4)
        read += nodes
        at, wide = at + used, size if nodes else wide * 2

    assert seen(read) == [(f"O{n}", [f"L{n}a", f"L{n}b"]) for n in range(9)]


def test_the_last_order_of_a_piece_waits_for_its_lines() -> None:
    first, second = order("A", "a1"), order("B")

    nodes, used = jsonl.orders(first + second, ended=False, most=10)

    assert seen(nodes) == [("A", ["a1"])]
    assert used == len(first)


def test_a_file_may_end_without_a_line_end() -> None:
    nodes, used = jsonl.orders(b'{"id":"A"}', ended=True, most=10)

    assert seen(nodes) == [("A", [])]
    assert used == 10


def test_a_row_that_is_no_json_spoils_the_order_it_stands_under() -> None:
    file = order("A", "a1") + b'{"id": broken\n' + order("B", "b1")

    nodes, _ = jsonl.orders(file, ended=True, most=10)

    assert nodes[0]["lineItems"]["nodes"][1] is None
    assert nodes[1]["lineItems"]["nodes"] == [{"id": "b1"}]


def test_a_line_of_another_order_is_not_taken() -> None:
    file = order("A") + row(id="x", __parentId="Z")

    nodes, _ = jsonl.orders(file, ended=True, most=10)

    assert nodes[0]["lineItems"]["nodes"] == [None]
