"""Every table there is, imported so that the metadata is whole, and every invariant."""

from hub import audit, auth, heartbeat, idempotency, seller, slots
from hub.aftersales import invariants as aftersales_invariants
from hub.aftersales import models as aftersales_models
from hub.channels import invariants as channels_invariants
from hub.channels import models as channels_models
from hub.conflicts import models as conflicts_models
from hub.db import metadata
from hub.inventory import invariants as inventory_invariants
from hub.inventory import models as inventory_models
from hub.purchasing import arrivals as purchasing_arrivals
from hub.purchasing import invariants as purchasing_invariants
from hub.purchasing import models as purchasing_models
from hub.sales import invariants as sales_invariants
from hub.sales import models as sales_models

__all__ = ["INVARIANTS", "MODULES", "metadata"]

MODULES = (
    seller,
    auth,
    audit,
    heartbeat,
    idempotency,
    slots,
    conflicts_models,
    inventory_models,
    channels_models,
    purchasing_models,
    purchasing_arrivals,
    sales_models,
    aftersales_models,
)

INVARIANTS = (
    *inventory_invariants.INVARIANTS,
    *channels_invariants.INVARIANTS,
    *purchasing_invariants.INVARIANTS,
    *sales_invariants.INVARIANTS,
    *aftersales_invariants.INVARIANTS,
)
