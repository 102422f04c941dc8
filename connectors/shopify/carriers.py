"""Carriers by the names that Shopify knows; with another, it makes no tracking link. Pure.

https://shopify.dev/docs/api/admin-graphql/2026-07/objects/FulfillmentTrackingInfo: capitals count.
"""

from __future__ import annotations

NAMES = """
4PX|Amazon|Amazon Logistics UK|An Post|APC|Asendia USA|Australia Post|BPost|BPost International
Canada Post|Canpar|China Post|Chronopost|Colissimo|Correios|Correos|CTT|CTT Express|Cyprus Post
Deutsche Post|DHL|DHL eCommerce|DHL eCommerce Asia|DHL Express|DHL Parcel|DPD|DPD Ireland
DPD Local|DPD UK|DX|Estes|Evri|FedEx|GLS|GLS Italy|Hermes|Iceland Post|India Post|Israel Post
La Poste Colissimo|Lasership|Latvia Post|Mondial Relay|New Zealand Post|NinjaVan|OnTrac|Packeta
Parcelforce|Pitney Bowes|Poste Italiane|PostNL|PostNord DK|PostNord NO|PostNord SE|Purolator
Royal Mail|Sendle|SEUR|SF Express|ShipBob|Singapore Post|StarTrack|Swiss Post|TNT|Toll IPEC
Tuffnells|UPS|USPS|Venipak|Whistl|XPO Logistics|Yodel|YunExpress
"""

KNOWN = {
    name.strip().lower(): name.strip() for line in NAMES.split("\n") for name in line.split("|")
}


def company(carrier: str) -> str:
    """The carrier as Shopify writes it; as given where it is not on the list."""
    return KNOWN.get(carrier.strip().lower(), carrier.strip())
