"""A record of TikTok Shop's, which marks no field as required and leaves out what does not
apply."""

from __future__ import annotations

import connectors.fields


class Record(connectors.fields.Record):
    numbers_as_text = True
