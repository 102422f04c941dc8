"""Buying: suppliers and their prices, purchase orders, receipts, returns, invoices."""
