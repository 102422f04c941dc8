"""Money as channels write it, read exactly or refused."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.amounts import (
    LARGEST,
    exponent,
    from_divisor,
    from_units_nanos,
    minor_units,
    rounded_minor_units,
)
from connectors.http import parse_json

PLACES = {"EUR": 2, "USD": 2, "CNY": 2, "IDR": 2, "JPY": 0, "KRW": 0, "VND": 0, "CLP": 0, "KWD": 3,
          "TND": 3, "CLF": 4}  # fmt: skip


@pytest.mark.parametrize(("currency", "places"), PLACES.items())
def test_a_currency_has_the_places_of_iso_4217(currency: str, places: int) -> None:
    assert exponent(currency) == places


@pytest.mark.parametrize("currency", ["", "EURO", "ZZZ", "eur\n", "\u20ac", "12", "XXX", "XAU"])
def test_an_unknown_currency_or_one_without_minor_units_is_refused(currency: str) -> None:
    with pytest.raises(ValueError, match="currency"):
        minor_units("1", currency)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("19.99", "EUR", 1999),
        ("19.9", "EUR", 1990),
        ("19", "EUR", 1900),
        ("19.9900", "EUR", 1999),
        ("-0.01", "EUR", -1),
        ("-0", "EUR", 0),
        (Decimal("49.47"), "USD", 4947),
        (7, "USD", 700),
        ("1500", "JPY", 1500),
        ("1500.00", "JPY", 1500),
        ("1.234", "KWD", 1234),
        ("1E+2", "EUR", 10000),
        ("10000000000000.00", "EUR", LARGEST),
    ],
)
def test_an_amount_is_read_into_minor_units(
    amount: str | int | Decimal, currency: str, minor: int
) -> None:
    assert minor_units(amount, currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("19.999", "EUR"),
        ("0.5", "JPY"),
        ("1.2345", "KWD"),
        ("0." + "0" * 50 + "1", "EUR"),
    ],
)
def test_finer_fractions_than_the_currency_has_are_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match="finer"):
        minor_units(amount, currency)


@pytest.mark.parametrize(
    "amount",
    ["NaN", "sNaN", "Infinity", "-Infinity", "1E+30", "1E+999999", "9" * 40, "10000000000000.01",
     "-10000000000000.01", Decimal("NaN"), 10**30],
)  # fmt: skip
def test_amounts_beyond_a_sale_are_refused(amount: object) -> None:
    with pytest.raises(ValueError, match="out of range"):
        minor_units(amount, "EUR")


@pytest.mark.parametrize(
    "amount", [19.99, 1.0, float("nan"), True, None, b"1", [], "", " ", "1,99", "\u20ac1", "1.2.3"]
)
def test_floats_and_what_is_no_number_are_refused(amount: object) -> None:
    with pytest.raises(ValueError, match="not a decimal number"):
        minor_units(amount, "EUR")


@pytest.mark.parametrize(
    ("amount", "minor"), [("1.005", 100), ("1.015", 102), ("-1.005", -100), ("49.478", 4948)]
)
def test_computed_fractions_are_rounded_half_to_even(amount: str, minor: int) -> None:
    assert rounded_minor_units(amount, "USD") == minor


@pytest.mark.parametrize(
    ("units", "nanos", "currency", "minor"),
    [
        ("19", 990_000_000, "EUR", 1999),
        ("-1", -750_000_000, "EUR", -175),
        ("0", 0, "EUR", 0),
        ("1500", 0, "JPY", 1500),
        ("1", 234_000_000, "KWD", 1234),
    ],
)
def test_whole_units_and_billionths(units: str, nanos: int, currency: str, minor: int) -> None:
    assert from_units_nanos(units, nanos, currency) == minor


@pytest.mark.parametrize(
    ("amount", "divisor", "currency", "minor"),
    [(1250, 100, "EUR", 1250), (1500, 1, "JPY", 1500), (1234, 1000, "KWD", 1234)],
)
def test_an_amount_over_a_divisor(amount: int, divisor: int, currency: str, minor: int) -> None:
    assert from_divisor(amount, divisor, currency) == minor


@pytest.mark.parametrize(("amount", "divisor"), [(1, 0), (1, -100), (1, 3), (1, 1.0), (1, "NaN")])
def test_a_divisor_that_cannot_be_is_refused(amount: int, divisor: object) -> None:
    with pytest.raises(ValueError, match=r"divisor|finer|not a decimal|range"):
        from_divisor(amount, divisor, "EUR")


@given(st.integers(-LARGEST, LARGEST), st.sampled_from(sorted(PLACES)))
def test_what_was_written_as_a_decimal_is_read_back(minor: int, currency: str) -> None:
    written = Decimal(minor).scaleb(-exponent(currency))

    assert minor_units(format(written, "f"), currency) == minor
    assert minor_units(parse_json(f"[{written:f}]")[0], currency) == minor
    assert rounded_minor_units(written, currency) == minor


@given(st.integers(-(10**12), 10**12))
def test_units_and_nanos_are_read_back(minor: int) -> None:
    sign = -1 if minor < 0 else 1
    units, cents = divmod(abs(minor), 100)

    assert from_units_nanos(str(sign * units), sign * cents * 10**7, "EUR") == minor


@given(st.text(max_size=20) | st.floats() | st.none() | st.decimals(), st.text(max_size=4))
def test_nothing_but_value_error_comes_out(amount: object, currency: str) -> None:
    for read in (minor_units, rounded_minor_units):
        try:
            assert isinstance(read(amount, currency), int)
            assert isinstance(read(amount, "EUR"), int)
        except ValueError:
            pass
