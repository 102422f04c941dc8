"""How a seller buys: who must approve, what is tolerated, how deliveries are looked at."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import BigInteger, delete, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from hub.db import SELLER, Transaction, rows
from hub.errors import InvalidInput, StaleVersion
from hub.purchasing.matching import Tolerance
from hub.purchasing.models import purchasing_setting, sampling_step
from hub.purchasing.quality import Plan, SamplingStep
from hub.seller import seller


@dataclass(frozen=True, slots=True)
class Setting:
    """``approval_limit`` in the seller's minor units: dearer orders need an owner; None: none do.
    ``version`` 0: nothing has been set."""

    approval_limit: int | None = None
    over_percent: int = 0
    under_percent: int = 0
    plan: Plan = field(default_factory=Plan)
    tolerance: Tolerance = Tolerance()
    version: int = 0


def get(tx: Transaction) -> Setting:
    found = tx.execute(
        select(purchasing_setting).where(purchasing_setting.c.seller_id == tx.seller_id)
    ).one_or_none()
    if found is None:
        return Setting()
    steps = tx.execute(
        select(*(sampling_step.c[name] for name in SamplingStep._fields))
        .where(sampling_step.c.seller_id == tx.seller_id)
        .order_by(sampling_step.c.from_quantity)
    )
    table = tuple(SamplingStep(*row) for row in steps)
    return Setting(
        found.approval_limit,
        found.over_percent,
        found.under_percent,
        Plan(table, found.sample_percent, found.defect_percent),
        Tolerance(found.price_percent, found.quantity_percent),
        found.version,
    )


def put(tx: Transaction, wanted: Setting, version: int) -> Setting:
    """Set all of it. ``version`` is the one that was read. Raises StaleVersion, InvalidInput."""
    _check(wanted.plan)
    values = {
        "approval_limit": wanted.approval_limit,
        "over_percent": wanted.over_percent,
        "under_percent": wanted.under_percent,
        "sample_percent": wanted.plan.sample_percent,
        "defect_percent": wanted.plan.defect_percent,
        "price_percent": wanted.tolerance.price_percent,
        "quantity_percent": wanted.tolerance.quantity_percent,
    }
    written = upsert(purchasing_setting).values(seller_id=tx.seller_id, **values)
    statement = written.on_conflict_do_update(
        index_elements=["seller_id"],
        set_={**values, "version": purchasing_setting.c.version + 1},
        where=purchasing_setting.c.version == version,
    )
    now = tx.execute(statement.returning(purchasing_setting.c.version)).scalar()
    if now is None or (now == 1) != (version == 0):
        raise StaleVersion("the settings were changed by somebody else")
    _put_steps(tx, wanted.plan.table)
    return get(tx)


def _check(plan: Plan) -> None:
    for place, one in enumerate(plan.table):
        if one.reject <= one.accept:
            raise InvalidInput(f"sampling[{place}].reject", "must be more than accept")
    starts = [one.from_quantity for one in plan.table]
    if len(set(starts)) != len(starts):
        raise InvalidInput("sampling", "has a quantity twice")


_STEPS = rows(*((name, BigInteger) for name in SamplingStep._fields))
_NEW_STEPS = insert(sampling_step).from_select(
    ["seller_id", *SamplingStep._fields],
    select(SELLER, *(_STEPS.c[name] for name in SamplingStep._fields)),
)


def _put_steps(tx: Transaction, table: tuple[SamplingStep, ...]) -> None:
    tx.execute(delete(sampling_step).where(sampling_step.c.seller_id == tx.seller_id))
    if table:
        columns = {name: [getattr(one, name) for one in table] for name in SamplingStep._fields}
        tx.execute(_NEW_STEPS, tx.params(**columns))


def own_currency(tx: Transaction) -> str:
    """The seller's."""
    found = tx.execute(select(seller.c.currency).where(seller.c.id == tx.seller_id))
    return str(found.scalar_one())
