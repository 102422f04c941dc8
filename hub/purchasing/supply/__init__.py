"""Suppliers, their prices, and how the seller buys, over HTTP."""
