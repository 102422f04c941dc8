"""Servers for a machine that has none: what a first run, the tests and the demo start.

Knows nothing of the hub. Production names its own servers and never comes here.
"""
