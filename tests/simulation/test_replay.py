"""Real order lines, played through simulated shops, against a count made here from the file.

The count knows nothing of the hub nor of its replay: it reads the columns and adds.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from sqlalchemy import Engine, text

from hub.db import Database
from hub.errors import InvalidInput
from hub.secrets import Keyring
from sync import settling
from sync.demo import adjusting_row
from sync.opening import Shops
from sync.replay import Invoice, Recount, play, read_invoices
from tests import pump
from tests.pump import World

FILE = Path("data") / "online_retail" / "online_retail_2010_2011.parquet"
NAMES = ("invoice", "sku", "description", "quantity", "ts", "price", "customer_id", "country")
SERVICES = {
    "POST", "DOT", "M", "D", "S", "B", "C2", "CRUK", "PADS", "BANK CHARGES", "AMAZONFEE",
}  # fmt: skip


#: A push is read back after so many seconds.
READBACK = 20.0


# -- the plain count ------------------------------------------------------------------------------


def first_rows(file: Path, invoices: int) -> Iterator[dict[str, Any]]:
    """The file's rows as they stand, up to the first of one invoice too many."""
    seen: set[str] = set()
    for batch in pq.ParquetFile(file).iter_batches(batch_size=4_096, columns=list(NAMES)):
        for row in batch.to_pylist():
            if row["invoice"] not in seen and len(seen) == invoices:
                return
            seen.add(row["invoice"])
            yield row


@dataclass
class Count:
    """What must come out. SKUs are told apart as the trade does: case does not matter."""

    classes: Counter[str] = field(default_factory=Counter)
    opening: Counter[str] = field(default_factory=Counter)
    final: Counter[str] = field(default_factory=Counter)
    sold: Counter[str] = field(default_factory=Counter)
    sales: set[str] = field(default_factory=set)
    matched: int = 0
    unmatched: int = 0

    def says(self) -> str:
        told = ", ".join(f"{count} {name}" for name, count in sorted(self.classes.items()))
        return (
            f"{len(self.sales)} sales invoices, {len(self.opening)} SKUs; lines: {told};"
            f" returns: {self.matched} matched, {self.unmatched} not"
        )


def count(rows: list[dict[str, Any]]) -> Count:
    made = Count()
    by_invoice: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        by_invoice[row["invoice"]].append(row)
        kind = kind_of(row)
        made.classes[kind] += 1
        if kind != "service":
            made.opening[key(row)] += abs(row["quantity"]) if kind in ("sale", "write-off") else 0
    made.final = Counter(made.opening)
    bought: dict[tuple[str, str], list[list[Any]]] = defaultdict(list)
    for number in sorted(by_invoice, key=lambda one: (str(by_invoice[one][0]["ts"]), one)):
        for row in by_invoice[number]:
            tally(made, row, bought)
    return made


def tally(made: Count, row: dict[str, Any], bought: dict[tuple[str, str], list[list[Any]]]) -> None:
    kind, units = kind_of(row), row["quantity"]
    whose = bought[str(row["customer_id"] or ""), row["sku"].strip()]
    if kind in ("write-off", "found"):
        made.final[key(row)] += units
    elif kind == "sale":
        made.sales.add(row["invoice"])
        made.sold[key(row)] += units
        made.final[key(row)] -= units
        if row["customer_id"]:
            if not whose or whose[-1][0] != row["invoice"]:
                whose.append([row["invoice"], 0])
            whose[-1][1] += units
    elif kind == "return":
        fits = [one for one in whose if one[1] >= -units]
        if fits:
            fits[-1][1] += units
            made.matched += 1
            made.final[key(row)] -= units
        else:
            made.unmatched += 1


def kind_of(row: dict[str, Any]) -> str:
    sku = row["sku"].strip().upper()
    adjusted = sku.startswith("ADJUST") and (sku[6:] == "" or sku[6:].isdigit())
    if sku in SERVICES or adjusted or sku.startswith(("GIFT", "DCGS", "TEST")):
        return "service"
    if row["invoice"].upper().startswith("C"):
        return "return" if row["quantity"] < 0 else "service"
    if row["quantity"] < 0:
        return "write-off"
    if round(row["price"] * 100) <= 0 and not row["customer_id"]:
        return "found"
    return "sale"


def key(row: dict[str, Any]) -> str:
    return str(row["sku"].strip().casefold())


# -- the play -------------------------------------------------------------------------------------


def to_csv(rows: list[dict[str, Any]], file: Path) -> Path:
    with file.open("w", newline="", encoding="utf-8") as output:
        writer = csv.DictWriter(output, NAMES)
        writer.writeheader()
        writer.writerows(rows)
    return file


@pytest.fixture
def retail(shared: Path) -> Path:
    if not (shared / FILE).is_file():
        pytest.skip(f"needs {FILE} in the shared data")
    return shared / FILE


@pytest.fixture
def grown_world(
    database: Database, keyring: Keyring, seller: int, owner_engine: Engine, tmp_path: Path
) -> Iterator[Callable[..., World]]:
    """Makes a world whose tables' sizes are known to the planner, as minutes later they would be:
    sessions that met them empty go on with plans for empty tables."""

    def analyze() -> None:
        with owner_engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text("ANALYZE listing, product, offer, account, flow"))

    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(
            pump.world(database, keyring, seller, tmp_path, grown=analyze, **options)
        )


def replay(world: World, history: list[Invoice]) -> Any:
    """Play, carry, settle: what `hub replay` does with workers is done by the pump."""
    shops = Shops(world.seller_id, world.location_id, world.shops, world.accounts)
    twice = 100 * (len(history) // 250)

    def now_and_then(said: str) -> None:
        if int(said.split()[0]) % twice == 0:  # each pull reads the last ten minutes again
            world.later(61)

    played = play(shops, history, 0.0, adjusting_row(world.carrier, shops), now_and_then)
    world.later(61)
    settling.settle(world.carrier, shops, played)
    world.pump()
    world.later(READBACK + 1)
    return played


def check_against(world: World, played: Any, wanted: Count) -> None:
    said = wanted.says()
    print(said)
    arrived = len(world.orders("north")) + len(world.orders("south"))
    assert arrived == len(wanted.sales), said
    assert sold_in_hub(world) == {sku: units for sku, units in wanted.sold.items() if units}, said
    assert refunds(world) == (wanted.matched, wanted.unmatched), said
    assert (played.matched, played.unmatched) == (wanted.matched, wanted.unmatched), said
    held = inside(world)
    wrong = {
        sku: (held.get(sku, 0), units)
        for sku, units in wanted.final.items()
        if held.get(sku, 0) != units
    }
    assert wrong == {}, said
    assert set(held) <= set(wanted.final), said
    assert adjusted(world) == wanted.classes["write-off"] + wanted.classes["found"], said
    world.check()
    world.agrees()


def sold_in_hub(world: World) -> dict[str, int]:
    found = world.query(
        "SELECT p.sku_key, sum(l.quantity) FROM order_line l JOIN product p ON p.id = l.product_id"
        " GROUP BY 1"
    )
    return {str(sku): int(units) for sku, units in found}


def inside(world: World) -> dict[str, int]:
    found = world.query(
        "SELECT p.sku_key, sum(l.quantity) FROM level l JOIN product p ON p.id = l.product_id"
        " GROUP BY 1 HAVING sum(l.quantity) > 0"
    )
    return {str(sku): int(units) for sku, units in found}


def refunds(world: World) -> tuple[int, int]:
    found = world.query("SELECT count(order_id), count(*) - count(order_id) FROM refund")
    return int(found[0][0]), int(found[0][1])


def adjusted(world: World) -> int:
    """Postings of the replay's write-offs and finds."""
    return int(world.query("SELECT count(*) FROM posting WHERE key LIKE 'replay:%'")[0][0])


def play_the_first(invoices: int, retail: Path, made: Callable[..., World], home: Path) -> None:
    rows = list(first_rows(retail, invoices))
    wanted = count(rows)
    history = read_invoices(to_csv(rows, home / "invoices.csv"), invoices)
    goods = {
        row["sku"].strip(): wanted.opening[key(row)] for row in rows if key(row) in wanted.final
    }
    world = made(goods=goods, webhooks=False, readback=READBACK)
    check_against(world, replay(world, history), wanted)


def test_500_real_invoices_come_out_as_counted(
    retail: Path, grown_world: Callable[..., World], tmp_path: Path
) -> None:
    play_the_first(500, retail, grown_world, tmp_path)


@pytest.mark.soak
@pytest.mark.timeout(1_800)
def test_5000_real_invoices_come_out_as_counted(
    retail: Path, grown_world: Callable[..., World], tmp_path: Path
) -> None:
    play_the_first(5_000, retail, grown_world, tmp_path)


def test_the_replays_own_recount_agrees_with_the_plain_count(retail: Path, tmp_path: Path) -> None:
    rows = list(first_rows(retail, 2_000))
    wanted = count(rows)

    own = Recount.of(read_invoices(to_csv(rows, tmp_path / "invoices.csv"), 2_000))

    finals: Counter[str] = Counter()
    for sku, units in own.final.items():
        finals[sku.casefold()] += units
    assert +finals == +wanted.final, wanted.says()
    assert own.sales == len(wanted.sales)
    assert (own.matched, own.unmatched) == (wanted.matched, wanted.unmatched)


# -- reading --------------------------------------------------------------------------------------

HEADER = ",".join(NAMES)
GOOD = "536365,85123A,HEART,6,2010-12-01 08:26:00,2.55,17850,United Kingdom"


def written(tmp_path: Path, *lines: str) -> Path:
    file = tmp_path / "lines.csv"
    file.write_text("\n".join([HEADER, *lines, ""]))
    return file


def test_lines_are_grouped_by_invoice_in_the_order_of_their_time(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        "2,B,b,1,2010-12-02 08:00:00,1.00,,UK",
        "1,A,a,2,2010-12-01 08:00:00,1.005,17850.0,UK",
        "2,C,c,3,2010-12-02 08:00:00,2.555,,UK",
    )

    read = read_invoices(file)

    assert [one.number for one in read] == ["1", "2"]
    assert [row.sku for row in read[1].rows] == ["B", "C"]
    assert read[0].customer == "17850"
    assert read[0].at.tzinfo is not None
    assert [row.price for row in read[0].rows + read[1].rows] == [100, 100, 256]


def test_only_so_many_invoices_are_read_as_asked(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, GOOD.replace("536365", "536366"), "broken")

    assert len(read_invoices(file, 1)) == 1


def test_a_byte_order_mark_is_no_part_of_the_first_name(tmp_path: Path) -> None:
    file = tmp_path / "bom.csv"
    file.write_bytes(b"\xef\xbb\xbf" + f"{HEADER}\n{GOOD}\n".encode())

    assert len(read_invoices(file)) == 1


def test_missing_columns_are_named(tmp_path: Path) -> None:
    file = tmp_path / "short.csv"
    file.write_text("invoice,sku,quantity\n1,A,2\n")

    with pytest.raises(InvalidInput, match=r"header: misses customer_id, description, price, ts"):
        read_invoices(file)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "empty.csv"
    file.write_text("")

    with pytest.raises(InvalidInput, match="header"):
        read_invoices(file)


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ("1,A,a,six,2010-12-01,1,,UK", "line 3, quantity"),
        ("1,A,a,,2010-12-01,1,,UK", "line 3, quantity"),
        ("1,A,a,1.5,2010-12-01,1,,UK", "line 3, quantity"),
        ("1,A,a,NaN,2010-12-01,1,,UK", "line 3, quantity"),
        ("1,A,a,1,yesterday,1,,UK", "line 3, price or ts"),
        ("1,A,a,1,,1,,UK", "line 3, price or ts"),
        ("1,A,a,1,2010-12-01,cheap,,UK", "line 3, price or ts"),
        ("1,A,a,1,2010-12-01,NaN,,UK", "line 3, price or ts"),
        ("1,A,a,1,2010-12-01,Infinity,,UK", "line 3, price or ts"),
        ("1,A,a,1,2010-12-01,1e999999,,UK", "line 3, price or ts"),
        ("1,A", "line 3, quantity"),
        (",A,a,1,2010-12-01,1,,UK", "line 3, invoice or sku"),
        ("1,,a,1,2010-12-01,1,,UK", "line 3, invoice or sku"),
    ],
)
def test_what_cannot_be_read_is_named_by_line_and_field(
    tmp_path: Path, bad: str, named: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_invoices(written(tmp_path, GOOD, bad, GOOD))

    assert named in str(caught.value)


def test_a_file_that_is_no_text_is_refused_in_our_words(tmp_path: Path) -> None:
    file = tmp_path / "latin.csv"
    file.write_bytes(f"{HEADER}\n{GOOD}\n".encode() + b"1,A,caf\xe9,1,2010-12-01,1,,UK\n")

    with pytest.raises(InvalidInput, match="UTF-8"):
        read_invoices(file)


def test_a_cell_as_long_as_a_book_is_refused_in_our_words(tmp_path: Path) -> None:
    file = written(tmp_path, GOOD, f'1,A,"{"a" * 200_000}",1,2010-12-01,1,,UK')

    with pytest.raises(InvalidInput, match="line 3"):
        read_invoices(file)
