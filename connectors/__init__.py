"""The channels: code that talks to shops, marketplaces, app stores and social channels.

Knows HTTP and records. Knows no database, no web framework and no queue.
"""
