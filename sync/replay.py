"""Playing real order lines through simulated shops, and recounting them by hand.

The file has one row per order line: invoice, sku, description, quantity, ts, price, customer_id,
country. Classes, each counted:

* *service* lines (postage, fees, discounts, manual entries) touch no stock;
* *sales* are bought at one of the two shops, invoice by invoice, split by invoice number;
* lines of "C" invoices are *returns*: matched to the latest earlier invoice of that customer with
  enough units of that SKU not yet returned, else an unmatched refund, which restocks nothing;
* other negative lines are *write-offs*, positive ones without price and customer are *found* stock:
  both become adjustments.
"""

from __future__ import annotations

import csv
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from hub.errors import InvalidInput
from hub.inventory.products import sku_key

if TYPE_CHECKING:
    from sync.opening import Shops

SERVICE = re.compile(
    r"^(POST|DOT|M|D|S|B|C2|CRUK|PADS|BANK CHARGES|AMAZONFEE|ADJUST\d*|GIFT.*|DCGS.*|TEST.*)$",
    re.IGNORECASE,
)
DEAREST = 10**12
COLUMNS = ("invoice", "sku", "description", "quantity", "ts", "price", "customer_id", "country")


@dataclass(frozen=True, slots=True)
class Row:
    invoice: str
    sku: str
    description: str
    quantity: int
    at: datetime
    price: int
    customer: str

    @property
    def kind(self) -> str:
        if SERVICE.match(self.sku):
            return "service"
        if self.invoice.upper().startswith("C"):
            return "return" if self.quantity < 0 else "service"
        if self.quantity < 0:
            return "write_off"
        if self.price <= 0 and not self.customer:
            return "found"
        return "sale"


@dataclass(frozen=True, slots=True)
class Invoice:
    number: str
    at: datetime
    customer: str
    rows: tuple[Row, ...]

    def of(self, kind: str) -> list[Row]:
        return [row for row in self.rows if row.kind == kind]


def read_invoices(file: Path, limit: int = 0) -> list[Invoice]:
    """The first ``limit`` invoices (0 = all) in the order of their time. InvalidInput names the
    line and the field of anything unreadable; nothing is played from a broken file."""
    grouped: dict[str, list[Row]] = {}
    for row in _rows(file):
        if row.invoice not in grouped and limit and len(grouped) == limit:
            break
        grouped.setdefault(row.invoice, []).append(row)
    made = [Invoice(n, rows[0].at, rows[0].customer, tuple(rows)) for n, rows in grouped.items()]
    return sorted(made, key=lambda invoice: (invoice.at, invoice.number))


def _rows(file: Path) -> Iterator[Row]:
    with file.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        try:
            missing = set(COLUMNS[:7]) - set(reader.fieldnames or ())
            if missing:
                raise InvalidInput("header", f"misses {', '.join(sorted(missing))}")
            for cells in reader:
                yield _row(reader.line_num, cells)
        except UnicodeDecodeError:
            raise InvalidInput("file", "is not UTF-8 text") from None
        except csv.Error as error:
            raise InvalidInput(f"line {reader.line_num + 1}", f"is not CSV: {error}") from None


def _row(number: int, cells: Mapping[str, str | None]) -> Row:
    def cell(name: str) -> str:
        return (cells.get(name) or "").strip()

    try:
        quantity = int(cell("quantity"))
    except ValueError:
        said = f"{cell('quantity')!r} is not a whole number"
        raise InvalidInput(f"line {number}, quantity", said) from None
    try:
        price = _minor(cell("price"))
        at = datetime.fromisoformat(cell("ts"))
    except (ArithmeticError, ValueError):
        raise InvalidInput(f"line {number}, price or ts", "cannot be read") from None
    if not cell("invoice") or not cell("sku"):
        raise InvalidInput(f"line {number}, invoice or sku", "is empty")
    customer = cell("customer_id").removesuffix(".0")
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    title = cell("description")
    return Row(cell("invoice"), cell("sku"), title, quantity, aware, price, customer)


def _minor(text: str) -> int:
    price = Decimal(text)
    if not abs(price) < DEAREST:
        raise ValueError(text)
    return int(price.scaleb(2).to_integral_value(ROUND_HALF_EVEN))


@dataclass(slots=True)
class Recount:
    """What the file itself says must come out; knows nothing of the hub."""

    classes: Counter[str]
    opening: dict[str, int]
    titles: dict[str, str]
    final: dict[str, int]
    matched: int = 0
    unmatched: int = 0
    sales: int = 0

    @classmethod
    def of(cls, history: Sequence[Invoice]) -> Recount:
        classes = Counter(row.kind for invoice in history for row in invoice.rows)
        titles: dict[str, str] = {}
        opening: Counter[str] = Counter()
        for row in (row for invoice in history for row in invoice.rows):
            if row.kind != "service":
                titles.setdefault(row.sku, row.description or row.sku)
                opening[row.sku] += abs(row.quantity) if row.kind in {"sale", "write_off"} else 0
        made = cls(classes, dict(opening), titles, dict(opening))
        for sku in titles:
            made.opening.setdefault(sku, 0)
            made.final.setdefault(sku, 0)
        made._count(history)
        return made

    def _count(self, history: Sequence[Invoice]) -> None:
        book = Book()
        for invoice in history:
            self.sales += bool(invoice.of("sale"))
            for row in invoice.rows:
                if row.kind in {"write_off", "found"}:
                    self.final[row.sku] += row.quantity
                elif row.kind == "sale":
                    self.final[row.sku] -= row.quantity
                    book.sold(row)
                elif row.kind == "return":
                    if book.match(row) is None:
                        self.unmatched += 1
                    else:
                        self.matched += 1
                        self.final[row.sku] -= row.quantity

    def says(self) -> str:
        counted = ", ".join(f"{count} {kind}" for kind, count in sorted(self.classes.items()))
        return (
            f"{self.sales} sales invoices of {len(self.opening)} SKUs ({counted});"
            f" {self.matched} returns match a sale, {self.unmatched} do not"
        )

    def differences(self, found: Mapping[str, int], played: Played) -> list[str]:
        """What the hub holds (normalised SKU → units inside) against this count, in words."""
        wrong = []
        expected: Counter[str] = Counter()
        for sku, units in self.final.items():
            expected[sku_key(sku)] += units
        for key, units in sorted(expected.items()):
            if found.get(key, 0) != units:
                wrong.append(f"{key}: {found.get(key, 0)} in the hub, {units} by recount")
        for name, ours, theirs in (
            ("sales", played.sales, self.sales),
            ("matched returns", played.matched, self.matched),
            ("unmatched refunds", played.unmatched, self.unmatched),
        ):
            if ours != theirs:
                wrong.append(f"{name}: {ours} in the hub, {theirs} by recount")
        return wrong


@dataclass(slots=True)
class Book:
    """Who bought how many of what on which invoice, and how many came back: newest first."""

    lines: dict[tuple[str, str], list[list[object]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def sold(self, row: Row) -> None:
        if row.customer:
            bought = self.lines[row.customer, row.sku]
            if bought and bought[-1][0] == row.invoice:
                bought[-1][1] = int(str(bought[-1][1])) + row.quantity
            else:
                bought.append([row.invoice, row.quantity])

    def match(self, row: Row) -> str | None:
        """The invoice a returned row belongs to; its units are then spoken for."""
        for entry in reversed(self.lines.get((row.customer, row.sku), [])):
            left = int(str(entry[1]))
            if left >= -row.quantity:
                entry[1] = left + row.quantity
                return str(entry[0])
        return None


@dataclass(slots=True)
class Played:
    """What was done: ``keys`` maps an invoice to (shop, order key at the shop)."""

    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    back: list[tuple[Row, str | None]] = field(default_factory=list)
    sales: int = 0
    matched: int = 0
    unmatched: int = 0


def play(
    shops: Shops,
    history: Sequence[Invoice],
    speed: float,
    adjust: Callable[[str, Row], None],
    progress: Callable[[str], None],
) -> Played:
    """Buy every sale at its shop, in order; ``adjust`` posts write-offs and found stock. Returns
    are noted: their goods come back once the sales have gone out."""
    played = Played()
    book = Book()
    names = sorted(shops.simulators)
    began, first = time.monotonic(), history[0].at if history else None
    for done, invoice in enumerate(history, start=1):
        if speed > 0 and first is not None:
            due = (invoice.at - first).total_seconds() / speed
            time.sleep(max(0.0, due - (time.monotonic() - began)))
        _buy(shops, names[_number(invoice.number) % len(names)], invoice, played)
        for place, row in enumerate(invoice.rows):
            if row.kind == "sale":
                book.sold(row)
            elif row.kind == "return":
                played.back.append((row, book.match(row)))
            elif row.kind in {"write_off", "found"}:
                adjust(f"replay:{invoice.number}:{place}", row)
        if done % 100 == 0:
            progress(f"{done} of {len(history)} invoices played")
    return played


def _number(invoice: str) -> int:
    return int("".join(c for c in invoice if c.isdecimal()) or 0)


def _buy(shops: Shops, name: str, invoice: Invoice, played: Played) -> None:
    rows = invoice.of("sale")
    if rows:
        sale = shops.simulators[name].shop.buy(
            [(row.sku, row.quantity) for row in rows],
            buyer={"name": f"Customer {invoice.customer or 'unknown'}"},
            prices={row.sku: row.price for row in rows},
            reference=invoice.number,
        )
        played.keys[invoice.number] = (name, sale.key)
